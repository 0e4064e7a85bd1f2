"""What plots are drawn on: twice as large as the finished picture, then reduced: smooth edges."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from .faces import BACKGROUND, TEXT, from_pillow

Colour = tuple[int, int, int]
Point = tuple[float, float]

SMALLEST = (480, 320)  # px, below which no plot is legible
_SCALE = 2


class Canvas:
    """A plot being drawn; lengths are px of the finished plot, x to the right and y down."""

    def __init__(self, size: tuple[int, int]) -> None:
        if size[0] < SMALLEST[0] or size[1] < SMALLEST[1]:
            raise ValueError(f"A plot needs at least {SMALLEST} px, width x height, got {size}.")
        self.size = size
        large = (size[0] * _SCALE, size[1] * _SCALE)
        self.picture = Image.new("RGB", large, BACKGROUND)
        self.draw = ImageDraw.Draw(self.picture)

    def box(self, corners: tuple[float, float, float, float], colour: Colour) -> None:
        x0, y0, x1, y1 = (round(c * _SCALE) for c in corners)
        if x1 > x0 and y1 > y0:
            self.draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill=colour)

    def line(self, start: Point, end: Point, width: float, colour: Colour) -> None:
        points = [c * _SCALE for c in (*start, *end)]
        self.draw.line(points, fill=colour, width=max(round(width * _SCALE), 1))

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        self.draw.polygon([(x * _SCALE, y * _SCALE) for x, y in points], fill=colour)

    def dot(
        self, centre: Point, radius: float, colour: Colour, outline: Colour | None = None
    ) -> None:
        x, y, r = (c * _SCALE for c in (*centre, radius))
        self.draw.ellipse((x - r, y - r, x + r, y + r), fill=colour, outline=outline, width=_SCALE)

    def badge(self, centre: Point, number: int) -> None:
        self.dot(centre, 10, (255, 255, 255), outline=(0, 0, 0))
        self.text(centre, str(number), 12 if number < 100 else 9, "mm", (0, 0, 0))

    def text(self, at: Point, text: str, size: float, anchor: str, colour: Colour = TEXT) -> None:
        x, y = at
        self.draw.text((x * _SCALE, y * _SCALE), text, colour, _font(size), anchor=anchor)

    def width(self, text: str, size: float) -> float:
        return self.draw.textlength(text, _font(size)) / _SCALE

    def finish(self) -> Tensor:
        return from_pillow(self.picture.reduce(_SCALE))


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * _SCALE)


def mix(a: Colour, b: Colour, ratio: float) -> Colour:
    """`ratio` of a, the rest of b."""
    red, green, blue = (round(x * ratio + y * (1 - ratio)) for x, y in zip(a, b, strict=True))
    return red, green, blue
