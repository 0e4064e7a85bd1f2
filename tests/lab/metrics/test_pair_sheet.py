"""The sheet of an evaluation: the worst pairs first, in bounded memory."""

from __future__ import annotations

import pytest
import torch

from panini_lab.metrics import pair_sheet
from panini_lab.metrics.evaluation import MeasuredPair
from panini_lab.metrics.pair_sheet import PairSheet

TILE = 112


def pair(
    name: str, grey: float, *, restored: bool = True, severity: str = "", **figures: float
) -> MeasuredPair:
    """Faces of one grey each: degraded `grey`, restored a little and clean much brighter."""
    faces = {"degraded": torch.full((1, 3, 100, 100), grey)}
    if restored:
        faces["restored"] = torch.full((1, 3, 100, 100), grey + 0.02)
    clean = torch.full((1, 3, 100, 100), 0.95)
    return MeasuredPair(name, severity, clean, faces, dict.fromkeys(faces, figures))


def greys(sheet: torch.Tensor) -> list[list[float]]:
    """The greys of the tiles, row by row from the top, from left to right."""
    rows: list[list[float]] = []
    for line in sheet[0]:
        values, lengths = torch.unique_consecutive(line, return_counts=True)
        tiles = [
            round(v, 2) for v, n in zip(values.tolist(), lengths.tolist(), strict=True) if n == TILE
        ]
        if len(tiles) > 1 and (not rows or rows[-1] != tiles):
            rows.append(tiles)
    return rows


def test_the_largest_vgg_distance_comes_first() -> None:
    sheet = PairSheet(tile=TILE)
    for name, grey, vgg in [("a", 0.2, 0.3), ("b", 0.4, 0.9), ("c", 0.6, 0.5)]:
        sheet.add(pair(name, grey, psnr=10 * vgg, vgg=vgg))  # a PSNR that would say otherwise
    pixels, title = sheet.finish()
    assert title == (
        "3 pairs, the worst first: largest VGG distance of the restored face to the clean one"
    )
    assert greys(pixels) == [[0.4, 0.42, 0.95], [0.6, 0.62, 0.95], [0.2, 0.22, 0.95]]


def test_without_vgg_the_lowest_psnr_comes_first() -> None:
    sheet = PairSheet(tile=TILE)
    for name, grey, ratio in [("a", 0.2, 30.0), ("b", 0.4, 20.0), ("c", 0.6, 25.0)]:
        sheet.add(pair(name, grey, psnr=ratio, restored=False))
    pixels, title = sheet.finish()
    assert title == "3 pairs, the worst first: lowest PSNR of the degraded face to the clean one"
    assert greys(pixels) == [[0.4, 0.95], [0.6, 0.95], [0.2, 0.95]]


@pytest.mark.parametrize("order", [range(10), range(9, -1, -1), [3, 9, 0, 7, 1, 8, 2, 5, 6, 4]])
def test_only_the_worst_are_shown_whatever_the_order(order: list[int]) -> None:
    sheet = PairSheet(tile=TILE, worst=3)
    for number in order:
        sheet.add(pair(str(number), number / 20, psnr=float(number)))
    pixels, title = sheet.finish()
    assert title.startswith("3 of 10 pairs")
    assert [row[0] for row in greys(pixels)] == [0, 0.05, 0.1]


def test_of_equally_bad_pairs_the_earlier_comes_first() -> None:
    sheet = PairSheet(tile=TILE, worst=2)
    for number in range(4):
        sheet.add(pair(str(number), number / 10, psnr=20.0))
    assert [row[0] for row in greys(sheet.finish()[0])] == [0, 0.1]


def test_memory_and_height_are_bounded_without_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_sheet, "TALLEST", 10 * TILE)
    monkeypatch.setattr("panini_core.drawing.contact_sheet.TALLEST", 10 * TILE)
    sheet = PairSheet(tile=TILE)
    for number in range(40):
        sheet.add(pair(str(number), number / 50, psnr=float(number)))
        assert len(sheet._worst) <= 10
    pixels, title = sheet.finish()
    shown = [row[0] for row in greys(pixels)]
    assert 2 < len(shown) < 10
    assert shown == [number / 50 for number in range(len(shown))]
    assert title.startswith(f"{len(shown)} of 40 pairs")
    assert pixels.shape[1] < 12 * TILE


def test_name_severity_and_figures_are_written() -> None:
    def draw(name: str, severity: str, **figures: float) -> torch.Tensor:
        sheet = PairSheet(tile=TILE)
        sheet.add(pair(name, 0.1, severity=severity, **figures))
        return sheet.finish()[0]

    plain = draw("a", "", psnr=20.0)
    for other in (draw("b", "", psnr=20.0), draw("a", "x", psnr=20.0), draw("a", "", psnr=21.0)):
        assert other.shape == plain.shape
        assert not torch.equal(other, plain)
    assert draw("a", "", psnr=20.0, ssim=0.5, vgg=0.5).shape[1] > plain.shape[1]  # more lines
