"""Files that appear when they are whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """A temporary path beside `path` for the block to write to; its file then becomes `path`.

    Where the block or the move fails, an older file stays as it was and nothing new is left behind.
    """
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:  # also on Ctrl-C
        temporary.unlink(missing_ok=True)
