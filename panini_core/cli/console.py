"""What the commands print: problems, progress, a summary; and the exit codes."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
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


class Outcome(Enum):
    """What became of one file."""

    DONE = "done"
    NO_FACE = "no face"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass
class Tally:
    """Counts what became of every file and says it at the end."""

    verb: str  # "Restored"
    done: int = 0
    faces: int = 0
    lists: dict[Outcome, list[str]] = field(default_factory=dict[Outcome, "list[str]"])
    started: float = field(default_factory=time.perf_counter)

    @property
    def faces_per_second(self) -> float:
        return self.faces / max(time.perf_counter() - self.started, 1e-9)

    @property
    def exit_code(self) -> int:
        return EXIT_PROBLEM if Outcome.FAILED in self.lists else EXIT_DONE

    def add(self, source: Path, outcome: Outcome, *, faces: int = 0, reason: str = "") -> None:
        self.faces += faces
        if outcome is Outcome.DONE:
            self.done += 1
        else:
            line = f"{source}: {reason}" if reason else str(source)
            self.lists.setdefault(outcome, []).append(line)

    def summary(self, target: Path) -> str:
        """A line a kind, then the files that need a word."""
        lines = [f"{self.verb} {_count(self.done, 'picture')} -> {target}"]
        if self.faces:
            lines.append(f"{_count(self.faces, 'face')}, {self.faces_per_second:.2g} faces/s")
        titles = {
            Outcome.NO_FACE: "Without a face",
            Outcome.SKIPPED: "Skipped",
            Outcome.FAILED: "Failed",
        }
        for outcome, title in titles.items():
            if named := self.lists.get(outcome):
                lines += [f"{title}: {len(named)}", *(f"  {line}" for line in named)]
        return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class Progress:
    """Progress over files on a terminal: a tqdm bar, or a line a file without tqdm.

    Where stderr is not a terminal, nothing.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.position = 0
        self.bar: Any = None
        self.terminal = sys.stderr.isatty()
        if self.terminal:
            try:
                from tqdm import tqdm
            except ImportError:
                return
            self.bar = tqdm(total=total, unit="picture", file=sys.stderr, leave=False)

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

    def advance(self, name: str, tally: Tally) -> None:
        self.position += 1
        speed = f"{tally.faces_per_second:.2g} faces/s" if tally.faces else ""
        if self.bar is not None:
            self.bar.set_postfix_str(speed, refresh=False)
            self.bar.update()
        elif self.terminal:
            print(f"[{self.position}/{self.total}] {name} {speed}", file=sys.stderr, flush=True)
