"""Plots of what the stages measure: the map of degradations, and alpha per level.

RGB float32 in [0, 1], (3, H, W).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..atlas import DegradationAtlas, DegradationDescription, readable_name
from ..stages.level_statistics import PICTURE_LEVEL, LevelStatistics
from .canvas import Canvas, Colour, Point, mix

_FIELD: Colour = (34, 34, 37)
_GRID: Colour = (58, 58, 62)
_MUTED: Colour = (165, 165, 170)
_CHOSEN: Colour = (0, 160, 220)
_EDITED: Colour = (255, 180, 0)
_CLASSES: tuple[Colour, ...] = (  # single degradations in colours, mixed ones in greys
    (90, 220, 130),
    (0, 160, 235),
    (255, 190, 0),
    (255, 95, 150),
    (175, 130, 255),
    (120, 125, 130),
    (165, 170, 175),
    (215, 220, 225),
)
_CALM, _WARNING, _ALARM = (90, 220, 130), (255, 190, 0), (255, 80, 70)
_MARGIN = 16  # px, as all lengths below, of the finished plot


def plot_atlas(
    atlas: DegradationAtlas | None,
    descriptions: Sequence[DegradationDescription],
    *,
    numbers: Sequence[int] | None = None,  # of the faces; None: from 0
    size: tuple[int, int] = (960, 560),  # width, height, px
) -> Tensor:  # (3, H, W)
    """The map of known degradations, coloured by class, with a legend; every face as its number.

    Beside it each face's severity and description. Without an atlas (None) the plot says so.
    Raises ValueError for a size below `SMALLEST`, and if there is not one number a face.
    """
    canvas = Canvas(size)
    width, height = size
    if atlas is None:
        canvas.text((width / 2, height / 2), "This model has no atlas of degradations.", 16, "mm")
        return canvas.finish()
    side = min(height - 2 * _MARGIN, round(width * 0.6) - 2 * _MARGIN)
    top = (height - side) / 2
    canvas.box((_MARGIN, top, _MARGIN + side, top + side), _FIELD)

    def place(x: float, y: float) -> Point:
        inner = side - 32
        return _MARGIN + 16 + x * inner, top + 16 + y * inner

    for (x, y), label in zip(atlas.positions.tolist(), atlas.labels.tolist(), strict=True):
        canvas.dot(place(x, y), 2.6, _class_colour(label))
    counted = range(len(descriptions)) if numbers is None else numbers
    named = list(zip(counted, descriptions, strict=True))
    for number, description in reversed(named):
        canvas.badge(place(*description.position), number)
    left = side + 2 * _MARGIN
    below = _draw_legend(canvas, atlas.names, left, top)
    _draw_faces(canvas, named, left, below + _MARGIN)
    return canvas.finish()


def plot_alpha(
    chosen: Sequence[LevelStatistics],
    edited: Sequence[LevelStatistics] | None = None,
    *,
    size: tuple[int, int] = (960, 420),  # width, height, px
) -> Tensor:  # (3, H, W)
    """Alpha per level, coarse first: how its channels are spread between the picture (0, below)
    and the GAN prior (1, above).

    The left half of each shape is the network's choice, the right half what became of it; without
    `edited` both halves are the choice. The bar spans the middle half of the channels, the line
    90 %, the white mark is the median. Raises ValueError if the levels of both differ, or for a
    size below `SMALLEST`.
    """
    edited = chosen if edited is None else edited
    if [level.name for level in chosen] != [level.name for level in edited]:
        raise ValueError(
            f"Both sides need the same levels, got {[level.name for level in chosen]} and "
            f"{[level.name for level in edited]}."
        )
    canvas = Canvas(size)
    width, height = size
    left, right, top, bottom = 76, width - _MARGIN, 48, height - 52
    canvas.box((left, top, right, bottom), _FIELD)
    for share, label in [
        (1.0, "prior 1"),
        (0.75, ""),
        (0.5, "0.5"),
        (0.25, ""),
        (0.0, "picture 0"),
    ]:
        y = bottom + (top - bottom) * share
        canvas.line((left, y), (right, y), 1, _GRID)
        canvas.text((left - 8, y), label, 13, "rm", _MUTED)
    canvas.text((left, top - 24), "alpha: the GAN prior's share", 15, "lm")
    after = _key(canvas, right, top - 24, "after editing", _EDITED)
    _key(canvas, after - 20, top - 24, "network's choice", _CHOSEN)
    if not chosen:
        canvas.text(((left + right) / 2, (top + bottom) / 2), "no face", 16, "mm")

    step = (right - left) / max(len(chosen), 1)
    for index, (before, now) in enumerate(zip(chosen, edited, strict=True)):
        centre = left + step * (index + 0.5)
        reach = min(step * 0.4, 64)
        _draw_half(canvas, before, centre, -reach, (top, bottom), _CHOSEN)
        _draw_half(canvas, now, centre, reach, (top, bottom), _EDITED)
        name = before.name if before.name == PICTURE_LEVEL else f"{before.name} px"
        canvas.text((centre, bottom + 16), name, 14, "mm")
        canvas.text((centre, bottom + 36), f"{before.channels} channels", 11, "mm", _MUTED)
    return canvas.finish()


def _class_colour(label: int) -> Colour:
    return _CLASSES[label % len(_CLASSES)]


def _key(canvas: Canvas, right: float, y: float, text: str, colour: Colour) -> float:
    """An entry of a legend that ends at `right`; returns where it begins."""
    left = right - canvas.width(text, 13) - 18
    canvas.box((left, y - 6, left + 12, y + 6), colour)
    canvas.text((left + 18, y), text, 13, "lm")
    return left


def _draw_half(
    canvas: Canvas,
    level: LevelStatistics,
    centre: float,
    reach: float,  # px, of the largest share; negative: to the left
    span: tuple[float, float],  # top and bottom, px
    colour: Colour,
) -> None:
    top, bottom = span

    def height(alpha: float) -> float:
        return bottom + (top - bottom) * alpha

    widest, bins = max(level.histogram), len(level.histogram)
    edge = [
        (centre + reach * share / widest, height((index + 0.5) / bins))
        for index, share in enumerate(level.histogram)
    ]
    canvas.polygon([(centre, height(0)), *edge, (centre, height(1))], mix(colour, _FIELD, 0.5))
    least, lower, median, upper, most = (height(alpha) for alpha in level.quantiles)
    x = centre + (5 if reach > 0 else -5)
    canvas.line((x, least), (x, most), 1, colour)
    canvas.box((x - 3, min(upper, lower - 2), x + 3, lower), colour)
    canvas.box((x - 4, median - 1.5, x + 4, median + 1.5), (255, 255, 255))


def _draw_legend(canvas: Canvas, names: Sequence[str], left: float, top: float) -> float:
    """Two columns of coloured names; returns where the legend ends."""
    canvas.text((left, top), "known degradations", 15, "lt")
    rows = (len(names) + 1) // 2
    column_width = (canvas.size[0] - _MARGIN - left) / 2
    for index, name in enumerate(names):
        x = left + index // rows * column_width
        y = top + 34 + index % rows * 20
        canvas.dot((x + 6, y), 5, _class_colour(index))
        canvas.text((x + 18, y), readable_name(name), 13, "lm")
    return top + 34 + rows * 20


def _draw_faces(
    canvas: Canvas,
    named: Sequence[tuple[int, DegradationDescription]],  # with their numbers
    left: float,
    top: float,
) -> None:
    """A row a face: number, sentence, a bar of its severity; as many as there is room for."""
    right, bottom = canvas.size[0] - _MARGIN, canvas.size[1] - _MARGIN
    row = 44
    room = max(int((bottom - top - 20) // row), 0)
    for place, (number, description) in enumerate(named[:room]):
        y = top + place * row
        canvas.badge((left + 10, y + 14), number)
        canvas.text(
            (left + 28, y + 8), _fitting(canvas, description.text, right - left - 28), 12, "lm"
        )
        canvas.box((left + 28, y + 20, right, y + 26), _GRID)
        severity = min(max(description.severity, 0.0), 1.0)
        end = left + 28 + (right - left - 28) * severity
        canvas.box((left + 28, y + 20, end, y + 26), _severity_colour(severity))
    if len(named) > room:
        canvas.text((left, bottom), f"and {len(named) - room} more", 12, "lb", _MUTED)


def _fitting(canvas: Canvas, text: str, width: float) -> str:
    while canvas.width(text, 12) > width:
        text = text.removesuffix("...")[:-1].rstrip() + "..."
    return text


def _severity_colour(severity: float) -> Colour:
    if severity < 0.5:
        return mix(_WARNING, _CALM, 2 * severity)
    return mix(_ALARM, _WARNING, 2 * severity - 1)
