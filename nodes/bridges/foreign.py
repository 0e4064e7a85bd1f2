"""The shapes of other packs' data: SEGS and boxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

SAME_SHAPE = 0.02  # by which the aspect ratio may differ, as by rounding of enlarged sizes


class Seg(NamedTuple):
    """One segment as the Impact Pack's nodes read it, field by field."""

    cropped_image: Any
    cropped_mask: Any  # (h, w) float32 array, of the crop region
    confidence: float
    crop_region: tuple[int, int, int, int]  # x0, y0, x1, y1 px
    bbox: tuple[int, int, int, int]
    label: str
    control_net_wrapper: Any = None

    @classmethod
    def around(cls, box: Tensor, mask: Tensor, score: float, factor: float) -> Seg:
        """A segment with a crop region `factor` times the box, inside the mask's image (H, W)."""
        height, width = mask.shape
        centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
        region = _inside(torch.cat([centre - half * factor, centre + half * factor]), width, height)
        x0, y0, x1, y1 = region
        cropped = mask[y0:y1, x0:x1].float().cpu().numpy()
        return cls(None, cropped, score, region, _inside(box, width, height), "face")


def read_segs(segs: Any, height: int, width: int) -> list[Tensor]:
    """The boxes (4,) of SEGS in px of an image of this size, from which they come or of which it
    is an enlarged version. Raises ValueError for other data, and for an image of another shape."""
    try:
        (segs_height, segs_width), items = segs[0], segs[1]
        scale_x, scale_y = width / segs_width, height / segs_height
        boxes = [torch.tensor([float(value) for value in item.bbox]) for item in items]
    except (TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError) as error:
        raise ValueError(f"Expected SEGS of the Impact Pack, got {type(segs).__name__}.") from error
    if abs(scale_x / scale_y - 1) > SAME_SHAPE:
        raise ValueError(
            f"The SEGS belong to an image of {segs_width} x {segs_height} px, but the image has "
            f"{width} x {height} px: connect the same image, or an enlarged one."
        )
    scale = torch.tensor([scale_x, scale_y]).repeat(2)
    return [box * scale for box in boxes]


class KjBox(tuple[int, int, int, int]):
    """x, y, width, height as KJNodes' nodes read them, which also knows its image: their list of
    boxes is one for all images."""

    image_index: int
    image_count: int

    def __new__(cls, box: Iterable[int], image_index: int, image_count: int) -> KjBox:
        made = super().__new__(cls, box)
        made.image_index, made.image_count = image_index, image_count
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:  # for copies
        return tuple(self), self.image_index, self.image_count


def read_boxes(boxes: Any, count: int) -> list[list[Tensor]]:
    """Boxes of `count` images as tensors (4,) x0, y0, x1, y1, a list an image.

    Takes a list of boxes for each image; the last one goes on where there are fewer lists than
    images. A box alone, or one list of boxes, stands for all images. Two kinds of lists are read
    differently: `KjBox`es belong to their images, and as many boxes of four numbers as images one
    to each. A box is a mapping with x, y, width, height, or these four numbers. Arrays and tensors
    are read as the lists that they hold.
    Raises ValueError for anything else, and for boxes of more images than there are.
    """
    boxes = _plain(boxes)
    if _is_box(boxes):
        boxes = [boxes]
    if not isinstance(boxes, Sequence) or isinstance(boxes, str):
        raise ValueError(f"Expected bounding boxes, got {type(boxes).__name__}.")
    frames = _by_image(boxes, count)
    if len(frames) > count:
        raise ValueError(f"The boxes belong to {len(frames)} images, but there are {count}.")
    frames += frames[-1:] * (count - len(frames))
    return [[_as_corners(box) for box in _frame(frame)] for frame in frames]


def _plain(boxes: Any) -> Any:
    """Boxes with lists and numbers instead of arrays and tensors, also inside of others."""
    if hasattr(boxes, "tolist"):
        return boxes.tolist()
    if isinstance(boxes, Mapping):
        return {key: _plain(value) for key, value in boxes.items()}
    if isinstance(boxes, Sequence) and not isinstance(boxes, (str, KjBox)):
        return [_plain(box) for box in boxes]
    return boxes


def _frame(boxes: Any) -> Sequence[Any]:
    """The boxes of one image."""
    if not isinstance(boxes, Sequence) or isinstance(boxes, str):
        raise ValueError(f"Expected a list of bounding boxes an image, got {boxes!r}.")
    return boxes


def _by_image(boxes: Sequence[Any], count: int) -> list[Sequence[Any]]:
    """Boxes, or lists of boxes, as lists: for each image, or for the first ones."""
    if not boxes:
        return [[]] * count
    if not all(_is_box(box) for box in boxes):
        return list(boxes)
    if all(isinstance(box, KjBox) for box in boxes):
        given = max(box.image_count for box in boxes)
        return [[box for box in boxes if box.image_index == index] for index in range(given)]
    if len(boxes) == count and not any(isinstance(box, Mapping) for box in boxes):
        return [[box] for box in boxes]
    return [boxes] * count


def _is_box(value: Any) -> bool:
    if isinstance(value, Mapping):
        return {"x", "y", "width", "height"} <= value.keys()
    return (
        isinstance(value, Sequence)
        and len(value) == 4
        and all(isinstance(number, (int, float)) for number in value)
    )


def _as_corners(box: Any) -> Tensor:
    if not _is_box(box):
        raise ValueError(f"Expected a box with x, y, width and height, got {box!r}.")
    keys = ("x", "y", "width", "height")
    x, y, width, height = (box[key] for key in keys) if isinstance(box, Mapping) else box
    return torch.tensor([x, y, x + width, y + height], dtype=torch.float32)


def _inside(box: Tensor, width: int, height: int) -> tuple[int, int, int, int]:
    """Whole pixels, clipped to the image."""
    x0, y0, x1, y1 = (round(value) for value in box.tolist())
    return max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
