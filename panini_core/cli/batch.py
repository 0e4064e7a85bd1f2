"""The loop over files that the commands share: one bad file does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .console import Outcome, Progress, Tally, say
from .inputs import Job, make_folder


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one job."""

    outcome: Outcome = Outcome.DONE
    faces: int = 0
    reason: str = ""


def run_jobs(
    verb: str,
    jobs: Sequence[Job],
    work: Callable[[Job], Result],
    *,
    output: Path,
    force: bool,
    debug: bool,
) -> Tally:
    """Does every job and says at the end, also after Ctrl-C, what became of each.

    A job any of whose results exists already is skipped, unless `force`. A job that raises is
    counted as failed and the next one is done; with `debug` the exception goes on instead.
    """
    for folder in sorted({path.parent for job in jobs for path in job.results}):
        make_folder(folder)
    tally = Tally(verb)
    try:
        with Progress(len(jobs)) as progress:
            for job in jobs:
                result = _existing(job, force=force) or _try(job, work, debug=debug)
                tally.add(job.source, result.outcome, faces=result.faces, reason=result.reason)
                progress.advance(job.source.name, tally)
    finally:
        say(tally.summary(output))
    return tally


def _existing(job: Job, *, force: bool) -> Result | None:
    existing = None if force else next((path for path in job.results if path.exists()), None)
    if existing is None:
        return None
    return Result(Outcome.SKIPPED, reason=f"{existing} exists already (--force overwrites)")


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
