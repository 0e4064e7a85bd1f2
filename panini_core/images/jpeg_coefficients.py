"""The coefficients of a JPEG file put into another one, without decoding them."""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jpeg_segments import FRAMES, START_OF_SCAN, segments

Coefficients = NDArray[np.int16]  # (rows of blocks, columns of blocks, 8, 8)

_COMPONENTS = ("Y", "Cb", "Cr")
_LARGEST = 1023  # that is coded, of all but the first of a block
_BLOCK = 8  # px


def keep_coefficients(source: bytes, encoded: bytes, changed: NDArray[np.bool_]) -> bytes | None:
    """The file `encoded`, with the coefficients of `source` in all blocks without a changed pixel.

    Both are of one size and chroma subsampling, and the steps of `source` are multiples of those
    of `encoded`. `changed` (H, W). None without jpeglib, or where it cannot read the files.
    """
    try:
        jpeglib = import_module("jpeglib")
    except ImportError:
        return None
    with tempfile.TemporaryDirectory(prefix="panini-") as folder:
        paths = [Path(folder, name) for name in ("source.jpg", "encoded.jpg", "result.jpg")]
        try:
            old, new = (
                _read(jpeglib, path, data)
                for path, data in zip(paths, (source, encoded), strict=False)
            )
            if not _exchange(old, new, changed):
                return None
            new.write_dct(str(paths[2]), flags=["+OPTIMIZE_CODING"])
            return _count_from_one(paths[2].read_bytes())
        except Exception:  # it is an offer: the encoded file is right as well
            return None


def _read(jpeglib: Any, path: Path, data: bytes) -> Any:
    path.write_bytes(data)
    file = jpeglib.read_dct(str(path))
    file.load()
    return file


def _exchange(old: Any, new: Any, changed: NDArray[np.bool_]) -> bool:
    """Puts the old coefficients where nothing was changed; False where the files do not match."""
    if (old.num_components, old.jpeg_color_space) != (new.num_components, new.jpeg_color_space):
        return False
    kept: dict[str, Coefficients] = {}
    for index, name in enumerate(_COMPONENTS[: new.num_components]):
        theirs, ours = getattr(old, name), getattr(new, name)
        ratio, rest = np.divmod(old.get_component_qt(index), new.get_component_qt(index))
        scaled = theirs.astype(np.int32) * ratio
        largest = np.abs(scaled).reshape(-1, _BLOCK * _BLOCK)[:, 1:].max()
        if theirs.shape != ours.shape or rest.any() or largest > _LARGEST:
            return False
        blocks = _changed_blocks(changed, ours.shape[:2])
        kept[name] = np.where(blocks[..., None, None], ours, scaled).astype(np.int16)
    for name, coefficients in kept.items():
        setattr(new, name, coefficients)
    return True


def _count_from_one(data: bytes) -> bytes:
    """The file with its components numbered as JFIF has it; jpeglib counts from 0."""
    result = bytearray(data)
    for marker, content, end in segments(data):
        start = end - len(content)
        if marker in FRAMES:
            if 0 not in content[6::3]:
                break
            places = range(start + 6, start + 6 + 3 * content[5], 3)
        elif marker == START_OF_SCAN:
            places = range(start + 1, start + 1 + 2 * content[0], 2)
        else:
            continue
        for place in places:
            result[place] += 1
    return bytes(result)


def _changed_blocks(changed: NDArray[np.bool_], blocks: tuple[int, int]) -> NDArray[np.bool_]:
    """Whether any pixel of each block of a component was changed."""
    sides = [
        -(-pixels // (_BLOCK * count)) * _BLOCK
        for pixels, count in zip(changed.shape, blocks, strict=True)
    ]
    padded = np.zeros([count * side for count, side in zip(blocks, sides, strict=True)], bool)
    padded[: changed.shape[0], : changed.shape[1]] = changed
    tiles = padded.reshape(blocks[0], sides[0], blocks[1], sides[1])
    return np.any(tiles, axis=(1, 3))
