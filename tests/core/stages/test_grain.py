"""Grain: what is measured, what is drawn, and what is no grain."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from panini_core.drawing.faces import to_pillow
from panini_core.stages import grain as grains
from panini_core.stages.asking import answer_together
from panini_core.stages.grain import Grain, Strips

SIDE = 256


def measure_grain(photograph: Tensor | Strips, drawn: Tensor) -> Grain | None:
    (found,) = answer_together([grains.measure_grain(photograph, drawn)])
    return found


def noise(size: float, channels: int = 1, seed: int = 0, side: int = SIDE) -> Tensor:
    """White noise (C, side, side) of variance 1 behind a Gaussian blur of `size` px."""
    white = torch.randn(1, channels, side, side, generator=torch.Generator().manual_seed(seed))
    distance = torch.fft.fftfreq(side)
    gain = torch.exp(-2 * (math.pi * size * distance) ** 2)
    spectrum = torch.fft.fft2(white) * gain * gain[:, None]
    blurred = torch.fft.ifft2(spectrum).real[0]
    return blurred / blurred.std((1, 2), keepdim=True)


def scene(channels: int = 3, side: int = SIDE) -> Tensor:
    """Soft light and colours, as of a wall and a face without pores."""
    coarse = torch.rand(1, channels, 4, 4, generator=torch.Generator().manual_seed(1))
    wide = F.interpolate(coarse, (side, side), mode="bicubic", align_corners=False)[0]
    return (0.25 + 0.5 * wide).clamp(0.2, 0.8)


def middle(side: int = SIDE) -> Tensor:
    """(1, side, side): one in a disc, where a face would be drawn."""
    axis = torch.linspace(-1, 1, side) ** 2
    return (axis + axis[:, None] < 0.36).float()[None]


def as_jpeg(picture: Tensor, quality: int) -> Tensor:
    buffer = io.BytesIO()
    to_pillow(picture.clamp(0, 1)).save(buffer, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(buffer))).movedim(-1, 0).float() / 255


@pytest.mark.parametrize("size", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("std", [3, 12])
def test_strength_and_size_are_those_of_the_noise(size: float, std: float) -> None:
    picture = (scene(side=384) + noise(size, side=384) * std / 255).clamp(0, 1)
    grain = measure_grain(picture, middle(384))
    assert grain is not None
    assert grain.strength * 255 == pytest.approx(std, rel=0.15)
    assert grain.size == pytest.approx(max(size, 0.3), abs=0.3)


@settings(max_examples=10, deadline=None)
@given(
    size=st.floats(0, 1),
    shares=st.tuples(*[st.floats(-1, 1)] * 9),
    seed=st.integers(0, 1000),
)
def test_colours_vary_together_as_they_did(
    size: float, shares: tuple[float, ...], seed: int
) -> None:
    mix = torch.tensor(shares).view(3, 3) * 0.02 + 0.02 * torch.eye(3)
    added = torch.einsum("cd,dhw->chw", mix, noise(size, 3, seed))
    grain = measure_grain((scene() + added).clamp(0, 1), middle())
    if grain is None:  # hardly any of it is brightness
        assert (torch.tensor([0.299, 0.587, 0.114]) @ mix).norm() < 2.2 / 255
        return
    expected = added.flatten(1).cov()
    found = grain.draw(SIDE, SIDE, 0).flatten(1).cov()
    assert (found - expected).abs().max() < 0.25 * expected.diagonal().max()


def test_what_is_drawn_measures_as_what_was_measured() -> None:
    mixing = torch.tensor([[0.04, 0, 0], [0.01, 0.02, 0], [-0.01, 0.005, 0.02]])
    grain = Grain(mixing, 0.7, 1.0)
    found = measure_grain(scene() + grain.draw(SIDE, SIDE, 3), middle())
    assert found is not None
    assert (found.mixing - mixing).abs().max() < 0.004
    assert (found.size, found.colour_size) == (
        pytest.approx(0.7, abs=0.1),
        pytest.approx(1, abs=0.15),
    )


def test_the_same_seed_draws_the_same_and_another_another() -> None:
    grain = Grain(torch.eye(3) * 0.1, 0.5, 0.5)
    first = grain.draw(40, 50, 7)
    assert first.shape == (3, 40, 50)
    assert torch.equal(first, grain.draw(40, 50, 7))
    other = grain.draw(40, 50, 8)
    assert (first * other).mean().abs() < 0.15 * first.square().mean()
    half = grain.weakened(0.5).draw(40, 50, 7)
    torch.testing.assert_close(half, first / 2)


def test_grey_grain_is_grey() -> None:
    grain = measure_grain((scene(1) + noise(0.6) * 0.03).clamp(0, 1), middle())
    assert grain is not None
    assert grain.draw(20, 30, 0).shape == (1, 20, 30)


def waves(period: float) -> Tensor:
    place = 2 * math.pi * torch.arange(SIDE) / period
    return torch.sin(place) * torch.sin(place)[:, None]


def pink() -> Tensor:
    """As much energy in every octave, as in pictures of leaves, sand or bark."""
    frequency = torch.hypot(torch.fft.fftfreq(SIDE)[:, None], torch.fft.rfftfreq(SIDE))
    white = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    made = torch.fft.irfft2(torch.fft.rfft2(white) / (frequency + 0.01), s=(SIDE, SIDE))
    return made / made.std()


def strands(angle: float) -> Tensor:
    """Hair: values that hardly change along one direction."""
    across = torch.arange(SIDE) * math.cos(angle) + torch.arange(SIDE)[:, None] * math.sin(angle)
    values = torch.randn(4 * SIDE, generator=torch.Generator().manual_seed(0))
    return values[(across + SIDE).long()]


SPECKS = (torch.rand(SIDE, SIDE, generator=torch.Generator().manual_seed(0)) < 0.02).float()
NO_GRAIN = {
    "nothing": scene(),
    "8 bits": (scene() * 255).round() / 255,
    "too faint to see": scene() + noise(0.5) / 255,
    "no photograph": torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)),
    "hair": scene() + 0.04 * strands(0.3),
    "straight hair": scene() + 0.04 * strands(0),
    "fine cloth": scene() + 0.04 * waves(3),
    "cloth": scene() + 0.04 * waves(5.3),
    "leaves": 0.5 + 0.08 * pink().expand(3, -1, -1),
    "leaves around a face": scene() + (1 - middle()) * 0.08 * noise(0.7),
    "specks": scene() + 0.3 * SPECKS,
    "black": torch.zeros(3, SIDE, SIDE),
    "black with its noise": 0.03 * noise(0.5).expand(3, -1, -1),
}


@pytest.mark.parametrize("name", NO_GRAIN)
def test_what_is_no_grain_is_not_taken_for_it(name: str) -> None:
    assert measure_grain(NO_GRAIN[name].clamp(0, 1), middle()) is None


@pytest.mark.parametrize("quality", [8, 25, 50, 75, 95])
def test_jpeg_blocks_are_no_grain_and_grain_survives_a_good_jpeg(quality: int) -> None:
    edges = scene() + 0.2 * (torch.arange(SIDE) // 24 % 2)  # ringing as well
    for clean in (scene(), edges):
        assert measure_grain(as_jpeg(clean, quality), middle()) is None
    grain = measure_grain(as_jpeg(scene() + noise(0.6) * 12 / 255, quality), middle())
    if quality >= 75:
        assert grain is not None
        assert grain.strength * 255 == pytest.approx(12, rel=0.15)


def test_few_flat_parts_are_enough() -> None:
    picture = scene() + noise(0.6) * 10 / 255
    picture[:, :, : SIDE // 3] += 0.3 * strands(0.4)[:, : SIDE // 3]
    picture[:, : SIDE // 3] += 0.2 * waves(9)[: SIDE // 3]
    grain = measure_grain(picture.clamp(0, 1), middle())
    assert grain is not None
    assert grain.strength * 255 == pytest.approx(10, rel=0.2)


def test_without_surroundings_there_is_nothing_to_match() -> None:
    grainy = scene() + noise(0.6) * 0.04
    assert measure_grain(grainy, torch.ones(1, SIDE, SIDE)) is None
    assert measure_grain(grainy, torch.zeros(1, SIDE, SIDE)) is None
    for side in (1, 15, 16, 40):
        assert measure_grain(grainy[:, :side, :side], middle(SIDE)[:, :side, :side]) is None


def test_of_a_large_picture_some_rows_are_asked_for() -> None:
    side = 1536
    picture = (scene(side=side) + noise(1.0, side=side) * 8 / 255).clamp(0, 1)
    asked: list[int] = []

    def rows(top: int, bottom: int) -> Tensor:
        asked.append(bottom - top)
        return picture[:, top:bottom]

    grain = measure_grain(Strips(side, side, rows), middle(side))
    assert grain is not None
    assert grain.strength * 255 == pytest.approx(8, rel=0.15)
    assert grain.size == pytest.approx(1, abs=0.3)
    assert max(asked) < 64
