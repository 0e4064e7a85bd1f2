"""The studies as charts. RGB float32 in [0, 1], (3, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor

from panini_core.atlas import readable_name
from panini_core.drawing.canvas import Canvas, Colour, mix

from .curve import Curve, smooth
from .fusion import FusionStudy
from .response import Response, ResponseStudy
from .separation import SeparationStudy

_FIELD: Colour = (34, 34, 37)
_GRID: Colour = (58, 58, 62)
_MUTED: Colour = (165, 165, 170)
_GOOD: Colour = (0, 160, 220)
_LESS: Colour = (120, 125, 130)
_CHANCE: Colour = (255, 180, 0)
# From coarse to fine: cold to warm.
_LEVELS: tuple[Colour, ...] = (
    (90, 110, 255),
    (0, 165, 235),
    (0, 200, 160),
    (120, 220, 80),
    (235, 200, 40),
    (255, 130, 40),
    (255, 80, 130),
    (200, 130, 255),
)
_MARGIN = 16  # px, as all lengths below
_PANEL = (250, 210)
_FEW = 40  # values, of which each is shown
_UNITS = {
    "blur": "blur, sigma in px",
    "noise": "noise, sigma of 255",
    "jpeg": "JPEG quality (0: none)",
    "downscale": "down-sampling, factor",
    "mixed": "mixed presets",
}


def chart_response(study: ResponseStudy) -> Tensor:
    """A panel a degradation: the dose to the right, mean alpha upward, a line a level."""
    count = len(study.responses)
    width = count * (_PANEL[0] + _MARGIN) + 60
    canvas = Canvas((width, _PANEL[1] + 120))
    canvas.text((_MARGIN, 20), "mean alpha: the GAN prior's share", 15, "lm")
    x = 280.0
    for index, name in enumerate(study.levels):
        canvas.box((x, 14, x + 12, 26), _level_colour(index))
        text = name if not name.isdigit() else f"{name} px"
        canvas.text((x + 18, 20), text, 13, "lm")
        x += 34 + canvas.width(text, 13)
    for number, response in enumerate(study.responses):
        left = 46 + number * (_PANEL[0] + _MARGIN)
        _draw_response(canvas, response, left, 44, first=number == 0)
    return canvas.finish()


def _draw_response(
    canvas: Canvas, response: Response, left: float, top: float, *, first: bool
) -> None:
    right, bottom = left + _PANEL[0], top + _PANEL[1]
    canvas.box((left, top, right, bottom), _FIELD)

    def at(dose: int, alpha: float) -> tuple[float, float]:
        share = (dose + 0.5) / len(response.doses)
        return left + share * _PANEL[0], bottom - alpha * _PANEL[1]

    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = bottom - share * _PANEL[1]
        canvas.line((left, y), (right, y), 1, _GRID)
        if first:
            canvas.text((left - 6, y), f"{share:g}", 12, "rm", _MUTED)
    for dose, name in enumerate(response.doses):
        canvas.text((at(dose, 0)[0], bottom + 14), name, 12, "mm", _MUTED)
    canvas.text(((left + right) / 2, bottom + 36), _UNITS[response.degradation], 13, "mm")
    for level in range(len(response.alpha[0])):
        points = [at(dose, row[level]) for dose, row in enumerate(response.alpha)]
        colour = _level_colour(level)
        for start, end in pairwise(points):
            canvas.line(start, end, 2, colour)
        for point in points:
            canvas.dot(point, 3, colour)


def _level_colour(index: int) -> Colour:
    return _LEVELS[index % len(_LEVELS)]


def chart_separation(study: SeparationStudy) -> Tensor:
    """What the probe says of each kind, and how far degradations and people are recognised."""
    side, left, top = 62, 150, 76
    kinds = len(study.kinds)
    edge = left + kinds * side
    canvas = Canvas((edge + 470, top + kinds * side + 60))
    canvas.text((_MARGIN, 20), "rows: the degradation; columns: what a linear probe says", 14, "lm")
    for column, name in enumerate(study.kinds):
        canvas.text((left + (column + 0.5) * side, top - 12), _short(name), 12, "mm")
    for row, shares in enumerate(study.confusion):
        y = top + row * side
        canvas.text((left - 10, y + side / 2), readable_name(study.kinds[row]), 13, "rm")
        for column, share in enumerate(shares):
            x = left + column * side
            shade = mix(_GOOD, _FIELD, share)
            canvas.box((x + 1, y + 1, x + side - 1, y + side - 1), shade)
            canvas.text((x + side / 2, y + side / 2), f"{share:.0%}", 13, "mm")
    bars = (
        ("degradation, neighbours", study.kind_by_neighbours, study.kind_by_chance),
        ("degradation, probe", study.kind_by_probe, study.kind_by_chance),
        ("person, neighbours", study.person_by_neighbours, study.person_by_chance),
        ("person, probe", study.person_by_probe, study.person_by_chance),
        ("person, mixed, neighbours", study.person_by_neighbours_mixed, study.person_by_chance),
        ("person, mixed, probe", study.person_by_probe_mixed, study.person_by_chance),
    )
    start, end = edge + 210, edge + 400
    canvas.text((edge + 40, 20), "right answers (mark: chance)", 14, "lm")
    for index, (name, share, chance) in enumerate(bars):
        y = top + index * 44 + 16
        canvas.text((start - 10, y), name, 13, "rm")
        canvas.box((start, y - 10, end, y + 10), _FIELD)
        canvas.box((start, y - 10, start + (end - start) * share, y + 10), _GOOD)
        mark = start + (end - start) * chance
        canvas.box((mark - 1, y - 13, mark + 1, y + 13), _CHANCE)
        canvas.text((end + 8, y), f"{share:.1%}", 13, "lm")
    return canvas.finish()


def chart_fusion(study: FusionStudy) -> Tensor:
    """A bar a variant: its gain in PSNR over the degraded faces; dots: the single seeds."""
    results = sorted(study.results, key=lambda result: -result.psnr)
    canvas = Canvas((760, max(80 + 40 * len(results), 320)))
    canvas.text(
        (_MARGIN, 22),
        f"gain in PSNR over the degraded faces ({study.degraded_psnr:.2f} dB), "
        f"{study.steps} steps of {study.batch} faces",
        14,
        "lm",
    )
    gains = [
        [value - study.degraded_psnr for value in (result.psnr, *result.psnr_of_seeds)]
        for result in results
    ]
    low = min(0.0, *(min(row) for row in gains))
    high = max(0.1, *(max(row) for row in gains))
    start, end = 260, 640

    def place(gain: float) -> float:
        return start + (end - start) * (gain - low) / (high - low)

    for index, (result, row) in enumerate(zip(results, gains, strict=True)):
        y = 66 + index * 40
        name = f"{result.fusion}, {'DR' if result.represented else 'one learned vector'}"
        canvas.text((start - 12, y), name, 13, "rm")
        canvas.box((start, y - 12, end, y + 12), _FIELD)
        zero, reached = sorted((place(0.0), place(row[0])))
        canvas.box((zero, y - 12, reached, y + 12), _GOOD if result.represented else _LESS)
        for gain in row[1:]:
            canvas.dot((place(gain), y), 3, (255, 255, 255))
        canvas.text((end + 10, y), f"{row[0]:+.2f} dB", 13, "lm")
    return canvas.finish()


def _short(name: str) -> str:
    return {"low resolution": "low res."}.get(name, name)


def chart_curves(curves: Sequence[Curve]) -> Tensor:
    """A panel a figure, steps to the right; figures that fluctuate are smoothed as well."""
    columns = min(len(curves), 3)
    rows = -(-len(curves) // columns)
    width, height = 320, 240
    canvas = Canvas((max(columns * width + _MARGIN, 480), max(rows * height + _MARGIN, 320)))
    last = max(1, *(step for curve in curves for step in curve.steps))  # a log may end at step 0
    for index, curve in enumerate(curves):
        left, top = index % columns * width + 70, index // columns * height + 40
        _draw_curve(canvas, curve, (left, top, left + width - 80, top + height - 80), last)
    return canvas.finish()


def _draw_curve(
    canvas: Canvas, curve: Curve, box: tuple[float, float, float, float], last: int
) -> None:
    """A figure in a box (left, top, right, bottom) whose right border is the step `last`."""
    left, top, right, bottom = box
    canvas.box(box, _FIELD)
    canvas.text((left, top - 16), curve.name, 14, "lm")
    low, high = min(curve.values), max(curve.values)
    span = max(high - low, 1e-9)

    def at(step: int, value: float) -> tuple[float, float]:
        share = 0.05 + 0.9 * (value - low) / span
        return left + (right - left) * step / last, bottom - (bottom - top) * share

    for value in (low, (low + high) / 2, high):
        y = at(0, value)[1]
        canvas.line((left, y), (right, y), 1, _GRID)
        canvas.text((left - 6, y), f"{value:.3g}", 12, "rm", _MUTED)
    for step in (0, last):
        canvas.text((at(step, low)[0], bottom + 14), f"{step:,}", 12, "mm", _MUTED)
    series = [(curve.values, _LESS if len(curve.values) > _FEW else _GOOD)]
    if len(curve.values) > _FEW:
        series.append((tuple(smooth(curve.values, len(curve.values) // 12)), _GOOD))
    for values, colour in series:
        points = [at(step, value) for step, value in zip(curve.steps, values, strict=True)]
        for start, end in pairwise(points):
            canvas.line(start, end, 2, colour)
        if len(points) <= _FEW:
            for point in points:
                canvas.dot(point, 3, colour)
