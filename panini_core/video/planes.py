"""A frame's planes -> RGB, and what changed in RGB -> its planes.

Films keep light (Y') and two differences of colour (Cb, Cr, often at half the size) in whole
numbers. What is restored is a change of RGB, and a linear map of it is added to the planes. Where
nothing changed they stay as they were, to the bit, whatever rounding the way to RGB has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .pyav import require_av

# Shares of red and blue in light by the number of the matrix (ITU-T H.273, table 4).
_SHARES = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601, 625 lines
    6: (0.299, 0.114),  # BT.601, 525 lines
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
    10: (0.2627, 0.0593),  # BT.2020, constant luminance, which is taken for the other one
}
_HD_LINES = 720  # from which films that do not say so are BT.709, else BT.601
FULL_RANGE = 2
_LAYOUTS = {  # formats that lie otherwise in memory -> the same values in planes of their own
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "p010le": "yuv420p10le",
    "p210le": "yuv422p10le",
    "p016le": "yuv420p16le",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "rgb24": "gbrp",
    "bgr24": "gbrp",
    "rgb0": "gbrp",
    "bgr0": "gbrp",
    "rgba": "gbrap",
    "bgra": "gbrap",
    "pal8": "gbrp",
    "rgb48le": "gbrp16le",
    "rgba64le": "gbrap16le",
}


@dataclass(frozen=True, slots=True)
class _Coding:
    """How RGB in [0, 1] lies in the planes of a format."""

    depth: int  # bits of a value
    rgb: bool
    grey: bool
    full: bool  # all values are used, and not those of television only
    red: float
    blue: float

    @property
    def light(self) -> tuple[float, float]:
        """Black, and the distance from black to white."""
        if self.full or self.rgb:
            return 0.0, float(2**self.depth - 1)
        return 16.0 * 2 ** (self.depth - 8), 219.0 * 2 ** (self.depth - 8)

    @property
    def colour(self) -> tuple[float, float]:
        """No colour, and the distance from there to twice the largest difference."""
        middle = float(2 ** (self.depth - 1))
        return middle, self.light[1] if self.full else 224.0 * 2 ** (self.depth - 8)


def in_planes(frame: Any) -> Any:
    """The frame (an `av.VideoFrame`) with each component in a plane of its own, values unchanged.

    Formats that are not known are brought to 4:4:4 with as many bits.
    """
    name = frame.format.name
    if name in _LAYOUTS:
        return frame.reformat(format=_LAYOUTS[name])
    if _is_planar(frame.format):
        return frame
    deep = max(component.bits for component in frame.format.components) > 8
    return frame.reformat(format="yuv444p10le" if deep else "yuv444p")


def _is_planar(form: Any) -> bool:
    components = form.components
    places = [component.plane for component in components]
    return (
        sorted(places) == list(range(len(components)))
        and not form.is_big_endian
        and not form.has_palette
        and all(8 <= component.bits <= 16 for component in components)
        and form.name.startswith(("yuv", "gray", "gbr"))
        and not form.name.startswith(("grayf", "gbrpf", "gbrapf"))
    )


def to_rgb(frame: Any) -> Tensor:
    """The pixels of a frame in planes (see `in_planes`): (3, H, W) RGB float32 in [0, 1]."""
    coding = _coding(frame)
    planes = [
        torch.from_numpy(_plane(frame, place).astype(np.float32))
        for place in range(1 if coding.grey else 3)
    ]
    if coding.rgb:
        green, blue, red = planes
        return torch.stack([red, green, blue]).div_(coding.light[1]).clamp_(0, 1)
    black, span = coding.light
    light = (planes[0] - black) / span
    if coding.grey:
        return light.clamp_(0, 1).expand(3, -1, -1)
    middle, width = coding.colour
    size = (frame.height, frame.width)
    first, second = (_grow((plane - middle) / width, size) for plane in planes[1:])
    red = light + 2 * (1 - coding.red) * second
    blue = light + 2 * (1 - coding.blue) * first
    green = (light - coding.red * red - coding.blue * blue) / (1 - coding.red - coding.blue)
    return torch.stack([red, green, blue]).clamp_(0, 1)


def change(frame: Any, before: Tensor, after: Tensor) -> Any:
    """A copy of a frame in planes, with the change between two pictures (3, H, W) added to it."""
    coding = _coding(frame)
    copy = _empty_like(frame, frame.width, frame.height)
    changes = _components((after - before).float().cpu(), coding)
    for place in range(len(frame.planes)):
        old = _plane(frame, place)
        if place < len(changes):
            difference = _shrink(changes[place], old.shape)
            old = _whole(torch.from_numpy(old.astype(np.float32)) + difference, coding, old.dtype)
        _fill(copy, place, old)
    return copy


def crop(frame: Any, width: int, height: int) -> Any:
    """The upper left of a frame in planes, its values unchanged."""
    smaller = _empty_like(frame, width, height)
    for place in range(len(frame.planes)):
        rows, columns = _plane(smaller, place).shape
        _fill(smaller, place, _plane(frame, place)[:rows, :columns])
    return smaller


def draw(like: Any, pixels: Tensor) -> Any:
    """A frame of the pixels (3, H, W), RGB in [0, 1], coded as another one in planes is, of
    whatever size; its alpha, where it has one, is opaque."""
    coding = _coding(like)
    height, width = pixels.shape[-2:]
    frame = _empty_like(like, width, height)
    values = _components(pixels.float().cpu(), coding)
    for place in range(len(frame.planes)):
        empty = _plane(frame, place)
        if place < len(values):
            start = coding.light[0] if place == 0 or coding.rgb else coding.colour[0]
            whole = _whole(_shrink(values[place], empty.shape) + start, coding, empty.dtype)
        else:
            whole = np.full_like(empty, 2**coding.depth - 1)
        _fill(frame, place, whole)
    return frame


def _coding(frame: Any) -> _Coding:
    name: str = frame.format.name
    matrix = int(frame.colorspace)
    usual = 1 if frame.height >= _HD_LINES else 6
    red, blue = _SHARES.get(matrix, _SHARES[usual])
    full = int(frame.color_range) == FULL_RANGE or name.startswith("yuvj")
    rgb, grey = name.startswith("gbr"), name.startswith("gray")
    return _Coding(frame.format.components[0].bits, rgb, grey, full, red, blue)


def _components(rgb: Tensor, coding: _Coding) -> list[Tensor]:
    """RGB (3, H, W) as multiples of the formats' units, without black and the middle of colour."""
    red, green, blue = rgb
    _, span = coding.light
    if coding.rgb:
        return [green * span, blue * span, red * span]
    light = coding.red * red + (1 - coding.red - coding.blue) * green + coding.blue * blue
    if coding.grey:
        return [light * span]
    _, width = coding.colour
    first = (blue - light) / (2 * (1 - coding.blue))
    second = (red - light) / (2 * (1 - coding.red))
    return [light * span, first * width, second * width]


