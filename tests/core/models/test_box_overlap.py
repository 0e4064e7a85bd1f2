"""Boxes on each other."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_core.models.box_overlap import (
    box_areas,
    box_overlaps,
    shared_areas,
    suppress_overlaps,
)

_coordinate = st.floats(-100, 100, width=32)
_side = st.floats(0.5, 100, width=32)
_boxes = st.lists(st.tuples(_coordinate, _coordinate, _side, _side), min_size=1, max_size=5)


def as_boxes(values: list[tuple[float, float, float, float]]) -> torch.Tensor:
    corners = torch.tensor(values, dtype=torch.float64)
    return torch.cat([corners[:, :2], corners[:, :2] + corners[:, 2:]], dim=1)


def test_known_boxes() -> None:
    boxes = torch.tensor([[0.0, 0.0, 4.0, 2.0], [2.0, 0.0, 6.0, 2.0], [10.0, 10.0, 11.0, 11.0]])
    assert box_areas(boxes).tolist() == [8, 8, 1]
    assert shared_areas(boxes[:1], boxes).tolist() == [[8, 4, 0]]
    torch.testing.assert_close(box_overlaps(boxes[:1], boxes), torch.tensor([[1, 1 / 3, 0]]))


def test_boxes_without_an_area_overlap_nothing() -> None:
    point = torch.tensor([[1.0, 1.0, 1.0, 1.0]])
    assert box_overlaps(point, point).item() == 0
    assert box_overlaps(point, torch.empty(0, 4)).shape == (1, 0)


@settings(deadline=None, max_examples=50)
@given(some=_boxes, others=_boxes, shift=_coordinate)
def test_overlap_is_symmetric_between_0_and_1_and_moves_with_the_boxes(
    some: list[tuple[float, float, float, float]],
    others: list[tuple[float, float, float, float]],
    shift: float,
) -> None:
    a, b = as_boxes(some), as_boxes(others)
    overlaps = box_overlaps(a, b)
    torch.testing.assert_close(overlaps, box_overlaps(b, a).T)
    assert 0 <= overlaps.min() and overlaps.max() <= 1 + 1e-9
    torch.testing.assert_close(box_overlaps(a, a).diagonal(), torch.ones(len(a)).double())
    torch.testing.assert_close(box_overlaps(a + shift, b + shift), overlaps, rtol=0, atol=1e-9)


def test_of_boxes_that_overlap_the_best_one_remains() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [4.0, 0, 14, 10], [8.0, 0, 18, 10], [50.0, 0, 60, 10]])
    kept = suppress_overlaps(boxes, torch.tensor([0.7, 0.9, 0.8, 0.2]), 0.4)
    assert kept.tolist() == [1, 3]
    kept = suppress_overlaps(boxes, torch.tensor([0.9, 0.7, 0.8, 0.2]), 0.4)
    assert kept.tolist() == [0, 2, 3]  # what a suppressed one overlaps may remain
    assert suppress_overlaps(boxes, torch.ones(4), 0.4).tolist() == [0, 2, 3]


def test_boxes_without_an_area_suppress_nothing_and_no_boxes_remain_none() -> None:
    points = torch.ones(3, 4)
    assert suppress_overlaps(points, torch.tensor([0.1, 0.3, 0.2]), 0.4).tolist() == [1, 2, 0]
    assert suppress_overlaps(torch.empty(0, 4), torch.empty(0), 0.4).shape == (0,)


@settings(deadline=None, max_examples=50)
@given(values=_boxes, most=st.floats(0, 1))
def test_what_remains_overlaps_little_and_all_else_overlaps_something_better(
    values: list[tuple[float, float, float, float]], most: float
) -> None:
    boxes = as_boxes(values)
    scores = torch.arange(len(boxes)).flip(0) % 3 / 3
    kept = suppress_overlaps(boxes, scores, most)
    overlaps = box_overlaps(boxes, boxes)
    assert (scores[kept].diff() <= 0).all()
    among = overlaps[kept][:, kept].fill_diagonal_(0)
    assert (among <= most).all()
    others = sorted(set(range(len(boxes))) - set(kept.tolist()))
    better = (overlaps[others][:, kept] > most) & (scores[kept] >= scores[others][:, None])
    assert better.any(1).all()
