from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from panini_core.models.luma import to_grey
from panini_core.stages import tone as toning
from panini_core.stages.asking import answer_together
from panini_core.stages.layers import face_mask

WEIGHTS = face_mask(128, 0.1)
SEPIA = torch.tensor([0.12, 0.0, -0.14]).view(3, 1, 1)  # from grey, in the mid-tones


@pytest.fixture(autouse=True)
def _same_numbers_each_run() -> None:
    torch.manual_seed(0)


def find_tone(photograph: Tensor, weights: Tensor) -> toning.Tone | None:
    (found,) = answer_together([toning.find_tone(photograph, weights)])
    return found


def grey_picture(low: float = 0.05, high: float = 0.95) -> Tensor:
    coarse = torch.rand(1, 1, 12, 12) * (high - low) + low
    return F.interpolate(coarse, (128, 128), mode="bilinear")[0]


def sepia(grey: Tensor) -> Tensor:
    """Toned as prints are: no colour in black and white, most between."""
    return (grey + SEPIA * 4 * grey * (1 - grey)).clamp(0, 1)


def chroma_noise(std: float) -> Tensor:
    """Blocks as JPEG leaves them: colour only, 8 px wide."""
    blocks = torch.randn(1, 3, 16, 16) * std
    return F.interpolate(blocks - blocks.mean(1, keepdim=True), (128, 128), mode="nearest")[0]


def test_grey_is_answered_by_grey_to_the_bit() -> None:
    tone = find_tone(grey_picture().expand(3, -1, -1), WEIGHTS)
    assert tone is not None
    red, green, blue = tone.colour(torch.rand(1, 64, 64))
    assert torch.equal(red, green)
    assert torch.equal(blue, green)


def test_a_tone_is_known_again_and_its_brightness_kept() -> None:
    tone = find_tone(sepia(grey_picture()), WEIGHTS)
    assert tone is not None
    other = sepia(grey_picture())
    torch.testing.assert_close(tone.colour(to_grey(other)), other, atol=0.01, rtol=0)


def test_noise_of_chroma_is_no_colour() -> None:
    noisy = grey_picture().expand(3, -1, -1) + chroma_noise(1.5 / 255)
    tone = find_tone(noisy.clamp(0, 1), WEIGHTS)
    assert tone is not None
    assert tone.differences(torch.rand(1, 64, 64)).abs().max() < 2 / 255


def test_a_scratch_or_the_world_beside_the_face_does_not_count() -> None:
    picture = grey_picture().repeat(3, 1, 1)
    picture[:, 40:44, 40:44] = torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1)
    picture[0, :3] = 1
    assert find_tone(picture, WEIGHTS) is not None


def test_colour_has_no_tone() -> None:
    coarse = torch.rand(1, 3, 12, 12)
    assert find_tone(F.interpolate(coarse, (128, 128), mode="bilinear")[0], WEIGHTS) is None
    lips = sepia(grey_picture())
    lips[0, 88:100, 52:76] += 0.2  # tinted by hand
    assert find_tone(lips.clamp(0, 1), WEIGHTS) is None


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_flat_pictures_give_a_finite_tone(value: float) -> None:
    tone = find_tone(torch.full((3, 128, 128), value), WEIGHTS)
    assert tone is not None
    grey = torch.rand(1, 16, 16)
    torch.testing.assert_close(tone.colour(grey), grey.expand(3, -1, -1))


def test_what_is_not_a_number_has_no_tone() -> None:
    picture = grey_picture().repeat(3, 1, 1)
    picture[:, :, 60] = torch.nan
    assert find_tone(picture, WEIGHTS) is None