def _plane(frame: Any, place: int) -> NDArray[Any]:
    """The values of a plane, (h, w) uint8 or uint16; a view of the frame's memory."""
    plane = frame.planes[place]
    kind = np.dtype(np.uint16 if _bytes(frame.format) == 2 else np.uint8)
    rows = np.frombuffer(plane, kind).reshape(plane.height, plane.line_size // kind.itemsize)
    return rows[:, : plane.width]


def _fill(frame: Any, place: int, values: NDArray[Any]) -> None:
    plane = frame.planes[place]
    rows = np.zeros((plane.height, plane.line_size // values.dtype.itemsize), values.dtype)
    rows[:, : plane.width] = values
    plane.update(rows.tobytes())


def _bytes(form: Any) -> int:
    return 2 if form.components[0].bits > 8 else 1


def _empty_like(frame: Any, width: int, height: int) -> Any:
    """A frame of the same format and colours, with the same place in time."""
    empty = require_av().VideoFrame(width, height, frame.format.name)
    empty.pts = frame.pts
    if frame.time_base is not None:
        empty.time_base = frame.time_base
    for name in ("colorspace", "color_range", "color_primaries", "color_trc"):
        if hasattr(frame, name):  # the last two since PyAV 16
            setattr(empty, name, getattr(frame, name))
    return empty


def _grow(plane: Tensor, size: tuple[int, int]) -> Tensor:
    """A plane of colour at the size of the picture."""
    if plane.shape == size:
        return plane
    return F.interpolate(plane[None, None], size, mode="bilinear", align_corners=False)[0, 0]


def _shrink(values: Tensor, size: tuple[int, ...]) -> Tensor:
    """Values (H, W) as means over what each value of a plane of `size` covers."""
    if values.shape == size:
        return values
    across, down = -(-values.shape[1] // size[1]), -(-values.shape[0] // size[0])
    pad = (0, across * size[1] - values.shape[1], 0, down * size[0] - values.shape[0])
    padded = F.pad(values[None], pad, mode="replicate") if any(pad) else values[None]
    return F.avg_pool2d(padded, (down, across))[0]


def _whole(values: Tensor, coding: _Coding, kind: Any) -> NDArray[Any]:
    return values.round().clamp_(0, 2**coding.depth - 1).numpy().astype(kind)
