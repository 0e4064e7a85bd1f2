"""The charts, measured: what is more is longer, higher, or farther to the right."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from panini_core.drawing.canvas import Colour
from panini_lab.studies import charts
from panini_lab.studies.charts import (
    chart_curves,
    chart_fusion,
    chart_response,
    chart_separation,
)
from panini_lab.studies.curve import Curve
from panini_lab.studies.fusion import FusionResult, FusionStudy
from panini_lab.studies.response import Response, ResponseStudy
from panini_lab.studies.separation import SeparationStudy

WHITE: Colour = (255, 255, 255)


def of_colour(chart: Tensor, colour: Colour) -> Tensor:
    """(H, W) bool: the pixels of exactly this colour."""
    return ((chart * 255).round() == torch.tensor(colour).view(3, 1, 1)).all(0)


def extent(mask: Tensor) -> tuple[int, int, int, int]:
    """left, top, right, bottom of the pixels of a mask, the last two exclusive."""
    rows, columns = mask.nonzero(as_tuple=True)
    assert len(rows), "nothing has this colour"
    return (
        int(columns.min()),
        int(rows.min()),
        int(columns.max()) + 1,
        int(rows.max()) + 1,
    )


def bars(mask: Tensor) -> list[tuple[int, int]]:
    """left and right of what stands in each block of neighbouring rows, from the top."""
    filled = torch.nn.functional.pad(mask.any(1).int(), (1, 1)).diff()
    starts, ends = (filled == 1).nonzero().flatten(), (filled == -1).nonzero().flatten()
    found = [extent(mask[start:end]) for start, end in zip(starts, ends, strict=True)]
    return [(left, right) for left, _, right, _ in found]


def check_picture(chart: Tensor) -> None:
    assert chart.ndim == 3 and chart.shape[0] == 3
    assert chart.dtype == torch.float32
    assert 0 <= chart.min() and chart.max() <= 1


# --- alpha --------------------------------------------------------------------------------------


def responses(*degradations: str, alpha: tuple[float, ...] = (0.2, 0.7)) -> ResponseStudy:
    levels = tuple(str(4 * 2**index) for index in range(len(alpha)))
    return ResponseStudy(
        3,
        levels,
        tuple(
            Response(name, ("0", "1", "2"), (100, 30, 20), (alpha,) * 3, (0.0,) * len(alpha))
            for name in degradations
        ),
    )


def test_every_degradation_has_a_panel() -> None:
    two = chart_response(responses("blur", "noise"))
    three = chart_response(responses("blur", "noise", "mixed"))
    check_picture(three)
    fields = [of_colour(chart, charts._FIELD) for chart in (two, three)]
    # The panel that is added stands to the right, and those before it stay where they are.
    assert extent(fields[1])[2] > extent(fields[0])[2] + 200
    left, top, right, bottom = extent(fields[0])
    assert torch.equal(*(field[top:bottom, left:right] for field in fields))


def test_a_larger_share_is_drawn_higher() -> None:
    heights: list[int] = []
    for alpha in (0.0, 0.4, 0.8):
        chart = chart_response(responses("blur", "jpeg", alpha=(alpha,)))
        lines = of_colour(chart, charts._LEVELS[0])
        lines[:40] = False  # the legend
        heights.append(extent(lines)[1])
    assert heights[0] > heights[1] > heights[2]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=1)


def test_levels_are_told_apart_by_their_colours_which_begin_anew_when_spent() -> None:
    count = len(charts._LEVELS)
    alpha = tuple((index + 0.5) / (count + 1) for index in range(count + 1))
    chart = chart_response(responses("blur", "jpeg", "downscale", "noise", alpha=alpha))
    for colour in charts._LEVELS:
        assert of_colour(chart, colour).sum() > 100


# --- separation ---------------------------------------------------------------------------------


@pytest.fixture
def separation() -> SeparationStudy:
    """Every share 0, so that nothing is drawn in the colour of right answers."""
    return SeparationStudy(
        faces=8,
        versions=1,
        kinds=("sharp", "low resolution", "noise"),
        kind_by_neighbours=0.0,
        kind_by_probe=0.0,
        confusion=((0.0,) * 3,) * 3,
        kind_by_chance=0.1,
        person_by_neighbours=0.0,
        person_by_probe=0.0,
        person_by_neighbours_mixed=0.0,
        person_by_probe_mixed=0.0,
        person_by_chance=0.2,
    )


def test_bars_are_as_long_as_the_shares_of_right_answers(separation: SeparationStudy) -> None:
    shares = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
    study = replace(
        separation,
        kind_by_neighbours=shares[0],
        kind_by_probe=shares[1],
        person_by_neighbours=shares[2],
        person_by_probe=shares[3],
        person_by_neighbours_mixed=shares[4],
        person_by_probe_mixed=shares[5],
    )
    chart = chart_separation(study)
    check_picture(chart)
    found = bars(of_colour(chart, charts._GOOD))
    whole = found[0][1] - found[0][0]
    assert {left for left, _ in found} == {found[0][0]}
    assert [(right - left) / whole for left, right in found] == pytest.approx(shares, abs=0.01)


def test_chance_is_marked_on_each_bar(separation: SeparationStudy) -> None:
    marks = bars(of_colour(chart_separation(separation), charts._CHANCE))
    assert len(marks) == 6
    kinds, people = marks[:2], marks[2:]
    assert len(set(kinds)) == len(set(people)) == 1
    assert people[0][0] > kinds[0][0]  # 0.2 and 0.1


@pytest.mark.parametrize(("truth", "said"), [(0, 2), (2, 0), (1, 1)])
def test_rows_are_the_truth_and_columns_what_is_said(
    separation: SeparationStudy, truth: int, said: int
) -> None:
    rows = [[0.0] * 3 for _ in range(3)]
    rows[truth][said] = 1.0
    study = replace(separation, confusion=tuple(map(tuple, rows)))
    left, top, right, bottom = extent(of_colour(chart_separation(study), charts._GOOD))
    all_right = replace(separation, confusion=((1.0,) * 3,) * 3)
    x0, y0, x1, y1 = extent(of_colour(chart_separation(all_right), charts._GOOD))
    assert math.floor(3 * ((left + right) / 2 - x0) / (x1 - x0)) == said
    assert math.floor(3 * ((top + bottom) / 2 - y0) / (y1 - y0)) == truth


# --- fusion -------------------------------------------------------------------------------------


def fusion(psnr: float, *, represented: bool = True, seeds: tuple[float, ...] = ()) -> FusionResult:
    return FusionResult("DAFI", represented, 10, psnr, 0.7, seeds, 0.0)


def test_the_best_fusion_is_on_top_and_bars_show_the_gain() -> None:
    study = FusionStudy(7, 8, 1, 20.0, 0.6, (fusion(21.0), fusion(24.0), fusion(22.0)))
    chart = chart_fusion(study)
    check_picture(chart)
    found = bars(of_colour(chart, charts._GOOD))
    assert len({left for left, _ in found}) == 1
    lengths = [right - left for left, right in found]
    assert lengths == pytest.approx([lengths[0], lengths[0] / 2, lengths[0] / 4], abs=1)


def test_a_loss_is_drawn_to_the_other_side() -> None:
    results = (fusion(19.0, represented=False), fusion(22.0))
    chart = chart_fusion(FusionStudy(7, 8, 1, 20.0, 0.6, results))
    ((gain_left, gain_right),) = bars(of_colour(chart, charts._GOOD))
    ((loss_left, loss_right),) = bars(of_colour(chart, charts._LESS))
    assert loss_right == pytest.approx(gain_left, abs=1)
    assert gain_right - gain_left == pytest.approx(2 * (loss_right - loss_left), abs=2)


def test_seeds_are_dots_around_their_mean() -> None:
    plain = FusionStudy(7, 8, 2, 20.0, 0.6, (fusion(22.0),))
    assert not of_colour(chart_fusion(plain), WHITE).any()
    chart = chart_fusion(replace(plain, results=(fusion(22.0, seeds=(21.0, 23.0)),)))
    ((start, mean),) = bars(of_colour(chart, charts._GOOD))
    first, last, *_ = (extent(of_colour(chart, WHITE))[side] for side in (0, 2))
    # Gains of 1 and 3, drawn from where the bar of 2 begins
    assert first + 3 - start == pytest.approx((mean - start) / 2, abs=1.5)
    assert last - 3 - start == pytest.approx((mean - start) * 3 / 2, abs=1.5)


def test_a_fusion_chart_grows_with_its_bars() -> None:
    few, many = (
        chart_fusion(FusionStudy(7, 8, 1, 20.0, 0.6, (fusion(21.0),) * count)) for count in (1, 9)
    )
    assert few.shape[2] == many.shape[2]
    assert few.shape[1] < many.shape[1]
    assert len(bars(of_colour(many, charts._GOOD))) == 9


def test_fusions_that_gain_nothing_are_drawn() -> None:
    chart = chart_fusion(FusionStudy(7, 8, 1, 20.0, 0.6, (fusion(20.0),)))
    assert not of_colour(chart, charts._GOOD).any()
    assert of_colour(chart, charts._FIELD).any()


# --- curves -------------------------------------------------------------------------------------


def line(count: int, *, last: int = 100, name: str = "loss") -> Curve:
    """A figure that grows evenly until a step."""
    steps = tuple(round(last * index / (count - 1)) for index in range(count))
    return Curve(name, steps, tuple(float(index) for index in range(count)))


def test_panels_stand_three_in_a_row() -> None:
    sizes = [tuple(chart_curves([line(3)] * count).shape[1:]) for count in range(1, 8)]
    heights, widths = zip(*sizes, strict=True)
    assert widths[0] < widths[1] < widths[2]
    assert widths[2:] == (widths[2],) * 5
    assert heights[0] == heights[1] == heights[2] < heights[3] == heights[5] < heights[6]


def test_all_panels_reach_to_the_same_step() -> None:
    chart = chart_curves([line(5), line(5, last=50)])
    check_picture(chart)
    lines = of_colour(chart, charts._GOOD)
    middle = chart.shape[2] // 2
    whole, half = extent(lines[:, :middle]), extent(lines[:, middle:])
    dot = 6  # px, around the ends
    assert whole[2] - whole[0] - dot == pytest.approx(2 * (half[2] - half[0] - dot), abs=3)


def test_a_growing_figure_rises() -> None:
    lines = of_colour(chart_curves([line(5)]), charts._GOOD)
    left, _, right, _ = extent(lines)
    assert extent(lines[:, left : left + 20])[1] > extent(lines[:, right - 20 : right])[3]


def restless(count: int) -> Curve:
    """A figure that jumps up and down."""
    values = torch.rand(count, generator=torch.Generator().manual_seed(0)).tolist()
    return Curve("loss", tuple(range(count)), tuple(values))


def test_few_values_are_drawn_alone() -> None:
    few, more = (chart_curves([restless(charts._FEW + extra)]) for extra in (0, 1))
    assert not of_colour(few, charts._LESS).any()
    assert of_colour(more, charts._LESS).any()


def test_many_values_are_smoothed_as_well() -> None:
    chart = chart_curves([restless(200)])
    smoothed, plain = (extent(of_colour(chart, colour)) for colour in (charts._GOOD, charts._LESS))
    assert smoothed[3] - smoothed[1] < 0.8 * (plain[3] - plain[1])


@pytest.mark.parametrize(
    "curve",
    [
        Curve("even", (1, 2, 3), (2.0, 2.0, 2.0)),
        Curve("once", (7,), (1.0,)),
        Curve("first", (0,), (1.0,)),
    ],
)
def test_figures_without_an_extent_are_drawn(curve: Curve) -> None:
    chart = chart_curves([curve])
    check_picture(chart)
    assert of_colour(chart, charts._GOOD).any()
