"""What lies beside the pictures of a folder: named in the summary, so that nothing is missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..images import HEIF_SUFFIXES
from ..video import VIDEO_SUFFIXES

_RAW_SUFFIXES = frozenset(
    {".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"}
)
_OTHER_PICTURE_SUFFIXES = frozenset(
    {".jxl", ".psd", ".psb", ".xcf", ".kra", ".svg", ".exr", ".hdr", ".ico", ".icns", ".pcx"}
    | {".pdf", ".eps"}
)
_KINDS = (
    (HEIF_SUFFIXES, "reading them needs pillow-heif: pip install pillow-heif"),
    (VIDEO_SUFFIXES, "films are restored where they are named, as 'clips/*.mov'"),
    (_RAW_SUFFIXES, "raw pictures are not read; develop them to TIFF or JPEG first"),
    (_OTHER_PICTURE_SUFFIXES, "this format is not read; convert them to PNG or TIFF first"),
    (None, "no pictures"),
)


def describe_others(files: Sequence[Path]) -> list[str]:
    """A line for each kind of file that was left aside: how many, and what to do about them."""
    lines: list[str] = []
    known: set[str] = set()
    for suffixes, remark in _KINDS:
        names = Counter(
            suffix
            for suffix in (file.suffix.lower() for file in files)
            if (suffix not in known if suffixes is None else suffix in suffixes)
        )
        known |= suffixes or set()
        if names:
            shown = ", ".join(
                f"{number} {name or 'without a suffix'}" for name, number in sorted(names.items())
            )
            lines.append(f"{shown}: {remark}")
    return lines
