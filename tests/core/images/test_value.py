"""A picture as a file holds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from panini_core.images import ImageFile, ImageFileError, Metadata, read_image, write_image
from panini_core.images.value import largest_value

from .pictures import from_array, noise, to_array


def test_new_pixels_keep_the_kind_of_their_picture(tmp_path: Path) -> None:
    rgba = from_array(noise(6, 8, 4, bits=16), metadata=Metadata(dpi=(72.0, 72.0)))
    larger = rgba.with_pixels(torch.rand(3, 12, 16))
    assert (larger.size, larger.bit_depth) == ((16, 12), 16)
    assert larger.metadata == rgba.metadata
    assert larger.alpha is not None and larger.alpha.shape == (1, 12, 16)
    assert 0 <= larger.alpha.min() <= larger.alpha.max() <= 1
    same = rgba.with_pixels(1 - rgba.pixels)
    assert same.alpha is rgba.alpha
    write_image(tmp_path / "a.png", same)
    np.testing.assert_array_equal(to_array(read_image(tmp_path / "a.png")), to_array(same))


@pytest.mark.parametrize(("bits", "largest"), [(8, 255), (16, 65535)])
def test_the_largest_value_is_that_of_the_pixels_type(bits: int, largest: int) -> None:
    assert largest_value(noise(2, 3, 1, bits=bits)) == largest


def test_an_error_says_where_what_and_what_to_do() -> None:
    error = ImageFileError("below/a.png", "a picture", "an empty file", "Get it again.")
    assert str(error) == "below/a.png: expected a picture, got an empty file. Get it again."
    assert error.path == Path("below/a.png")
    assert (error.expected, error.got) == ("a picture", "an empty file")
    assert error.remedy == "Get it again."
    assert isinstance(error, ValueError)


def test_the_size_is_width_and_height() -> None:
    assert ImageFile(torch.zeros(3, 5, 9)).size == (9, 5)


def test_without_alpha_new_pixels_have_none() -> None:
    image = ImageFile(torch.zeros(3, 4, 4), grey=True, format="JPEG", lossless=False)
    other = image.with_pixels(torch.ones(3, 8, 8))
    assert other.alpha is None
    assert (other.grey, other.format, other.lossless) == (True, "JPEG", False)
    assert other.pixels.eq(1).all()
    assert image.pixels.shape == (3, 4, 4)  # as it was


@given(
    value=st.floats(0, 1, width=32),
    sides=st.tuples(*(st.integers(1, 24) for _ in range(4))),
)
def test_even_alpha_stays_even_at_every_size(
    value: float, sides: tuple[int, int, int, int]
) -> None:
    height, width, new_height, new_width = sides
    image = ImageFile(torch.zeros(3, height, width), alpha=torch.full((1, height, width), value))
    alpha = image.with_pixels(torch.zeros(3, new_height, new_width)).alpha
    assert alpha is not None
    torch.testing.assert_close(alpha, torch.full((1, new_height, new_width), value))


def test_alpha_grows_without_shift_and_without_overshoot() -> None:
    alpha = torch.zeros(1, 12, 12)
    alpha[..., 6:] = 1  # the right half
    image = ImageFile(torch.zeros(3, 12, 12), alpha=alpha)
    larger = image.with_pixels(torch.zeros(3, 36, 36)).alpha
    assert larger is not None
    assert larger.min() == 0 and larger.max() == 1
    assert larger[..., :15].max() < 0.1 and larger[..., 21:].min() > 0.9
    torch.testing.assert_close(larger, 1 - larger.flip(-1), atol=1e-5, rtol=0)
