"""What the commands print: text, problems, progress; and the exit codes."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

EXIT_DONE = 0
EXIT_PROBLEM = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class UsageError(ValueError):
    """Arguments that cannot be used; nothing was done."""


def say(text: str = "") -> None:
    print(text, flush=True)


def complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def usage_errors() -> Generator[None]:
    """What core refuses while a command gets ready is the arguments' fault."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        raise UsageError(str(error)) from error


class Progress:
    """Progress on a terminal: a tqdm bar, or a line a step without tqdm.

    Where stderr is not a terminal, nothing.
    """

    def __init__(self, unit: str) -> None:
        self.bar: Any = None
        self.terminal = sys.stderr.isatty()
        if self.terminal:
            try:
                from tqdm import tqdm
            except ImportError:
                return
            self.bar = tqdm(unit=unit, file=sys.stderr, leave=False)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def show(self, done: int, total: int, text: str = "") -> None:
        if self.bar is not None:
            self.bar.total = total
            self.bar.set_postfix_str(text, refresh=False)
            self.bar.update(done - self.bar.n)
        elif self.terminal:
            complain(f"[{done}/{total}] {text}".rstrip())
