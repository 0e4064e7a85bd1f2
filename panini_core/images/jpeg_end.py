"""A JPEG file without its end: whether the picture in it is complete nonetheless.

Transfers and cameras lose the last bytes; where those are but the end mark, nothing is missing.
"""

from __future__ import annotations

import io
import re

import numpy as np
from PIL import Image

from .jpeg_segments import (
    END_OF_IMAGE,
    FRAMES,
    JPEG_END,
    JPEG_START,
    PROGRESSIVE,
    START_OF_SCAN,
    segments,
)

# Behind the last byte these decode to something else than to what libjpeg takes for missing data.
_FILLERS = (b"\x55\xa3\x1c\x6e" * 64, b"\x92\x0f\xe4\x37" * 64)
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_COEFFICIENTS = 64


def lacks_jpeg_end(data: bytes) -> bool:
    """Whether it is a JPEG without an end mark; Pillow does not notice that in every kind."""
    if not data.startswith(JPEG_START) or data.rfind(JPEG_END) > data.rfind(b"\xff\xda"):
        return False
    return not any(marker == END_OF_IMAGE for marker, _, _ in segments(data))  # then other data


def add_jpeg_end(data: bytes) -> bytes | None:
    """The file with an end mark; None if more than that is missing, or it is no JPEG."""
    if not data.startswith(JPEG_START):
        return None
    data = data.rstrip(b"\xff")  # half of an end mark
    if not _has_all_scans(data):
        return None
    # A picture that is complete does not depend on what follows it.
    picture = _decode(data + JPEG_END)
    for start in (b"", _next_restart(data)):
        for filler in _FILLERS:
            if not np.array_equal(picture, _decode(data + start + filler + JPEG_END)):
                return None
    return data + JPEG_END


def _next_restart(data: bytes) -> bytes:
    """The restart mark that comes next, without which libjpeg skips what follows."""
    marks = _RESTART.findall(data)
    return bytes([0xFF, 0xD0 + (marks[-1][1] + 1) % 8 if marks else 0xD0])


def _decode(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def _has_all_scans(data: bytes) -> bool:
    """Whether every coefficient of every component is there with all its bits."""
    progressive = False
    missing: dict[tuple[int, int], int] = {}  # the low bits that a coefficient still lacks
    for marker, content, _ in segments(data):
        if marker in FRAMES:
            progressive = marker == PROGRESSIVE
            components = content[6::3][: content[5]]
            coefficients = range(_COEFFICIENTS if progressive else 1)
            missing = {(name, index): 16 for name in components for index in coefficients}
        elif marker == START_OF_SCAN:
            count = content[0]
            first, last, bits = content[1 + 2 * count : 4 + 2 * count]
            scanned = range(first, last + 1) if progressive else range(1)
            missing |= {
                (name, index): bits & 15
                for name in content[1 : 1 + 2 * count : 2]
                for index in scanned
            }
    return bool(missing) and not any(missing.values())
