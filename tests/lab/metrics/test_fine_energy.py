"""Fine energy: the finest octave of a restored face over that of the clean one."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from panini_lab.metrics.fine_energy import fine_energy


def picture(seed: int = 0, size: int = 48) -> Tensor:
    """(1, 3, size, size) in [0.25, 0.75]: random pixels, every frequency in them."""
    generator = torch.Generator().manual_seed(seed)
    return 0.25 + 0.5 * torch.rand(1, 3, size, size, generator=generator)


def wave(frequency: float, *, along: int = 3, size: int = 256) -> Tensor:
    """(1, 3, size, size): a wave of so many cycles per pixel along rows or columns."""
    values = 0.3 * torch.cos(2 * math.pi * frequency * torch.arange(size) + 0.4)
    return 0.5 + (values.view(1, 1, 1, -1) if along == 3 else values.view(1, 1, -1, 1)).expand(
        1, 3, size, size
    )


def energy(image: Tensor) -> float:
    """The mean square of an image's finest octave, told by its share of a checkerboard's."""
    rows = torch.arange(image.shape[2])
    checkerboard = 0.5 + 0.1 * (-1.0) ** (rows[:, None] + rows)  # all of it: 0.01 a pixel
    return 0.01 * fine_energy(image, checkerboard.expand_as(image)).item()


def test_equal_pictures_have_the_share_one() -> None:
    assert torch.equal(fine_energy(picture(), picture()), torch.ones(1))
    flat = torch.full((2, 3, 16, 16), 0.3)
    assert torch.equal(fine_energy(flat, flat), torch.ones(2))


def test_blur_lowers_it_step_by_step() -> None:
    clean = picture()
    sigmas = (0.3, 0.5, 0.8, 1.2, 2.0)
    shares = [fine_energy(gaussian_blur(clean, [15, 15], [s, s]), clean).item() for s in sigmas]
    assert shares == sorted(shares, reverse=True)
    assert 0 < shares[-1] < 0.01
    assert shares[0] < 1


def test_noise_raises_it_above_one_step_by_step() -> None:
    clean = gaussian_blur(picture(), [7, 7], [1.0, 1.0])
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    shares = [fine_energy(clean + strength * noise, clean).item() for strength in (0.02, 0.05, 0.1)]
    assert 1 < shares[0] < shares[1] < shares[2]


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 2.0), st.floats(-0.2, 0.2))
def test_contrast_counts_by_its_square_and_brightness_not_at_all(
    contrast: float, brightness: float
) -> None:
    clean = picture()
    changed = contrast * (clean - 0.5) + 0.5 + brightness
    assert fine_energy(changed, clean).item() == pytest.approx(contrast**2, rel=1e-3)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.02, 0.48), st.sampled_from([2, 3]))
def test_its_band_is_the_one_that_is_documented(frequency: float, along: int) -> None:
    """Of a wave of f cycles per pixel it keeps the amplitude 1 - cos(pi f)^4."""
    image = wave(frequency, along=along)
    whole = (image - 0.5).square().mean().item()
    kept = (1 - math.cos(math.pi * frequency) ** 4) ** 2
    assert energy(image) == pytest.approx(whole * kept, rel=0.05, abs=whole * 0.005)


@pytest.mark.parametrize(("of_nyquist", "kept"), [(1.0, 1.0), (0.474, 0.5), (0.25, 0.074)])
def test_it_halves_near_half_the_nyquist_frequency(of_nyquist: float, kept: float) -> None:
    image = wave(of_nyquist / 2)
    whole = (image - 0.5).square().mean().item()
    assert energy(image) / whole == pytest.approx(kept, abs=0.01)


def test_a_shifted_picture_keeps_its_energy() -> None:
    """No grid of pooled pixels: the same wave one pixel further on counts the same."""
    clean = wave(0.37)
    assert fine_energy(clean.roll(1, 3)[..., 8:-8], clean[..., 8:-8]).item() == pytest.approx(
        1, abs=0.01
    )


def test_colour_without_brightness_does_not_count() -> None:
    pattern = 0.2 * torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(2))
    colours = 0.5 + pattern * torch.tensor([1.0, 0.0, -1.0]).view(1, 3, 1, 1)
    assert fine_energy(colours, picture(size=32)).item() < 1e-4


def test_faces_are_independent_and_one_clean_face_serves_all() -> None:
    restored = torch.cat([gaussian_blur(picture(i), [7, 7], [0.5 + i] * 2) for i in range(3)])
    clean = torch.cat([picture(i) for i in range(3)])
    rows = [slice(i, i + 1) for i in range(3)]
    single = torch.cat([fine_energy(restored[row], clean[row]) for row in rows])
    torch.testing.assert_close(fine_energy(restored, clean), single)
    of_one = torch.cat([fine_energy(restored[row], clean[:1]) for row in rows])
    torch.testing.assert_close(fine_energy(restored, clean[:1]), of_one)


def test_a_flat_clean_face_gives_a_finite_share() -> None:
    share = fine_energy(picture(), torch.full_like(picture(), 0.5))
    assert share.isfinite().all()
    assert share.item() > 1


def test_half_precision_does_not_round_the_band() -> None:
    clean = picture()
    softened = gaussian_blur(clean, [7, 7], [1.5, 1.5])
    expected = fine_energy(softened, clean)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(fine_energy(softened, clean), expected)


def test_shapes_that_do_not_fit_are_told() -> None:
    with pytest.raises(ValueError, match="equal shapes"):
        fine_energy(picture(size=16), picture(size=32))
    with pytest.raises(ValueError, match="equal shapes"):
        fine_energy(picture()[0], picture()[0])
    with pytest.raises(ValueError, match="at least 3 px"):
        fine_energy(torch.rand(1, 3, 2, 8), torch.rand(1, 3, 2, 8))
