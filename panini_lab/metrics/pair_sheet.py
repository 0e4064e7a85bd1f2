"""The pairs of an evaluation as a picture: degraded, restored, clean; the worst first."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from PIL import Image
from torch import Tensor

from panini_core.drawing.contact_sheet import (
    NO_BREAK,
    TALLEST,
    ContactSheet,
    Tile,
    draw_entry,
    thumbnail,
)
from panini_core.drawing.faces import to_pillow
from panini_core.options import TILE

from .evaluation import MeasuredPair
from .report import METRICS, figure_text


class PairSheet:
    """Collects measured pairs, of which it keeps thumbnails of the worst ones.

    The worst has the largest VGG distance between its restored and its clean face, or the lowest
    PSNR where the VGG distance is not measured; without restored faces it is the degraded one's.
    """

    def __init__(self, *, tile: int = TILE, worst: int | None = None) -> None:
        """tile: the side of a face in px. worst: how many are shown; None: as many as fit."""
        room = TALLEST // tile
        self.tile = tile
        self.kept = room if worst is None else min(worst, room)
        self.count = 0
        self.order = ""
        self._worst: list[tuple[float, int, Image.Image]] = []  # a heap, the least bad on top

    def add(self, pair: MeasuredPair) -> None:
        """Takes note of a pair; memory does not grow beyond the pairs that are shown."""
        kind, figures = list(pair.figures.items())[-1]
        by_distance = "vgg" in figures
        badness = figures["vgg"] if by_distance else -figures["psnr"]
        reason = "largest VGG distance" if by_distance else "lowest PSNR"
        self.order = f"{reason} of the {kind} face to the clean one"
        self.count += 1
        entry = (badness, -self.count, self._draw(pair))  # of equal ones the earlier counts more
        if len(self._worst) < self.kept:
            heapq.heappush(self._worst, entry)
        else:
            heapq.heappushpop(self._worst, entry)

    def finish(self) -> tuple[Tensor, str]:
        """The sheet (3, H, W), RGB in [0, 1], and its title."""
        sheet = ContactSheet()
        for _, _, entry in sorted(self._worst, reverse=True):
            if not sheet.add(entry):
                break
        shown = len(sheet.entries)
        pairs = f"{self.count} pairs" if shown == self.count else f"{shown} of {self.count} pairs"
        title = f"{pairs}, the worst first: {self.order}"
        return sheet.finish([title]), title

    def _draw(self, pair: MeasuredPair) -> Image.Image:
        tiles = [
            Tile(thumbnail(to_pillow(face[0]), self.tile), _label(kind, pair.figures[kind]))
            for kind, face in pair.candidates.items()
        ]
        tiles.append(Tile(thumbnail(to_pillow(pair.clean[0]), self.tile), "clean"))
        name = f"{pair.name} ({pair.severity})" if pair.severity else pair.name
        return draw_entry([name], tiles)


def _label(kind: str, figures: Mapping[str, float]) -> str:
    texts = [
        f"{METRICS[metric].title}{NO_BREAK}{figure_text(metric, value)}"
        for metric, value in figures.items()
    ]
    return f"{kind}: {', '.join(texts)}"
