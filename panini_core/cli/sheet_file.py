"""The file that a contact sheet is written to, and its arguments."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from ..drawing.contact_sheet import LARGEST_TILE, SMALLEST_TILE, TILE
from .console import UsageError
from .inputs import make_folder, require_new_file

SUFFIXES = (".jpg", ".jpeg", ".png")


def add_tile_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tile",
        type=_tile,
        default=TILE,
        metavar="PX",
        help=f"side of a face on the sheet, {SMALLEST_TILE} to {LARGEST_TILE}; smaller ones make "
        "room for more (default: %(default)s)",
    )


def require_sheet(path: Path, taken: Iterable[Path], *, force: bool) -> None:
    """Raises UsageError where no sheet may be written to `path`; makes its folder."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}.")
    require_new_file(path, taken, force=force)
    make_folder(path.parent)


def _tile(text: str) -> int:
    """The side of a tile, for argparse."""
    if not text.isdecimal() or not SMALLEST_TILE <= int(text) <= LARGEST_TILE:
        expected = f"a whole number from {SMALLEST_TILE} to {LARGEST_TILE}"
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text}")
    return int(text)
