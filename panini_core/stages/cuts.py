"""Where one shot of a clip ends and another begins."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

from torch import Tensor

from .pooling import mean_pool

THUMB_SIDE = 16  # px of the pictures that are compared
LEAST_CHANGE = 0.06  # mean difference of two pictures, in [0, 1], below which there is no cut
OUTSTANDING = 3.0  # times the changes around it that a cut must be; a fast pan changes every frame
AROUND = 2  # frames on each side whose changes count as around
FLASH = 3  # frames after which what came back was a flash, and no other shot
COMES_BACK = 0.5  # share of the change below which pictures are those from before

Item = TypeVar("Item")


def thumbnail(image: Tensor) -> Tensor:
    """A frame (3, H, W) in [0, 1] as the small picture by which cuts are found."""
    return mean_pool(image.float()[None], THUMB_SIDE)[0]


def mark_cuts(frames: Iterable[tuple[Item, Tensor]]) -> Iterator[tuple[Item, bool]]:
    """Items of consecutive frames, given with their thumbnails on the CPU, and whether a new shot
    begins.

    A cut is a change that stands out from those around it, unless the picture from before comes
    back at once. A few frames are looked ahead. Dissolves are no cuts.
    """
    items: deque[tuple[Item, Tensor]] = deque()  # from `FLASH + 1` before the one that is judged
    judged = 0  # its place there
    for frame in frames:
        items.append(frame)
        if len(items) - judged > FLASH:
            yield items[judged][0], _is_cut([thumb for _, thumb in items], judged)
            judged += 1
            if judged > FLASH + 1:
                items.popleft()
                judged -= 1
    while judged < len(items):
        yield items[judged][0], _is_cut([thumb for _, thumb in items], judged)
        judged += 1


def _is_cut(thumbs: list[Tensor], place: int) -> bool:
    if place == 0:
        return False
    change = _difference(thumbs[place], thumbs[place - 1])
    if change <= LEAST_CHANGE:
        return False
    around = [
        _difference(thumbs[other], thumbs[other - 1])
        for other in range(max(place - AROUND, 1), min(place + AROUND + 1, len(thumbs)))
        if other != place
    ]
    if around and change <= OUTSTANDING * sum(around) / len(around):
        return False
    later = thumbs[place + 1 : place + 1 + FLASH]
    earlier = thumbs[max(place - 1 - FLASH, 0) : place - 1]
    returns = [_difference(thumb, thumbs[place - 1]) for thumb in later]
    returns += [_difference(thumb, thumbs[place]) for thumb in earlier]
    return all(value > COMES_BACK * change for value in returns)


def _difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().mean())
