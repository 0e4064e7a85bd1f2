"""Luma, as Pillow and JPEG have it."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from panini_core.models.luma import LUMA, to_grey


def test_white_has_a_luma_of_one() -> None:
    assert abs(sum(LUMA) - 1) < 1e-12


def test_grey_keeps_grey() -> None:
    grey = torch.rand(2, 1, 5, 5).repeat(1, 3, 1, 1)
    torch.testing.assert_close(to_grey(grey), grey[:, :1])


def test_colours_are_as_bright_as_pillow_says() -> None:
    pixels = torch.randint(0, 256, (3, 9, 7), dtype=torch.uint8)
    picture = Image.fromarray(pixels.permute(1, 2, 0).numpy()).convert("L")
    expected = torch.from_numpy(np.array(picture)).float() / 255
    torch.testing.assert_close(to_grey(pixels.float() / 255)[0], expected, rtol=0, atol=1 / 255)
