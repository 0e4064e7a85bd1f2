"""The file that a contact sheet is written to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .console import UsageError
from .inputs import make_folder, require_new_file

SUFFIXES = (".jpg", ".jpeg", ".png")


def require_sheet(path: Path, taken: Iterable[Path], *, force: bool) -> None:
    """Raises UsageError where no sheet may be written to `path`; makes its folder."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}.")
    require_new_file(path, taken, force=force)
    make_folder(path.parent)
