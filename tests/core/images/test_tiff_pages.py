"""Each page of a TIFF as the first one of a file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from panini_core.images import read_images
from panini_core.images.tiff_pages import page_first

from .pictures import noise, to_array


@pytest.mark.parametrize("big", [False, True])
def test_pages_of_others_are_read(tmp_path: Path, big: bool) -> None:
    arrays = [noise(6, 4 + index, 3, seed=index) for index in range(3)]
    first, *rest = [Image.fromarray(array) for array in arrays]
    first.save(tmp_path / "a.tif", save_all=True, append_images=rest, big_tiff=big)
    for image, array in zip(read_images(tmp_path / "a.tif"), arrays, strict=True):
        np.testing.assert_array_equal(to_array(image), array)


def test_pages_in_the_other_byte_order_are_read(tmp_path: Path) -> None:
    def page(value: int, start: int, following: int) -> bytes:
        entries = [(256, 3, 1, 1 << 16), (257, 3, 1, 1 << 16), (258, 3, 1, 8 << 16)]
        entries += [(259, 3, 1, 1 << 16), (262, 3, 1, 1 << 16), (273, 4, 1, start + 102)]
        entries += [(277, 3, 1, 1 << 16), (279, 4, 1, 1)]
        directory = struct.pack(">H", 8) + b"".join(struct.pack(">HHII", *e) for e in entries)
        return directory + struct.pack(">I", following) + bytes([value, 0])

    data = b"MM\0*" + struct.pack(">I", 8) + page(7, 8, 112) + page(9, 112, 0)
    (tmp_path / "a.tif").write_bytes(data)
    values = [to_array(image).item() for image in read_images(tmp_path / "a.tif")]
    assert values == [7, 9]


def test_a_broken_list_of_pages_is_refused() -> None:
    for data in (b"", b"II*\0", b"II*\0\xff\0\0\0" + bytes(20), b"GIF89a" + bytes(40)):
        with pytest.raises(ValueError, match="list of pages is broken"):
            page_first(data, 1)
