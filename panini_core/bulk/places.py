"""Whether two addresses are one file, however they are spelled and through whatever links."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from functools import lru_cache


def place_of(address: str) -> str:
    """A file's own address, without links: of two places that are equal the files are one.

    A local address is an absolute path. Names that no file system takes stay as they are.
    """
    if "://" in address:
        return address.rstrip("/")
    folder, name = os.path.split(address.rstrip("/"))
    if name in ("", ".", ".."):
        return os.path.normcase(_real(address))
    place = os.path.join(_real(folder), name)  # many files have one folder
    return os.path.normcase(_real(place) if os.path.islink(place) else place)


class Places:
    """Files, found again by any of their addresses."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._known: dict[str, set[str]] = {}
        for address in addresses:
            place = place_of(address)
            self._known.setdefault(_fold(place), set()).add(place)

    def hold(self, address: str) -> bool:
        place = place_of(address)
        return any(_is_one(place, known) for known in self._known.get(_fold(place), ()))


def is_same(one: str, other: str) -> bool:
    """Whether two addresses are one file or folder."""
    return _is_one(place_of(one), place_of(other))


def is_below(address: str, folder: str) -> bool:
    """Whether a file or folder lies in a folder, however deep."""
    own, above = place_of(address), place_of(folder)
    between = "/" if "://" in above else os.sep
    depth = len(above.rstrip(between).split(between))
    parts = own.split(between)
    return len(parts) > depth and _is_one(between.join(parts[:depth]), above.rstrip(between))


@lru_cache(maxsize=1 << 16)
def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path


@lru_cache(maxsize=1 << 16)
def _is_one(place: str, other: str) -> bool:
    """Places that differ by case or composed letters only are one file on some file systems."""
    if place == other:
        return True
    if "://" in place or _fold(place) != _fold(other):
        return False
    try:
        return os.path.samefile(place, other)
    except (OSError, ValueError):  # one of them is not there
        return False


def _fold(place: str) -> str:
    return unicodedata.normalize("NFC", place).casefold()
