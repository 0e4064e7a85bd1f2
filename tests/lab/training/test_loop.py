"""The loop, with a training that only counts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from panini_lab.training import session as session_module
from panini_lab.training.config import RunConfig
from panini_lab.training.loop import OnResult, run_training
from panini_lab.training.session import LOG_FILE, STATE_FILE, TrainingSession


class Counting:
    """Writes down what the loop asks of it."""

    def __init__(self, session: TrainingSession, *, stop_at: int = 0) -> None:
        self.session, self.stop_at, self.step = session, stop_at, 0
        self.total = 0.0  # what is learned
        self.calls: list[str] = []

    def train_step(self) -> None:
        self.total += self.step
        self.session.record(total=self.total)
        self.step += 1
        self.session.stop_requested = self.step == self.stop_at

    def preview(self) -> dict[str, float]:
        self.calls.append(f"preview {self.step}")
        return {"figure": self.step / 2}

    def state_dict(self) -> dict[str, Any]:
        self.calls.append(f"state {self.step}")
        return {"total": self.total}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step, self.total = state["step"], state["total"]

    def write_result(self) -> Path:
        self.calls.append(f"result {self.step}")
        return self.session.folder / f"result-{self.step}"


def run(
    folder: Path,
    steps: int,
    *,
    stop_at: int = 0,
    every: int = 100,
    on_result: OnResult | None = None,
) -> tuple[Counting, Path]:
    """A run whose previews and states come every so many steps, and lines of its log every two."""
    config = RunConfig(
        output=str(folder),
        steps=steps,
        device="cpu",
        log_every=2,
        preview_every=every,
        checkpoint_every=every,
    )
    with TrainingSession(config) as session:
        training = Counting(session, stop_at=stop_at)
        return training, run_training(training, session, on_result)


def test_previews_states_and_results_come_when_the_run_says_so(tmp_path: Path) -> None:
    training, result = run(tmp_path, 5, every=2)
    assert training.calls == [
        *("preview 2", "state 2", "result 2"),
        *("preview 4", "state 4", "result 4"),
        *("preview 5", "state 5", "result 5"),
    ]
    assert result == tmp_path / "result-5"


def test_the_log_has_a_line_at_its_steps_and_with_every_preview(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[tuple[int, dict[str, float]]] = []

    def note(self: TrainingSession, step: int, **values: float) -> None:
        lines.append((step, values))

    monkeypatch.setattr(TrainingSession, "log", note)
    run(tmp_path, 7, every=3)
    figures = dict(lines)
    assert list(figures) == [2, 3, 4, 6, 7]
    assert figures[2] == figures[4] == {}
    assert figures[3] == {"figure": 1.5}
    assert figures[7] == {"figure": 3.5}


def test_a_run_goes_on_from_its_state(tmp_path: Path) -> None:
    whole, _ = run(tmp_path / "whole", 7)
    run(tmp_path / "run", 3)
    rest, _ = run(tmp_path / "run", 7)
    assert rest.calls == ["preview 7", "state 7", "result 7"]
    assert (rest.step, rest.total) == (whole.step, whole.total) == (7, 21)


def test_a_finished_run_only_writes_its_result(tmp_path: Path) -> None:
    run(tmp_path, 3)
    log = (tmp_path / LOG_FILE).read_text()
    training, result = run(tmp_path, 3)
    assert training.calls == ["result 3"]
    assert result == tmp_path / "result-3"
    assert (tmp_path / LOG_FILE).read_text() == log


def test_a_stop_ends_the_run_after_its_step_with_all_saved(tmp_path: Path) -> None:
    training, result = run(tmp_path, 100, stop_at=3)
    assert training.step == 3
    assert training.calls == ["preview 3", "state 3", "result 3"]
    assert result == tmp_path / "result-3"
    rest, _ = run(tmp_path, 4)
    assert rest.total == 0 + 1 + 2 + 3


def test_only_the_main_process_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    training, result = run(tmp_path, 2, every=1)
    assert training.step == 2
    assert training.calls == ["state 1", "state 2"]  # which the session does not write
    assert not (tmp_path / STATE_FILE).exists()
    assert not (tmp_path / LOG_FILE).exists()
    assert result == tmp_path


def test_each_result_is_handed_on(tmp_path: Path) -> None:
    results: list[Path] = []
    run(tmp_path, 5, every=2, on_result=results.append)
    assert [result.name for result in results] == ["result-2", "result-4", "result-5"]


def test_a_run_of_minutes_goes_on_until_they_are_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond its steps, and to the end of the step in which time runs out."""
    now = 0.0

    class TakingTime(Counting):
        def train_step(self) -> None:
            nonlocal now
            super().train_step()
            now += 25.0

    monkeypatch.setattr(session_module, "time", SimpleNamespace(monotonic=lambda: now))
    config = RunConfig(output=str(tmp_path), steps=1, device="cpu", minutes=2.0)
    with TrainingSession(config) as session:
        training = TakingTime(session)
        run_training(training, session)
    assert training.step == 5
    assert training.calls == ["preview 5", "state 5", "result 5"]
