from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.degrading.patterns import INK_ANGLES, print_dots, stripes

SIZE = 256


def flat(light: float, channels: int = 1) -> Tensor:
    return torch.full((1, channels, SIZE, SIZE), light)


def dots(images: Tensor, period: float, angle: float) -> Tensor:
    """Every channel's screen at the same angle."""
    return print_dots(images, torch.tensor([period]), torch.full((1, images.shape[1]), angle))


def striped(
    images: Tensor,
    period: float = 8.0,
    angle: float = 0.0,
    contrast: float = 0.2,
    bend: float = 0.0,
    colour: float = 0.0,
) -> Tensor:
    values = (torch.tensor([v]) for v in (period, angle, contrast, bend, colour))
    return stripes(images, *values)


def strongest_wave(plane: Tensor) -> tuple[float, float]:
    """Period in px and angle in [0, pi) of the strongest frequency of (SIZE, SIZE)."""
    window = torch.hann_window(SIZE, periodic=False)
    spectrum = torch.fft.fft2((plane - plane.mean()) * window * window[:, None]).abs()
    row, column = divmod(int(spectrum.argmax()), SIZE)
    y, x = ((one + SIZE // 2) % SIZE - SIZE // 2 for one in (row, column))
    return SIZE / math.hypot(x, y), math.atan2(y, x) % math.pi


def turn_between(one: float, other: float, period: float) -> float:
    """The smallest turn from one angle to the other, which repeat after `period`."""
    return abs((one - other + period / 2) % period - period / 2)


# --- the dots of a print ---


@settings(deadline=None, max_examples=20)
@given(
    period=st.floats(3.5, 20), angle=st.floats(0, math.pi / 2), light=st.sampled_from([0.3, 0.7])
)
def test_dots_repeat_at_their_period_and_angle(period: float, angle: float, light: float) -> None:
    found_period, found_angle = strongest_wave(dots(flat(light), period, angle)[0, 0])
    assert SIZE / found_period == pytest.approx(SIZE / period, abs=1.0)
    # Rows of dots run in two directions, at a right angle.
    assert turn_between(found_angle, angle, math.pi / 2) < 1.0 / (SIZE / period)


@settings(deadline=None, max_examples=20)
@given(light=st.floats(0, 1), period=st.floats(4, 16), angle=st.floats(0.1, 1.4))
def test_dots_keep_the_mean_light(light: float, period: float, angle: float) -> None:
    printed = dots(flat(light), period, angle)
    assert printed.min() >= 0
    assert printed.max() <= 1
    assert float(printed.mean()) == pytest.approx(light, abs=0.012)


def test_large_dots_are_ink_or_paper() -> None:
    printed = dots(flat(0.6), 32.0, 0.4)
    assert ((printed > 0.02) & (printed < 0.98)).float().mean() < 0.15


@pytest.mark.parametrize("light", [0.0, 1.0])
def test_paper_and_full_ink_have_no_dots(light: float) -> None:
    assert torch.equal(dots(flat(light), 6.0, 0.3), flat(light))


def test_every_ink_has_its_own_screen() -> None:
    angles = (math.pi / 4 + torch.tensor(INK_ANGLES))[None]
    printed = print_dots(flat(0.7, channels=3), torch.tensor([9.0]), angles)
    for channel, expected in enumerate((15, 75, 0)):
        _, angle = strongest_wave(printed[0, channel])
        assert turn_between(angle, math.radians(expected), math.pi / 2) < math.radians(2)


def test_images_of_a_batch_have_their_own_dots() -> None:
    images = torch.rand(2, 3, 40, 50)
    period, angle = torch.tensor([5.0, 9.0]), torch.rand(2, 3)
    together = print_dots(images, period, angle)
    for i in range(2):
        one = slice(i, i + 1)
        assert torch.allclose(
            together[one], print_dots(images[one], period[one], angle[one]), atol=1e-4
        )


# --- the stripes of a screen ---


@settings(deadline=None, max_examples=20)
@given(period=st.floats(3, 30), angle=st.floats(0, math.pi))
def test_stripes_repeat_at_their_period_and_angle(period: float, angle: float) -> None:
    found_period, found_angle = strongest_wave(striped(flat(0.5), period, angle)[0, 0])
    assert SIZE / found_period == pytest.approx(SIZE / period, abs=1.0)
    assert turn_between(found_angle, angle, math.pi) < 1.0 / (SIZE / period)


def test_contrast_is_a_share_of_the_light() -> None:
    for light in (0.2, 0.6):
        row = striped(flat(light), contrast=0.25)
        assert float(row.max()) == pytest.approx(light * 1.25, rel=0.03)
        assert float(row.min()) == pytest.approx(light * 0.75, rel=0.03)
    images = torch.rand(1, 3, 30, 30)
    assert torch.equal(striped(images, contrast=0.0), images)


def test_bent_stripes_are_off_by_that_many_periods_at_the_border() -> None:
    def phase(bend: float, row: int) -> float:
        """In periods."""
        wave = torch.exp(-2j * math.pi * (torch.arange(SIZE) + 0.5) / 8)
        value = (striped(flat(0.5), bend=bend)[0, 0, row] * wave).sum()
        return float(value.angle()) / (2 * math.pi)

    assert phase(0.3, 0) - phase(0.3, SIZE // 2) == pytest.approx(0.3, abs=0.02)
    assert phase(0.0, 0) == pytest.approx(phase(0.0, SIZE // 2), abs=1e-4)


def test_colour_moves_the_channels_apart() -> None:
    grey = striped(flat(0.5, channels=3))
    assert torch.equal(grey[:, 0], grey[:, 2])
    coloured = striped(flat(0.5, channels=3), colour=math.pi / 2)
    # Two quarters of a wave ahead: where red is light, blue is dark.
    assert torch.allclose(coloured[:, 0] - 0.5, 0.5 - coloured[:, 2], atol=1e-4)


def test_bright_stripes_stay_in_range() -> None:
    assert striped(flat(0.95), contrast=0.3).max() == 1
