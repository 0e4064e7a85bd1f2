"""Files that appear when they are whole, and how long their names may be."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

LONGEST_NAME = 255  # bytes of UTF-8, of which one character may need four


@contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """A temporary path beside `path` for the block to write to; its file then becomes `path`.

    Where the block or the move fails, an older file stays as it was and nothing new is left behind.
    """
    temporary = path.with_name(f".{_first_bytes(path.name, 100)}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:  # also on Ctrl-C
        temporary.unlink(missing_ok=True)


def shorten_name(name: str, room: int) -> str:
    """The name, or one of so many bytes that stands for it alone, where file systems need that.

    `room`: bytes that are to stay free for an ending.
    """
    size = LONGEST_NAME - room
    if len(_encode(name)) <= size:
        return name
    mark = f"~{hashlib.sha256(_encode(name)).hexdigest()[:8]}"
    return _first_bytes(name, size - len(mark)) + mark


def _first_bytes(name: str, size: int) -> str:
    return _encode(name)[:size].decode("utf-8", "ignore")


def _encode(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")  # for names that are not Unicode on disk
