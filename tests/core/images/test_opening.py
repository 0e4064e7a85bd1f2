"""Files of a size that can be meant, and others."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from panini_core.images import ImageFileError, opening, read_image

from .pictures import noise
from .test_reading import enormous_png


def test_pillows_own_size_limit_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(enormous_png(100_000, 100_000))
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(ImageFileError):
        read_image(tmp_path / "a.png")
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_picture_at_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(noise(10, 20, 3)).save(tmp_path / "a.png")
    monkeypatch.setattr(opening, "MAX_PIXELS", 200)
    assert read_image(tmp_path / "a.png").size == (20, 10)
    monkeypatch.setattr(opening, "MAX_PIXELS", 199)
    with pytest.raises(ImageFileError, match="20x10"):
        read_image(tmp_path / "a.png")
