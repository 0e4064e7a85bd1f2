"""A picture as a file holds it, and the error for files that cannot be read or written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

FilePixels = NDArray[Any]  # (H, W, C) uint8 or uint16; C: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA


def largest_value(pixels: FilePixels) -> int:
    """What stands for 1.0: 255 or 65535."""
    return int(np.iinfo(pixels.dtype).max)


class ImageFileError(ValueError):
    """A picture that cannot be read or written. Says what was expected, what came, what to do."""

    def __init__(self, path: str | Path, expected: str, got: str, remedy: str) -> None:
        super().__init__(f"{path}: expected {expected}, got {got}. {remedy}")
        self.path = Path(path)
        self.expected = expected
        self.got = got
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says about its picture; written back with it."""

    icc_profile: bytes | None = None
    exif: bytes | None = None  # the orientation is already applied to the pixels
    dpi: tuple[float, float] | None = None
    text: tuple[tuple[str, str], ...] = ()  # PNG text chunks, such as a generation's workflow
    xmp: bytes | None = None  # likewise, where it names an orientation
    long_xmp: tuple[bytes, ...] = ()  # the parts of a JPEG's packet that are too long for it
    photoshop: bytes | None = None  # image resources, among them IPTC: captions, authors, rights
    comments: tuple[bytes, ...] = ()  # of JPEG and GIF


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture stands among those of its file: a page, or a frame of an animation."""

    index: int  # from 0
    count: int
    duration: float | None = None  # ms for which a frame is shown; None: it is a page
    loops: int | None = None  # how often the animation runs, 0: for ever; None: nothing is said
    still: bool = False  # of PNG: what programs show that know no animations

    @property
    def is_page(self) -> bool:
        return self.duration is None


@dataclass(frozen=True, slots=True, eq=False)
class JpegSource:
    """The JPEG file that a picture was read from: what is not changed in it, stays as it is."""

    data: bytes = field(repr=False)
    orientation: int = 1  # 1 to 8, as EXIF has it: how its rows and columns lie


@dataclass(frozen=True, slots=True, eq=False)
class ImageFile:
    """A picture and what is needed to write it back in kind."""

    pixels: Tensor  # (3, H, W) RGB float32 in [0, 1]; the three are equal in a grey picture
    alpha: Tensor | None = None  # (1, H, W) float32 in [0, 1]
    bit_depth: int = 8  # 8 or 16
    grey: bool = False  # written as one channel where the format has that
    lossless: bool = True  # False: the source was compressed with loss (JPEG, lossy WebP)
    format: str = "PNG"  # Pillow's name of the format that the picture was read from
    metadata: Metadata = field(default_factory=Metadata)
    source: JpegSource | None = None  # how it is written as JPEG again
    place: Place | None = None  # among several pictures of one file
    colours: bytes | None = None  # of a GIF, RGB one after the other: they stay in a GIF
    notes: tuple[str, ...] = ()  # what was changed while reading, in words

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""
        return self.pixels.shape[2], self.pixels.shape[1]

    def with_pixels(self, pixels: Tensor) -> ImageFile:
        """The picture with new pixels (3, H, W), such as restored ones; alpha grows with them."""
        alpha = self.alpha
        if alpha is not None and alpha.shape[1:] != pixels.shape[1:]:
            size = (pixels.shape[1], pixels.shape[2])
            alpha = F.interpolate(alpha[None], size, mode="bicubic", antialias=True)[0].clamp(0, 1)
        return replace(self, pixels=pixels, alpha=alpha)
