"""Pictures as bytes, for the way from one worker to the next: small where that is exact."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..images import ImageFile

_NO_PIXELS = torch.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class PackedImage:
    """An `ImageFile` with its numbers as a file would hold them, where they are a file's."""

    image: ImageFile  # without pixels
    pixels: NDArray[Any]
    alpha: NDArray[Any] | None

    @classmethod
    def pack(cls, image: ImageFile) -> PackedImage:
        bits = image.bit_depth
        alpha = None if image.alpha is None else _shrink(image.alpha, bits)
        bare = replace(image, pixels=_NO_PIXELS, alpha=None)
        return cls(bare, _shrink(image.pixels, bits), alpha)

    def unpack(self) -> ImageFile:
        alpha = None if self.alpha is None else _grow(self.alpha)
        return replace(self.image, pixels=_grow(self.pixels), alpha=alpha)


def to_bytes(value: object) -> bytes:
    return pickle.dumps(value, protocol=5)


def from_bytes(data: bytes) -> Any:
    """What `to_bytes` made, in a worker of the same run; never of a file."""
    return pickle.loads(data)


def _shrink(values: Tensor, bits: int) -> NDArray[Any]:
    """(C, H, W) float -> whole numbers if they stand for the very same values, else floats."""
    numbers = values.numpy()
    kind = np.uint16 if bits == 16 else np.uint8
    largest = np.iinfo(kind).max
    whole = np.rint(numbers * np.float32(largest)).clip(0, largest).astype(kind)
    return whole if np.array_equal(_scale(whole), numbers) else numbers


def _grow(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(_scale(values) if values.dtype.kind == "u" else values.copy())


def _scale(whole: NDArray[Any]) -> NDArray[np.float32]:
    """As reading a file does it."""
    return np.divide(whole, np.float32(np.iinfo(whole.dtype).max), dtype=np.float32)
