"""The eight orientations of EXIF: how stored rows and columns lie in the upright picture."""

from __future__ import annotations

import numpy as np

from .value import FilePixels

_TRANSPOSED = (5, 6, 7, 8)
_ROWS_REVERSED = (3, 4, 7, 8)
_COLUMNS_REVERSED = (2, 3, 6, 7)


def is_transposed(orientation: int) -> bool:
    """Whether stored rows are upright columns."""
    return orientation in _TRANSPOSED


def turn_upright(stored: FilePixels, orientation: int) -> FilePixels:
    """(H, W, C) as it is to be seen."""
    if orientation in _TRANSPOSED:
        stored = stored.transpose(1, 0, 2)
    return np.ascontiguousarray(_reverse(stored, orientation))


def turn_back(upright: FilePixels, orientation: int) -> FilePixels:
    """(H, W, C) as it was stored: undoes `turn_upright`."""
    stored = _reverse(upright, orientation)
    if orientation in _TRANSPOSED:
        stored = stored.transpose(1, 0, 2)
    return np.ascontiguousarray(stored)


def _reverse(array: FilePixels, orientation: int) -> FilePixels:
    if orientation in _ROWS_REVERSED:
        array = array[::-1]
    if orientation in _COLUMNS_REVERSED:
        array = array[:, ::-1]
    return array
