"""What every training run needs."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from panini_lab.training import session as session_module
from panini_lab.training.config import RunConfig
from panini_lab.training.session import LOG_FILE, STATE_FILE, TrainingSession


class Clock:
    """Time as the test says."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(session_module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def open_session(folder: Path, *, device: str = "cpu", **values: Any) -> TrainingSession:
    return TrainingSession(RunConfig(output=str(folder), device=device, **values))


def read_log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / LOG_FILE).read_text().splitlines()]


def test_a_run_needs_a_folder() -> None:
    with pytest.raises(ValueError, match=r"run\.output"):
        TrainingSession(RunConfig(device="cpu"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("auto", "cuda:2"), ("cuda", "cuda:2"), ("cuda:1", "cuda:1"), ("cpu", "cpu")],
)
def test_each_process_has_its_own_device(
    name: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setenv("LOCAL_RANK", "2")
    session = TrainingSession(RunConfig(output=str(tmp_path), device=name))
    assert session.device == torch.device(expected)


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"toaster.*expected auto, cpu"):
        TrainingSession(RunConfig(output=str(tmp_path), device="toaster"))


def test_the_log_gives_speed_and_the_share_of_each_section(tmp_path: Path, clock: Clock) -> None:
    session = open_session(tmp_path, batch=6)
    session.record(loss=1.0)
    session.log(2)
    for seconds in (1.0, 3.0):
        with session.timed("drawing"):
            clock.now += seconds
        with session.timed("network"):
            clock.now += 5.0
        clock.now += 1.0  # in no section
        session.record(loss=1.0)
    session.log(4)
    first, second = read_log(tmp_path)
    assert first == {"step": 2, "loss": 1.0}  # what came before is not known
    assert second["faces_per_second"] == pytest.approx(2 * 6 / 16)
    assert second["time_drawing"] == pytest.approx(4 / 16)
    assert second["time_network"] == pytest.approx(10 / 16)


def test_sections_start_anew_after_each_line(tmp_path: Path, clock: Clock) -> None:
    session = open_session(tmp_path)
    for step in (1, 2, 3):
        if step < 3:
            with session.timed("drawing"):
                clock.now += 2.0
        clock.now += 2.0
        session.record(loss=float(step))
        session.log(step)
    _, second, third = read_log(tmp_path)
    assert second["time_drawing"] == pytest.approx(0.5)
    assert "time_drawing" not in third


def test_an_accelerator_is_timed_only_on_demand(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "synchronize", waits.append)
    for timings in (False, True):
        folder = tmp_path / str(timings)
        session = open_session(folder, device="cuda:0", timings=timings)
        session.log(0)
        with session.timed("drawing"):
            clock.now += 1.0
        session.record(loss=1.0)
        session.log(1)
        assert ("time_drawing" in read_log(folder)[-1]) == timings
    assert waits == [torch.device("cuda:0")]  # the section's work, not only its launch


def test_tensors_and_numbers_are_averaged_alike(tmp_path: Path) -> None:
    session = open_session(tmp_path)
    for value in (1.0, 2.0, 6.0):
        session.record(number=value, tensor=torch.tensor(value))
    session.record(seldom=torch.tensor(4.0))
    session.log(1, figure=0.25)
    session.record(number=10.0)
    session.log(2)
    first, second = read_log(tmp_path)
    assert first == {"step": 1, "number": 3.0, "tensor": 3.0, "seldom": 4.0, "figure": 0.25}
    assert second["number"] == 10
    assert "tensor" not in second


def test_a_loss_that_is_not_finite_is_named_with_its_parts() -> None:
    losses = {"pixel": torch.tensor(2.0), "code": torch.tensor(float("nan"))}
    TrainingSession.require_finite(torch.tensor(2.0), 3, losses)
    with pytest.raises(FloatingPointError, match=r"step 3: pixel 2\.0, code nan\. Lower"):
        TrainingSession.require_finite(torch.tensor(float("nan")), 3, losses)
    with pytest.raises(FloatingPointError, match="not finite"):
        TrainingSession.require_finite(torch.tensor(float("inf")), 3, losses)


def test_the_learning_rate_warms_up_stays_and_decays(tmp_path: Path) -> None:
    settings = {"steps": 100, "warmup_steps": 10, "decay_steps": 20, "final_rate": 0.1}
    for decay in ("cosine", "linear", "none"):
        session = open_session(tmp_path, decay=decay, **settings)
        rates = [session.learning_rate(step, 2.0) for step in range(101)]
        assert rates[0] == pytest.approx(0.2)
        assert rates[9:81] == [2.0] * 72
        assert rates[100] == pytest.approx(2.0 if decay == "none" else 0.2)
        assert rates[90] == pytest.approx(2.0 if decay == "none" else 1.1)
        assert rates[80:] == sorted(rates[80:], reverse=True)
    session = open_session(tmp_path, decay="sudden", **settings)
    with pytest.raises(ValueError, match=r"run\.decay.*'sudden'"):
        session.learning_rate(99, 2.0)


def test_a_run_of_minutes_decays_by_the_clock(tmp_path: Path, clock: Clock) -> None:
    """Over the last two fifths, whatever the step is."""
    session = open_session(
        tmp_path, minutes=10.0, steps=5, warmup_steps=1, decay="linear", final_rate=0.0
    )
    rates: list[float] = []
    for _ in range(6):
        rates.append(session.learning_rate(1000, 2.0))
        clock.now += 120
    assert rates == pytest.approx([2.0, 2.0, 2.0, 2.0, 1.0, 0.0])
    assert session.should_stop()
    assert session.learning_rate(1000, 2.0) == 0


def test_only_one_process_trains_for_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match=r"run\.minutes=0"):
        open_session(tmp_path, minutes=1.0)


def test_states_are_due_by_steps_and_by_minutes(tmp_path: Path, clock: Clock) -> None:
    by_steps = open_session(tmp_path / "steps", checkpoint_every=4)
    assert [step for step in range(1, 10) if by_steps.should_save(step)] == [4, 8]
    session = open_session(tmp_path / "minutes", checkpoint_every=1000, checkpoint_minutes=2.0)
    saved: list[int] = []
    for step in range(1, 10):
        clock.now += 50
        if session.should_save(step):
            session.save_state({"step": step})
            saved.append(step)
    assert saved == [3, 6, 9]


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    session = open_session(tmp_path)
    assert not session.has_state
    assert session.load_state() is None
    session.save_state({"step": 7, "weights": torch.arange(3)})
    again = open_session(tmp_path)
    assert again.has_state
    state = again.load_state()
    assert state is not None
    assert state["step"] == 7
    assert torch.equal(state["weights"], torch.arange(3))


def test_a_failed_save_leaves_the_last_state(tmp_path: Path) -> None:
    session = open_session(tmp_path)
    session.save_state({"step": 7})
    with pytest.raises(Exception, match="pickle"):
        session.save_state({"step": 8, "open": (x for x in ())})
    assert torch.load(tmp_path / STATE_FILE, weights_only=True) == {"step": 7}


def test_a_first_signal_asks_for_a_stop_and_a_second_ends_it(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with open_session(tmp_path) as session:
        assert not session.should_stop()
        signal.raise_signal(signal.SIGINT)
        assert session.should_stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
