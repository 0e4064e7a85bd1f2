"""EXIF and XMP that still hold for a picture that was turned upright or has a new size.

EXIF is changed in place: written anew, it would lose what its makers alone can read. Tags: Exif
2.3, section 4; layout: TIFF 6.0, section 2.
"""

from __future__ import annotations

import re
import struct

from PIL import Image

EXIF_HEADER = b"Exif\x00\x00"

_ORIENTATION, _CAMERA_DIRECTORY = 0x0112, 0x8769
_WIDTHS, _HEIGHTS = (0x0100, 0xA002), (0x0101, 0xA003)  # of the first directory, of the camera's
_SHORT, _LONG = 3, 4
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)[1-8]")


def adapt_exif(
    exif: bytes, *, orientation: int | None = None, size: tuple[int, int] | None = None
) -> bytes:
    """The data with this orientation (1 to 8) and this width and height, where it names them.

    The preview of the older picture is left out of its list. Raises ValueError where the data is
    damaged.
    """
    header = EXIF_HEADER if exif.startswith(EXIF_HEADER) else b""
    data = bytearray(exif.removeprefix(EXIF_HEADER))
    values: dict[int, int] = {}
    if orientation is not None:
        values[_ORIENTATION] = orientation
    if size is not None:
        values |= dict.fromkeys(_WIDTHS, size[0]) | dict.fromkeys(_HEIGHTS, size[1])
    try:
        order = {b"II*\0": "<", b"MM\0*": ">"}[bytes(data[:4])]
        (first,) = struct.unpack_from(f"{order}I", data, 4)
        camera, end = _change(data, order, first, values)
        struct.pack_into(f"{order}I", data, end, 0)  # no second directory, which is the preview's
        if camera:
            _change(data, order, camera, values)
    except (KeyError, struct.error) as error:
        raise ValueError("not as the standard says") from error
    return header + bytes(data)


def read_orientation(exif: bytes | None) -> int:
    """The orientation that the data names; 1 where it names none."""
    if exif is None:
        return 1
    found = Image.Exif()
    found.load(exif)
    return int(found.get(_ORIENTATION, 1))


def adapt_xmp(xmp: bytes, orientation: int) -> bytes:
    """The packet with this orientation (1 to 8), where it names one."""
    return _XMP_ORIENTATION.sub(rb"\g<1>%d" % orientation, xmp)


def _change(
    data: bytearray, order: str, start: int, values: dict[int, int]
) -> tuple[int | None, int]:
    """Sets the values of a directory. Returns where the camera's begins, and where this ends."""
    camera = None
    (count,) = struct.unpack_from(f"{order}H", data, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", data, entry)
        if tag == _CAMERA_DIRECTORY:
            (camera,) = struct.unpack_from(f"{order}I", data, entry + 8)
        if tag in values and kind in (_SHORT, _LONG):
            form = "H" if kind == _SHORT else "I"
            struct.pack_into(f"{order}{form}", data, entry + 8, values[tag])
    return camera, start + 2 + 12 * count
