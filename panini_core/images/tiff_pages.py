"""The pages of a TIFF file. Layout: TIFF 6.0, section 2; BigTIFF."""

from __future__ import annotations

import struct


def page_first(data: bytes, index: int) -> bytes:
    """The file with this page (from 0) as its first one, so that any program reads it.

    Raises ValueError where the list of pages is broken.
    """
    try:
        order = {b"II": "<", b"MM": ">"}[data[:2]]
        big = struct.unpack_from(f"{order}H", data, 2)[0] == 43
        head, place, counted, entry = (8, "Q", "Q", 20) if big else (4, "I", "H", 12)
        (start,) = struct.unpack_from(f"{order}{place}", data, head)
        for _ in range(index):
            (count,) = struct.unpack_from(f"{order}{counted}", data, start)
            end = start + struct.calcsize(counted) + count * entry
            (start,) = struct.unpack_from(f"{order}{place}", data, end)
    except (KeyError, struct.error) as error:
        raise ValueError("its list of pages is broken") from error
    first = struct.pack(f"{order}{place}", start)
    return data[:head] + first + data[head + len(first) :]
