"""The loop over files: what is done, skipped, failed, and said of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from panini_core.cli.batch import Outcome, Result, Tally, count, run_jobs
from panini_core.cli.console import EXIT_DONE, EXIT_PROBLEM, UsageError
from panini_core.cli.inputs import Job

pytestmark = pytest.mark.usefixtures("work_folder")

OUTPUT = Path("out")


def job(name: str, *extras: str, problem: str = "") -> Job:
    further = tuple(OUTPUT / extra for extra in extras)
    return Job(Path(name), OUTPUT / name, further, problem=problem)


def done(_: Job) -> Result:
    return Result()


def loop(
    *jobs: Job, work: Callable[[Job], Result] = done, force: bool = False, debug: bool = False
) -> Tally:
    tally = Tally("Restored")
    run_jobs(jobs, work, tally, output=OUTPUT, force=force, debug=debug)
    return tally


def outcomes(tally: Tally) -> dict[str, Outcome]:
    return {job.source.name: result.outcome for job, result in tally.records}


def raising(error: BaseException) -> Callable[[Job], Result]:
    """Work that fails at b.png."""

    def work(job: Job) -> Result:
        if job.source.name == "b.png":
            raise error
        return Result(faces=1)

    return work


# --- the loop -----------------------------------------------------------------------------------


def test_every_job_is_done_in_order_and_its_folder_is_there() -> None:
    order: list[str] = []

    def work(job: Job) -> Result:
        assert all(path.parent.is_dir() for path in job.results)
        order.append(job.source.name)
        return Result()

    nested = Job(Path("c.png"), OUTPUT / "sub" / "c.png", (Path("faces", "c.png"),))
    tally = loop(job("b.png"), job("a.png"), nested, work=work)
    assert order == ["b.png", "a.png", "c.png"]
    assert set(outcomes(tally).values()) == {Outcome.DONE}
    assert tally.exit_code == EXIT_DONE


def test_a_folder_that_cannot_be_made_stops_before_the_work() -> None:
    OUTPUT.write_bytes(b"mine")
    tally = Tally("Restored")
    with pytest.raises(UsageError, match="expected a folder that can be made"):
        run_jobs([job("a.png")], done, tally, output=OUTPUT, force=True, debug=False)
    assert tally.records == []


@pytest.mark.parametrize("existing", ["a.png", "a.png.compare.png"])
def test_a_job_with_any_result_is_skipped_unless_forced(existing: str) -> None:
    OUTPUT.mkdir()
    (OUTPUT / existing).write_bytes(b"mine")
    jobs = job("a.png", "a.png.compare.png"), job("b.png")
    tally = loop(*jobs)
    assert outcomes(tally) == {"a.png": Outcome.SKIPPED, "b.png": Outcome.DONE}
    assert tally.records[0][1].reason == f"{OUTPUT / existing} exists already (--force overwrites)"
    assert tally.exit_code == EXIT_DONE
    assert set(outcomes(loop(*jobs, force=True)).values()) == {Outcome.DONE}


@pytest.mark.parametrize("force", [False, True])
def test_a_job_with_a_problem_fails_unbegun(force: bool) -> None:
    begun: list[Job] = []

    def work(job: Job) -> Result:
        begun.append(job)
        return Result()

    tally = loop(job("a.png", problem="two of one name"), job("b.png"), work=work, force=force)
    assert [one.source.name for one in begun] == ["b.png"]
    assert tally.records[0][1] == Result(Outcome.FAILED, reason="two of one name")
    assert tally.exit_code == EXIT_PROBLEM


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("no picture. Convert it."), "no picture. Convert it."),
        (ValueError("b.png: expected a picture"), "expected a picture"),
        (ValueError("c.png: expected a picture"), "c.png: expected a picture"),
        (ImportError("needs opencv-python"), "needs opencv-python"),
        (PermissionError(13, "Permission denied"), "PermissionError: [Errno 13] Permission denied"),
        (KeyError("size"), "KeyError: 'size'"),
    ],
)
def test_one_bad_file_does_not_stop_the_others(error: Exception, reason: str) -> None:
    tally = loop(job("a.png"), job("b.png"), job("c.png"), work=raising(error))
    assert outcomes(tally) == {
        "a.png": Outcome.DONE,
        "b.png": Outcome.FAILED,
        "c.png": Outcome.DONE,
    }
    assert tally.records[1][1].reason == reason
    assert tally.exit_code == EXIT_PROBLEM


@pytest.mark.parametrize(
    ("error", "debug"), [(KeyError("size"), True), (KeyboardInterrupt(), False)]
)
def test_what_goes_on_leaves_a_summary_of_what_was_done(
    error: BaseException, debug: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally("Restored")
    jobs = [job("a.png"), job("b.png"), job("c.png")]
    with pytest.raises(type(error)):
        run_jobs(jobs, raising(error), tally, output=OUTPUT, force=False, debug=debug)
    assert outcomes(tally) == {"a.png": Outcome.DONE}
    assert capsys.readouterr().out.startswith("Restored 1 picture -> out\n1 face, ")


# --- the summary --------------------------------------------------------------------------------


def test_the_summary_names_every_file_that_was_not_done() -> None:
    records = [
        (job("a.png"), Result(faces=2, notes=("a palette was converted",))),
        (job("b.png"), Result(Outcome.NOTHING_TO_DO, reason="no face")),
        (job("c.png"), Result(Outcome.SKIPPED, reason="exists already")),
        (job("d.png"), Result(Outcome.FAILED, reason="not a picture")),
        (job("e.png"), Result(Outcome.FAILED, reason="not one either")),
        (job("f.png"), Result(faces=1)),
    ]
    tally = Tally("Restored", aside=[Path("x.txt"), Path("y.txt")], records=records)
    lines = tally.summary(OUTPUT).splitlines()
    assert re.fullmatch(r"3 faces, \S+ faces/s", lines.pop(1))
    assert lines == [
        "Restored 2 pictures -> out",
        "Nothing to do: 1",
        "  b.png: no face",
        "Skipped: 1",
        "  c.png: exists already",
        "Failed: 2",
        "  d.png: not a picture",
        "  e.png: not one either",
        "Notes:",
        "  a.png: a palette was converted",
        "Left aside: 2 files",
        "  2 .txt: no pictures",
    ]


def test_a_summary_of_nothing_is_one_line() -> None:
    tally = Tally("Drew")
    assert tally.summary(OUTPUT) == "Drew 0 pictures -> out"
    assert (tally.speed, tally.exit_code) == ("", EXIT_DONE)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_a_failure_is_a_problem(outcome: Outcome) -> None:
    tally = Tally("Drew", records=[(job("a.png"), Result(outcome))])
    assert (tally.exit_code == EXIT_PROBLEM) == (outcome is Outcome.FAILED)


@pytest.mark.parametrize(("number", "text"), [(0, "0 faces"), (1, "1 face"), (2, "2 faces")])
def test_nouns_agree_with_their_number(number: int, text: str) -> None:
    assert count(number, "face") == text
