"""Where the fine scale is worth looking: around what half of it hints at, and nowhere else."""

from __future__ import annotations

from torch import Tensor

from ..models.face_detector import Detections

# What scores less at half the fine scale is not looked at. Faces of which the fine scale is sure
# score more there: those of 15 px and more at least twice as much, of those of 13 px 19 in 20.
HINT_SCORE = 0.07
CONTEXT = 48  # px at the fine scale, around a hint, besides half its side
GRID = 16  # px of the image, at multiples of which windows begin and end
WORTHWHILE = 0.6  # share of the image beyond which windows save nothing

Window = tuple[int, int, int, int]  # left, top, right, bottom, px of the image


def windows_around(boxes: Tensor, scale: float, height: int, width: int) -> list[Window]:
    """The parts of an image (height x width px) that boxes (K, 4) lie in, with their surroundings.

    scale: the fine one. The windows do not overlap. They are the whole image if they would be
    most of it.
    """
    windows: list[Window] = []
    for x0, y0, x1, y1 in boxes.tolist():
        margin = max(x1 - x0, y1 - y0) / 2 + CONTEXT / scale
        window = (
            max(int((x0 - margin) // GRID) * GRID, 0),
            max(int((y0 - margin) // GRID) * GRID, 0),
            min(-int(-(x1 + margin) // GRID) * GRID, width),
            min(-int(-(y1 + margin) // GRID) * GRID, height),
        )
        if window[0] < window[2] and window[1] < window[3]:
            _add(windows, window)
    area = sum((right - left) * (bottom - top) for left, top, right, bottom in windows)
    return [(0, 0, width, height)] if area > WORTHWHILE * width * height else windows


def clear_of_edges(seen: Detections, window: Window, height: int, width: int) -> Detections:
    """Without what an edge of its window, inside the image, may have cut."""
    left, top, right, bottom = window
    x0, y0, x1, y1 = seen.boxes.unbind(1)
    cut = (
        ((x0 < left) & (left > 0))
        | ((y0 < top) & (top > 0))
        | ((x1 > right) & (right < width))
        | ((y1 > bottom) & (bottom < height))
    )
    return seen.select(~cut)


def _add(windows: list[Window], window: Window) -> None:
    """One more window; those that overlap become one."""
    for other in windows:
        if _overlap(window, other):
            windows.remove(other)
            joined = (
                min(window[0], other[0]),
                min(window[1], other[1]),
                max(window[2], other[2]),
                max(window[3], other[3]),
            )
            _add(windows, joined)
            return
    windows.append(window)


def _overlap(some: Window, other: Window) -> bool:
    return some[0] < other[2] and other[0] < some[2] and some[1] < other[3] and other[1] < some[3]
