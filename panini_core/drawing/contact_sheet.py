"""Contact sheets: captioned entries of tiles that belong together, row below row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw
from torch import Tensor

from ..options import TILE
from .faces import BACKGROUND, MARGIN, PAIR_GAP, TEXT, from_pillow, join_column, join_row, text_font

TALLEST = 32_000  # px of rows: JPEG holds 65,535, but many programs show no 2**15
NO_BREAK = "\N{NO-BREAK SPACE}"  # in text: no line ends there
_TEXT_SIZE = 15
_LINE = 20  # px from one line of text to the next
_EMPTY_WIDTH = 3 * TILE  # px, of a sheet without an entry


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A picture of an entry, and the label above it."""

    picture: Image.Image
    label: str


def thumbnail(picture: Image.Image, side: int) -> Image.Image:
    """A square picture as a tile of `side` px."""
    kernel = Image.Resampling.LANCZOS if side < picture.width else Image.Resampling.BICUBIC
    return picture.resize((side, side), kernel)


def draw_entry(caption: Sequence[str], tiles: Sequence[Tile]) -> Image.Image:
    """Tiles (at least one) side by side below the lines of a caption.

    Lines that are wider than what they stand above are broken at spaces (not at NO_BREAK), and
    words that are wider are shortened.
    """
    labels = [_wrap([tile.label], tile.picture.width) for tile in tiles]
    deepest = max(len(lines) for lines in labels)  # so that all pictures stand at one height
    labelled = [
        join_column([_draw_lines(lines, tile.picture.width, deepest), tile.picture])
        for lines, tile in zip(labels, tiles, strict=True)
    ]
    row = join_row(labelled, gap=PAIR_GAP)
    heading = _wrap(caption, row.width)
    return join_column([_draw_lines(heading, row.width, len(heading)), row])


class ContactSheet:
    """Entries of about the same size, `columns` a row, as long as there is room."""

    def __init__(self, columns: int = 1) -> None:
        self.columns = columns
        self.entries: list[Image.Image] = []

    def add(self, entry: Image.Image) -> bool:
        """Whether there was room for it: a sheet's rows are at most TALLEST px high."""
        rows = self._rows([*self.entries, entry])
        fits = sum(max(each.height for each in row) + MARGIN for row in rows) <= TALLEST
        if fits:
            self.entries.append(entry)
        return fits

    def finish(self, title: Sequence[str]) -> Tensor:
        """The sheet (3, H, W), RGB in [0, 1], below the lines of a title."""
        rows = [join_row(row, gap=MARGIN) for row in self._rows(self.entries)]
        width = max([row.width for row in rows], default=_EMPTY_WIDTH)
        lines = _wrap(title, width)
        heading = _draw_lines(lines, width, len(lines))
        return from_pillow(join_column([heading, *rows], gap=MARGIN, border=MARGIN))

    def _rows(self, entries: Sequence[Image.Image]) -> list[Sequence[Image.Image]]:
        starts = range(0, len(entries), self.columns)
        return [entries[start : start + self.columns] for start in starts]


def _draw_lines(lines: Sequence[str], width: int, count: int) -> Image.Image:
    """Lines of text at the bottom of a strip with room for `count` of them."""
    strip = Image.new("RGB", (width, count * _LINE), BACKGROUND)
    draw = ImageDraw.Draw(strip)
    for index, line in enumerate(lines, count - len(lines)):
        draw.text((2, (index + 0.5) * _LINE), line, TEXT, text_font(_TEXT_SIZE), anchor="lm")
    return strip


def _wrap(lines: Sequence[str], width: int) -> list[str]:
    """The same text in lines of at most `width` px."""
    wrapped: list[str] = []
    for line in lines:
        words = [word.replace(NO_BREAK, " ") for word in line.split(" ")]  # the font lacks it
        first, *others = [_shorten(word, width) for word in words]
        wrapped.append(first)
        for word in others:
            longer = f"{wrapped[-1]} {word}"
            if _width(longer) <= width:
                wrapped[-1] = longer
            else:
                wrapped.append(word)
    return wrapped


def _shorten(word: str, width: int) -> str:
    """The beginning and the end of a word that is too wide; its ending tells files apart."""
    kept = len(word)
    short = word
    while _width(short) > width and kept > 2:
        kept -= 1
        short = f"{word[: kept - kept // 2]}…{word[len(word) - kept // 2 :]}"
    return short


def _width(text: str) -> float:
    return text_font(_TEXT_SIZE).getlength(text) + 4
