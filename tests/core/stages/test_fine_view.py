"""Windows around what may be a small face."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from panini_core.models.face_detector import Detections
from panini_core.stages.fine_view import GRID, WORTHWHILE, clear_of_edges, windows_around

HEIGHT, WIDTH = 600, 900
boxes_in_px = st.lists(
    st.tuples(st.floats(-50, 950), st.floats(-50, 650), st.floats(2, 60), st.floats(2, 60)),
    max_size=6,
)


def as_boxes(values: list[tuple[float, float, float, float]]) -> torch.Tensor:
    rows = torch.tensor(values).view(-1, 4)
    return torch.cat([rows[:, :2], rows[:, :2] + rows[:, 2:]], dim=1)


@given(values=boxes_in_px, scale=st.floats(0.4, 2))
def test_windows_hold_their_boxes_with_surroundings_and_do_not_overlap(
    values: list[tuple[float, float, float, float]], scale: float
) -> None:
    boxes = as_boxes(values)
    windows = windows_around(boxes, scale, HEIGHT, WIDTH)
    for x0, y0, x1, y1 in boxes.tolist():
        if x1 <= 0 or y1 <= 0 or x0 >= WIDTH or y0 >= HEIGHT:
            continue
        assert any(
            left <= max(x0 - 20 / scale, 0)
            and top <= max(y0 - 20 / scale, 0)
            and right >= min(x1 + 20 / scale, WIDTH)
            and bottom >= min(y1 + 20 / scale, HEIGHT)
            for left, top, right, bottom in windows
        )
    covered = torch.zeros(HEIGHT, WIDTH)
    for left, top, right, bottom in windows:
        assert left % GRID == top % GRID == 0
        assert 0 <= left < right <= WIDTH and 0 <= top < bottom <= HEIGHT
        covered[top:bottom, left:right] += 1
    assert covered.max() <= 1
    assert covered.mean() <= WORTHWHILE or len(windows) == 1


def test_without_hints_nothing_is_looked_at() -> None:
    assert windows_around(torch.empty(0, 4), 2.0, HEIGHT, WIDTH) == []


def test_windows_that_are_most_of_the_image_are_the_image() -> None:
    everywhere = [(x, y, 40.0, 40.0) for x in range(50, 900, 200) for y in range(50, 600, 150)]
    assert windows_around(as_boxes(everywhere), 1.0, HEIGHT, WIDTH) == [(0, 0, WIDTH, HEIGHT)]


def test_what_an_inner_edge_cuts_is_left_out() -> None:
    boxes = torch.tensor(
        [[10.0, 10, 20, 20], [-5.0, 10, 20, 20], [60.0, 10, 90, 20], [10.0, 55, 20, 70]]
    )
    seen = Detections(boxes, torch.zeros(4, 5, 2), torch.ones(4))
    kept = clear_of_edges(seen, (0, 0, 80, 60), 60, 100)
    assert kept.boxes[:, 0].tolist() == [
        10,
        -5,
        10,
    ]  # beyond the image's own border faces may reach
