"""The segments of a JPEG file. Markers: ITU-T T.81, annex B."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
END_OF_IMAGE, START_OF_SCAN, PROGRESSIVE = 0xD9, 0xDA, 0xC2
APP0, APP1, APP2, APP11, APP13, APP14, COMMENT = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xEE, 0xFE
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # of every coding

_NEXT_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # but stuffed bytes and restarts
_LONE = frozenset({0x01, *range(0xD0, 0xDA)})  # markers without content


class Segment(NamedTuple):
    """A marker and what stands behind it, without the pixels of a scan."""

    marker: int
    content: bytes
    end: int  # where it ends in the file


def segments(data: bytes) -> Iterator[Segment]:
    """Those of a file that begins with JPEG_START, to the last whole one."""
    position = len(JPEG_START)
    while found := _NEXT_MARKER.search(data, position):
        marker, position = data[found.end() - 1], found.end()
        if marker in _LONE:
            yield Segment(marker, b"", position)
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            return
        yield Segment(marker, data[position + 2 : position + length], position + length)
        position += length


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content
