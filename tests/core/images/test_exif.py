"""EXIF and XMP of pictures that were turned or enlarged."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from panini_core.images.exif import adapt_exif, adapt_xmp, read_orientation

ORIENTATION, CAMERA, MAKER_NOTE, WIDTH, HEIGHT = 0x0112, 0x8769, 0x927C, 0xA002, 0xA003


def exif(order: str = "<", *, long_width: bool = False) -> bytes:
    """As a camera writes it: a maker's note that counts from the beginning, and a preview."""
    kind, form = (4, "I") if long_width else (3, "H")

    def entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
        return struct.pack(f"{order}HHI", tag, kind, count) + value.ljust(4, b"\0")

    def number(value: int) -> bytes:
        return struct.pack(f"{order}{form}", value)

    first = struct.pack(f"{order}H", 2)
    first += entry(ORIENTATION, 3, 1, struct.pack(f"{order}H", 6))
    first += entry(CAMERA, 4, 1, struct.pack(f"{order}I", 38))
    first += struct.pack(f"{order}I", 100)  # the preview's directory
    camera = struct.pack(f"{order}H", 3)
    camera += entry(MAKER_NOTE, 7, 8, struct.pack(f"{order}I", 92))
    camera += entry(WIDTH, kind, 1, number(640)) + entry(HEIGHT, kind, 1, number(480))
    camera += struct.pack(f"{order}I", 0) + bytes(12)
    magic = b"II*\0" if order == "<" else b"MM\0*"
    data = magic + struct.pack(f"{order}I", 8) + first + camera
    assert len(data) == 92
    preview = struct.pack(f"{order}H", 1) + entry(0x0103, 3, 1, struct.pack(f"{order}H", 6))
    return b"Exif\0\0" + data + b"a secret" + preview + bytes(4)


def read(data: bytes) -> Image.Exif:
    found = Image.Exif()
    found.load(data)
    return found


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("long_width", [False, True])
def test_orientation_and_size_are_set_and_all_else_stays(order: str, long_width: bool) -> None:
    before = exif(order, long_width=long_width)
    assert read_orientation(before) == 6
    after = adapt_exif(before, orientation=1, size=(1200, 900))
    assert read_orientation(after) == 1
    camera = read(after).get_ifd(CAMERA)
    assert (camera[WIDTH], camera[HEIGHT]) == (1200, 900)
    assert camera[MAKER_NOTE] == b"a secret"
    assert len(after) == len(before)
    changed = [
        index for index, pair in enumerate(zip(before, after, strict=True)) if len({*pair}) > 1
    ]
    assert len(changed) <= 2 + 4 + 4 + 4  # orientation, width, height, the preview's place
    next_directory = [struct.unpack_from(f"{order}I", data, 6 + 34)[0] for data in (before, after)]
    assert next_directory == [100, 0]


def test_without_the_header_it_stays_without() -> None:
    bare = exif().removeprefix(b"Exif\0\0")
    assert adapt_exif(bare, orientation=1) == adapt_exif(exif(), orientation=1)[6:]


@given(st.binary(max_size=80))
def test_damaged_data_is_read_or_refused(data: bytes) -> None:
    for whole in (data, b"II*\0\x08\0\0\0" + data, b"MM\0*\0\0\0\x08" + data):
        with suppress(ValueError):
            assert len(adapt_exif(whole, orientation=1, size=(1, 1))) == len(whole)


@pytest.mark.parametrize(
    "form", ['tiff:Orientation="{}"', "tiff:Orientation = '{}'", "<tiff:Orientation>{}</tiff:O>"]
)
def test_xmp_is_turned_with_the_picture(form: str) -> None:
    packet = f"<x>{form} tiff:Make='8'</x>"
    assert adapt_xmp(packet.format(6).encode(), 1) == packet.format(1).encode()
    assert adapt_xmp(b"<x>nothing of the kind</x>", 1) == b"<x>nothing of the kind</x>"
