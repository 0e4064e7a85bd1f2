"""The map of degradations and the distribution of alpha, as pictures."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from panini_core.atlas import DegradationAtlas, DegradationDescription
from panini_core.drawing.canvas import SMALLEST
from panini_core.drawing.plots import plot_alpha, plot_atlas
from panini_core.stages.level_statistics import LevelStatistics

Colour = tuple[int, int, int]
BLUE, AMBER = (0, 160, 220), (255, 180, 0)  # of the network's choice and of the edited alpha


def level(name: str, at: float) -> LevelStatistics:
    """Nearly all channels have an alpha within 0.1 of `at`."""
    histogram = [0.0] * 20
    histogram[min(int(at * 20), 19)] = 1.0
    return LevelStatistics(
        name, 8, at, (at - 0.1, at - 0.05, at, at + 0.05, at + 0.1), tuple(histogram)
    )


def atlas(points: Sequence[tuple[float, float]], labels: Sequence[int]) -> DegradationAtlas:
    count = len(points)
    return DegradationAtlas(
        names=("sharp", "blur", "noise")[: len(set(labels))],
        vectors=torch.zeros(count, 4),
        labels=torch.tensor(labels),
        severity=torch.zeros(count),
        positions=torch.tensor(points),
        centre=torch.zeros(4),
        projection=torch.eye(4),
        reach=1.0,
        fingerprint="",
    )


def description(severity: float, x: float = 0.5, y: float = 0.5) -> DegradationDescription:
    return DegradationDescription(severity, (("blur", 1.0),), (x, y), 0.5, "a text")


def places(plot: Tensor, colour: Colour) -> Tensor:
    """Row and column of the pixels of that colour, (n, 2)."""
    target = torch.tensor(colour).view(3, 1, 1) / 255
    return ((plot - target).abs().amax(0) < 1e-3).nonzero()


def below_the_legend(found: Tensor) -> Tensor:
    return found[found[:, 0] > 44]


@pytest.mark.parametrize("size", [(480, 320), (700, 333), (1600, 900)])
def test_plots_have_the_size_that_was_asked_for(size: tuple[int, int]) -> None:
    levels = [level(str(4 * 2**index), 0.5) for index in range(7)]
    known = atlas([(0.5, 0.5)], [0])
    for plot in (
        plot_alpha(levels, size=size),
        plot_alpha([], size=size),
        plot_atlas(known, [description(0.5)] * 40, size=size),
        plot_atlas(known, [], size=size),
        plot_atlas(None, [], size=size),
    ):
        assert plot.shape == (3, size[1], size[0])
        assert plot.dtype == torch.float32
        assert 0 <= plot.min() and plot.max() <= 1


def test_sizes_below_legibility_are_refused() -> None:
    for size in ((SMALLEST[0] - 1, 500), (500, SMALLEST[1] - 1)):
        with pytest.raises(ValueError, match="needs at least"):
            plot_alpha([], size=size)
        with pytest.raises(ValueError, match="needs at least"):
            plot_atlas(None, [], size=size)


def test_more_prior_is_higher_up_and_both_halves_are_apart() -> None:
    plot = plot_alpha([level("4", 0.2)], [level("4", 0.9)])
    before = below_the_legend(places(plot, BLUE)).float()
    after = below_the_legend(places(plot, AMBER)).float()
    assert len(before) and len(after)
    assert after[:, 0].max() < before[:, 0].min()  # rows count downwards
    assert before[:, 1].max() < after[:, 1].min()


def test_levels_run_from_left_to_right() -> None:
    plot = plot_alpha([level("4", 0.2), level("8", 0.5), level("picture", 0.9)])
    columns = [
        below_the_legend(places(plot[:, :, left : left + 280], BLUE))[:, 0].float().mean()
        for left in (80, 370, 660)
    ]
    assert columns[0] > columns[1] > columns[2]


def test_without_edits_both_halves_are_the_choice() -> None:
    levels = [level("4", 0.3), level("8", 0.6)]
    assert torch.equal(plot_alpha(levels), plot_alpha(levels, levels))


def test_sides_with_different_levels_are_refused() -> None:
    with pytest.raises(ValueError, match="same levels"):
        plot_alpha([level("4", 0.3)], [level("8", 0.3)])


def test_the_map_shows_each_class_in_its_own_colour() -> None:
    empty = plot_atlas(atlas([(0.0, 0.0)], [0]), [])
    shown = plot_atlas(atlas([(0.0, 0.0), (0.9, 0.9), (0.1, 0.9)], [0, 1, 2]), [])
    changed = ((shown - empty).abs().amax(0) > 0.05).nonzero().float()
    left, right = (changed[changed[:, 1] < 300], changed[changed[:, 1] >= 300])
    assert len(left) and len(right) and len(left) + len(right) == len(changed)
    colours = [shown[:, int(rows[:, 0].mean()), int(rows[:, 1].mean())] for rows in (left, right)]
    assert not torch.allclose(colours[0], colours[1], atol=0.1)


def test_every_face_is_on_the_map_and_in_the_list() -> None:
    known = atlas([(0.5, 0.5)], [0])
    shown = plot_atlas(known, [description(0.5, 0.2, 0.8)])
    changed = ((shown - plot_atlas(known, [])).abs().amax(0) > 0.05).nonzero().float()
    on_map = changed[changed[:, 1] < 540].mean(0)
    side = 560 - 32
    assert on_map.tolist() == pytest.approx(
        [16 + 16 + 0.8 * (side - 32), 16 + 16 + 0.2 * (side - 32)], abs=2
    )
    assert len(changed[changed[:, 1] > 560])


def test_the_bar_is_as_long_as_the_degradation_is_severe() -> None:
    known = atlas([(0.5, 0.5)], [0])
    grey = (58, 58, 62)  # the part of the bar that is not filled
    rest = [len(places(plot_atlas(known, [description(s)]), grey)) for s in (0.0, 0.25, 0.5, 1.0)]
    assert rest[3] == 0
    assert rest[1] == pytest.approx(0.75 * rest[0], rel=0.03)
    assert rest[2] == pytest.approx(0.5 * rest[0], rel=0.03)


def test_a_model_without_an_atlas_is_told() -> None:
    plot = plot_atlas(None, [])
    assert (plot > 0.5).any()
    assert not torch.equal(plot, plot_atlas(atlas([(0.5, 0.5)], [0]), []))
