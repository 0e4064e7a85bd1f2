"""TIFF files of pages of any kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from panini_core.images import write_images

from .pictures import noise, to_array
from .several import pages, save_pages


def test_pages_of_any_kind_come_back(tmp_path: Path) -> None:
    read = save_pages(tmp_path / "a.tif")
    write_images(tmp_path / "b.tif", read)
    assert (tmp_path / "b.tif").read_bytes() == (tmp_path / "a.tif").read_bytes()
    for index, (page, image) in enumerate(zip(pages(), read, strict=True)):
        np.testing.assert_array_equal(to_array(image), to_array(page))
        assert (image.bit_depth, image.grey) == (page.bit_depth, page.grey)
        assert image.metadata.xmp == page.metadata.xmp
        assert image.metadata.dpi == page.metadata.dpi
        assert image.metadata.icc_profile == page.metadata.icc_profile
        assert (image.metadata.exif is None) == (page.metadata.exif is None)
        assert image.place is not None
        assert (image.place.index, image.place.count) == (index, 5)
        assert image.place.is_page


def test_others_read_the_pages(tmp_path: Path) -> None:
    save_pages(tmp_path / "a.tif")
    with Image.open(tmp_path / "a.tif") as theirs:
        assert theirs.n_frames == 5  # type: ignore[attr-defined]
        theirs.seek(1)
        np.testing.assert_array_equal(np.asarray(theirs), noise(5, 9, 1)[..., 0])
    cv2 = pytest.importorskip("cv2")
    complete, found = cv2.imreadmulti(str(tmp_path / "a.tif"), flags=cv2.IMREAD_UNCHANGED)
    assert complete and len(found) == 5
    np.testing.assert_array_equal(found[2][..., ::-1], noise(7, 7, 3, bits=16))
