"""The loop over files that the commands share: one bad file does not stop the others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from .console import EXIT_DONE, EXIT_PROBLEM, Progress, say
from .inputs import Job, make_folder
from .others import describe_others


class Outcome(Enum):
    """What became of one file."""

    DONE = "done"
    NOTHING_TO_DO = "nothing to do"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one job, and why if it was not done."""

    outcome: Outcome = Outcome.DONE
    faces: int = 0
    reason: str = ""
    notes: tuple[str, ...] = ()  # what was converted on the way
    details: dict[str, Any] = field(default_factory=dict[str, Any])  # for a report


@dataclass
class Tally:
    """What became of every job so far."""

    verb: str  # "Restored"
    aside: Sequence[Path] = ()  # files beside the pictures, which were not read
    records: list[tuple[Job, Result]] = field(default_factory=list["tuple[Job, Result]"])
    started: float = field(default_factory=time.perf_counter)

    @property
    def speed(self) -> str:
        """Faces per second in words; nothing without faces."""
        faces = sum(result.faces for _, result in self.records)
        seconds = max(time.perf_counter() - self.started, 1e-9)
        return f"{faces / seconds:.2g} faces/s" if faces else ""

    @property
    def exit_code(self) -> int:
        failed = any(result.outcome is Outcome.FAILED for _, result in self.records)
        return EXIT_PROBLEM if failed else EXIT_DONE

    def summary(self, output: Path) -> str:
        """How many were done, and every other file with the reason."""
        done = sum(result.outcome is Outcome.DONE for _, result in self.records)
        faces = sum(result.faces for _, result in self.records)
        lines = [f"{self.verb} {count(done, 'picture')} -> {output}"]
        if faces:
            lines.append(f"{count(faces, 'face')}, {self.speed}")
        for outcome in (Outcome.NOTHING_TO_DO, Outcome.SKIPPED, Outcome.FAILED):
            others = [record for record in self.records if record[1].outcome is outcome]
            if others:
                lines.append(f"{outcome.value.capitalize()}: {len(others)}")
                lines += [f"  {job.source}: {result.reason}" for job, result in others]
        notes = [f"  {job.source}: {note}" for job, result in self.records for note in result.notes]
        if notes:
            lines += ["Notes:", *notes]
        if self.aside:
            lines.append(f"Left aside: {count(len(self.aside), 'file')}")
            lines += [f"  {text}" for text in describe_others(self.aside)]
        return "\n".join(lines)


def run_jobs(
    jobs: Sequence[Job],
    work: Callable[[Job], Result],
    tally: Tally,
    *,
    output: Path,
    force: bool,
    debug: bool,
) -> None:
    """Does every job and says at the end, also after Ctrl-C, what became of each.

    A job any of whose results exists already is skipped, unless `force`. A job that has a problem
    or raises is counted as failed and the next one is done; with `debug` the exception goes on
    instead.
    """
    for folder in sorted({path.parent for job in jobs for path in job.results}):
        make_folder(folder)
    try:
        with Progress("picture") as progress:
            for number, job in enumerate(jobs, 1):
                result = _refuse(job, force=force) or _try(job, work, debug=debug)
                tally.records.append((job, result))
                progress.show(number, len(jobs), f"{job.source.name} {tally.speed}")
    finally:
        say(tally.summary(output))


def _refuse(job: Job, *, force: bool) -> Result | None:
    """The result of a job that is not begun."""
    if job.problem:
        return Result(Outcome.FAILED, reason=job.problem)
    done = None if force or job.goes_on else next(filter(os.path.exists, job.results), None)
    if done is None:
        return None
    return Result(Outcome.SKIPPED, reason=f"{done} exists already (--force overwrites)")


def _try(job: Job, work: Callable[[Job], Result], *, debug: bool) -> Result:
    try:
        return work(job)
    except Exception as error:
        if debug:
            raise
        # What core raises on purpose explains itself; for anything else the kind helps.
        expected = isinstance(error, (ValueError, ImportError))
        text = str(error) if expected else f"{type(error).__name__}: {error}"
        return Result(Outcome.FAILED, reason=text.removeprefix(f"{job.source}: "))


def count(number: int, noun: str) -> str:
    """A number and its noun, in the plural where it needs that."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
