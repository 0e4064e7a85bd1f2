"""Calibrating fidelity: which ends are chosen, and what a curve must hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_lab.studies.calibration import (
    KNOTS,
    MOVES,
    Calibration,
    Figures,
    Knot,
    Measure,
    Pair,
    broken_sides,
    calibrate_fidelity,
    choose_ends,
    single_moves,
)
from panini_lab.studies.reports import report_calibration

BEFORE = Figures(texture=0.6, identity=0.7)
NEUTRAL = Figures(texture=0.4, identity=0.8)
CLEAN = Figures(texture=0.02, identity=0.99)


def test_groups_of_levels_move_by_themselves() -> None:
    moves = single_moves(PaniniConfig.preset("compact"))
    assert [len(group) for group in moves] == [len(MOVES)] * 4
    low = MOVES[0]
    assert [group[0] for group in moves] == [
        (low,) * 4 + (0.5,) * 6,  # 4 to 32 px
        (0.5,) * 4 + (low,) + (0.5,) * 5,  # 64 px
        (0.5,) * 5 + (low,) + (0.5,) * 4,  # 128 px
        (0.5,) * 6 + (low,) * 4,  # the picture's bands
    ]


def move(places: tuple[float, ...], texture: float, identity: float) -> tuple[object, Figures]:
    """A move that changes the figures by so much."""
    return places, Figures(NEUTRAL.texture + texture, NEUTRAL.identity + identity)


def test_the_ends_are_the_best_texture_and_the_best_likeness() -> None:
    first = [move((0.3, 0.5), -0.05, -0.02), move((0.7, 0.5), 0.02, 0.03)]
    second = [move((0.5, 0.3), -0.2, -0.09), move((0.5, 0.7), 0.01, 0.01)]
    ends = choose_ends(BEFORE, NEUTRAL, [first, second])  # type: ignore[arg-type]
    # Both first moves would cost 0.11 of likeness: less than the faces had before.
    assert ends == [pytest.approx((0.5, 0.3)), pytest.approx((0.7, 0.7))]


def test_without_a_trade_an_end_is_the_networks_own_choice() -> None:
    worse = [move((0.3, 0.5), 0.1, -0.05)]
    better = [move((0.5, 0.7), -0.1, 0.05)]  # in both: nothing would fall from 1 to 0
    spoilt = [move((0.7, 0.5), 0.3, 0.05)]  # worse texture than before
    ends = choose_ends(BEFORE, NEUTRAL, [[*worse, *spoilt], better])  # type: ignore[arg-type]
    assert ends[0] == (0.5, 0.5)
    alone = choose_ends(BEFORE, NEUTRAL, [worse, better])  # type: ignore[arg-type]
    assert alone[0] == (0.5, 0.5)


def knots(*degraded: tuple[float, float], clean: Figures = CLEAN) -> list[Knot]:
    return [Knot(Figures(*figures), clean) for figures in degraded]


def test_a_side_holds_if_both_figures_go_one_way_and_nothing_is_spoilt() -> None:
    good = knots((0.3, 0.72), (0.35, 0.75), (0.4, 0.8), (0.41, 0.82), (0.45, 0.83))
    assert broken_sides(good, BEFORE) == (False, False)
    turned = knots((0.36, 0.72), (0.35, 0.75), (0.4, 0.8), (0.41, 0.84), (0.45, 0.82))
    assert broken_sides(turned, BEFORE) == (True, True)
    unlike = knots((0.3, 0.6), (0.35, 0.75), (0.4, 0.8), (0.41, 0.82), (0.7, 0.83))
    assert broken_sides(unlike, BEFORE) == (True, True)
    for spoilt in (Figures(0.2, 0.99), Figures(0.02, 0.9)):
        assert broken_sides([*good[:4], replace(good[4], clean=spoilt)], BEFORE) == (False, True)


@pytest.fixture
def model() -> PaniniNet:
    torch.manual_seed(0)
    model = PaniniNet(PaniniConfig.preset("tiny")).eval()
    with torch.no_grad():  # a new network changes nothing
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return model


@pytest.fixture
def pairs(study_faces: Tensor) -> list[Pair]:
    clean = study_faces[:4].float() / 255
    return [Pair((0.5 * one + 0.2)[None], one[None]) for one in clean]


def by_brightness(sign: float, bend: float = 0) -> Measure:
    """Likeness rises (or falls) with brightness, texture with it, or bent on the way."""

    def measure(images: Tensor, clean: Tensor) -> Mapping[str, Tensor]:
        means = images.double().mean((1, 2, 3))
        moved = sign * (means - means[0])
        texture = 0.05 + 0.1 * moved + bend * torch.sin(40 * moved)
        identity = 0.99 + 0.1 * moved
        texture[0], identity[0] = 0.09, 0.9  # the faces as they were: worse than any
        return {"texture": texture, "identity": identity}

    return measure


def check_the_way(found: Calibration) -> None:
    figures = [knot.degraded for _, knot in found.knots]
    assert [at for at, _ in found.knots] == list(KNOTS)
    for low, high in pairwise(figures):
        assert low.texture <= high.texture + 0.002
        assert low.identity <= high.identity + 0.005
    assert found.curve.at(0.5) == (0.5,) * found.curve.levels


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("bend", [0, 0.01])
def test_texture_improves_and_likeness_falls_from_1_to_0(
    model: PaniniNet, pairs: list[Pair], sign: float, bend: float
) -> None:
    seen: list[tuple[int, int]] = []
    found = calibrate_fidelity(
        model,
        pairs,
        by_brightness(sign, bend),
        search=2,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    check_the_way(found)
    assert (found.faces, found.searched) == (4, 2)
    assert seen[:3] == [(1, 2), (2, 2), (1, 4)]
    json.dumps(found.to_dict(), allow_nan=False)
    text = report_calibration(found)
    assert text.count("\n| ") == len(KNOTS) + 2
    assert "(degraded)" in text


def test_a_curve_goes_as_far_as_the_moves_do(model: PaniniNet, pairs: list[Pair]) -> None:
    found = calibrate_fidelity(model, pairs, by_brightness(1))
    ends = {place for at in (0, 1) for place in found.curve.at(at)}
    assert ends & set(MOVES)


def test_nothing_is_calibrated_by_nothing(model: PaniniNet) -> None:
    with pytest.raises(ValueError, match="no pairs"):
        calibrate_fidelity(model, [], by_brightness(1))
