"""What plots are drawn on: lengths in px of the finished picture, smooth edges."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from panini_core.drawing.canvas import SMALLEST, Canvas, Colour, mix
from panini_core.drawing.faces import BACKGROUND, TEXT

WIDTH, HEIGHT = SMALLEST
RED = (255, 0, 0)
COLOURS = st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))


def levels(plot: Tensor) -> Tensor:
    """(H, W, 3) of 255."""
    return (plot * 255).round().long().permute(1, 2, 0)


def drawn(canvas: Canvas, colour: Colour = BACKGROUND) -> Tensor:
    """(H, W) bool: where the finished plot is not of that colour."""
    return (levels(canvas.finish()) != torch.tensor(colour)).any(-1)


def covered(canvas: Canvas) -> Tensor:
    """(H, W) share of each pixel of the finished plot that is red, where nothing else is drawn."""
    red = levels(canvas.finish())[..., 0].double()
    return (red - BACKGROUND[0]) / (RED[0] - BACKGROUND[0])


def extent(mask: Tensor) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is true; the last two are beyond it."""
    rows, columns = mask.nonzero().unbind(1)
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return int(left), int(top), int(right), int(bottom)


def distances(mask: Tensor, x: float, y: float) -> Tensor:
    """How far from a point the middles of the pixels lie that are true, px."""
    rows, columns = mask.nonzero().unbind(1)
    return torch.hypot(rows + 0.5 - y, columns + 0.5 - x)


def test_a_new_canvas_is_background_of_the_size_that_was_asked_for() -> None:
    plot = Canvas((WIDTH + 1, HEIGHT + 7)).finish()
    assert plot.shape == (3, HEIGHT + 7, WIDTH + 1)
    assert plot.dtype == torch.float32
    assert (levels(plot) == torch.tensor(BACKGROUND)).all()


@pytest.mark.parametrize("size", [(WIDTH - 1, HEIGHT), (WIDTH, HEIGHT - 1), (0, 0)])
def test_what_is_too_small_to_read_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=rf"at least \({WIDTH}, {HEIGHT}\) px.*got \({size[0]}, "):
        Canvas(size)


def test_a_box_covers_its_pixels_and_no_other() -> None:
    canvas = Canvas(SMALLEST)
    canvas.box((10, 20, 30, 25), RED)
    found = levels(canvas.finish())
    assert (found[20:25, 10:30] == torch.tensor(RED)).all()
    assert extent(drawn(canvas)) == (10, 20, 30, 25)


def test_half_a_pixel_is_half_covered() -> None:
    canvas = Canvas(SMALLEST)
    canvas.box((10, 20, 12.5, 22), RED)
    found = levels(canvas.finish())[20]
    assert found[11].tolist() == list(RED)
    assert found[12].tolist() == pytest.approx(list(mix(RED, BACKGROUND, 0.5)), abs=1)
    assert found[13].tolist() == list(BACKGROUND)


@pytest.mark.parametrize("corners", [(10, 20, 10, 40), (10, 20, 40, 20), (30, 20, 10, 40)])
def test_a_box_without_area_is_not_drawn(corners: tuple[float, float, float, float]) -> None:
    canvas = Canvas(SMALLEST)
    canvas.box(corners, RED)
    assert not drawn(canvas).any()


def test_a_line_is_as_wide_as_asked_and_never_vanishes() -> None:
    for width, expected in ((4, 4), (1, 1), (0, 0.5)):
        canvas = Canvas(SMALLEST)
        canvas.line((50, 100), (150, 100), width, RED)
        assert covered(canvas)[:, 100].sum().item() == pytest.approx(expected, abs=0.02), width
        left, top, right, bottom = extent(drawn(canvas))
        assert (left, right) == pytest.approx((50, 150), abs=1)
        assert top >= 100 - width / 2 - 1 and bottom <= 100 + width / 2 + 1


def test_a_polygon_fills_what_it_encloses() -> None:
    canvas = Canvas(SMALLEST)
    canvas.polygon([(50, 50), (150, 50), (50, 150)], RED)
    mask = drawn(canvas)
    assert mask[60, 60] and mask[99, 90]
    assert not mask[110, 110]
    assert covered(canvas).sum().item() == pytest.approx(100 * 100 / 2, rel=0.03)
    assert extent(mask) == pytest.approx((50, 50, 150, 150), abs=1)


def test_a_dot_is_round() -> None:
    canvas = Canvas(SMALLEST)
    canvas.dot((100, 80), 20, RED)
    assert covered(canvas).sum().item() == pytest.approx(torch.pi * 20**2, rel=0.05)
    distance = distances(drawn(canvas), 100, 80)
    assert distance.max() < 21.5
    assert extent(drawn(canvas)) == pytest.approx((80, 60, 120, 100), abs=1)


def test_the_outline_of_a_dot_is_its_edge() -> None:
    canvas = Canvas(SMALLEST)
    canvas.dot((100, 80), 20, RED, outline=(0, 0, 255))
    found = levels(canvas.finish())
    assert found[80, 100].tolist() == list(RED)
    distance = distances(found[..., 2] > 128, 100, 80)
    assert 18 < distance.min() and distance.max() < 21.5


@pytest.mark.parametrize("number", [0, 7, 42, 999])
def test_a_badge_holds_its_number(number: int) -> None:
    canvas, other = Canvas(SMALLEST), Canvas(SMALLEST)
    canvas.badge((100, 80), number)
    other.badge((100, 80), number + 1)
    assert not torch.equal(other.finish(), canvas.finish())
    assert extent(drawn(canvas)) == pytest.approx((90, 70, 110, 90), abs=1)
    dark = levels(canvas.finish()).amax(-1) < 100
    within = dark[70:90, 90:110] & drawn(canvas)[70:90, 90:110]
    distance = distances(within, 10, 10)
    assert (distance < 8.5).sum() > 3  # digits
    assert (distance > 9).sum() > 3  # the outline


@pytest.mark.parametrize(("anchor", "before"), [("lm", 0.0), ("mm", 0.5), ("rm", 1.0)])
def test_text_is_as_wide_as_it_is_measured_and_stands_at_its_anchor(
    anchor: str, before: float
) -> None:
    canvas = Canvas(SMALLEST)
    canvas.text((200, 100), "HEAVY BLUR H", 14, anchor)
    mask = drawn(canvas)
    width = canvas.width("HEAVY BLUR H", 14)
    start = 200 - width * before
    assert extent(mask)[0] == pytest.approx(start, abs=3)
    assert extent(mask)[2] == pytest.approx(start + width, abs=3)
    assert extent(mask)[1] < 100 < extent(mask)[3]
    assert levels(canvas.finish()).amax((0, 1)).tolist() == list(TEXT)


def test_the_measured_width_grows_with_text_and_size() -> None:
    canvas = Canvas(SMALLEST)
    assert canvas.width("", 12) == 0
    assert canvas.width("blur", 12) < canvas.width("blur and noise", 12)
    assert canvas.width("blur", 24) == pytest.approx(2 * canvas.width("blur", 12), rel=0.05)


@given(a=COLOURS, b=COLOURS, ratio=st.floats(0, 1))
def test_a_mixture_lies_between_and_reaches_both_ends(a: Colour, b: Colour, ratio: float) -> None:
    assert mix(a, b, 1) == a
    assert mix(a, b, 0) == b
    for x, y, mixed in zip(a, b, mix(a, b, ratio), strict=True):
        assert min(x, y) <= mixed <= max(x, y)
        assert mixed == pytest.approx(x * ratio + y * (1 - ratio), abs=0.501)
