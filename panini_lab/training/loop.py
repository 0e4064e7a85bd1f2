"""The one training loop: steps, log, previews, state; what a step does is injected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from .session import TrainingSession


class Training(Protocol):
    """Networks, optimisers and data of one run."""

    step: int
    """How many steps were done."""

    def train_step(self) -> None:
        """One step, counted in `step`; records its losses in the session."""
        ...

    def preview(self) -> dict[str, float]:
        """Writes pictures of where the run stands into its folder; returns figures for the log."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that `load_state_dict` needs to go on to the bit."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...

    def write_result(self) -> Path:
        """Writes the averaged weights; returns their file."""
        ...


OnResult = Callable[[Path], None]  # called with the result's file each time it was written


def run_training(
    training: Training, session: TrainingSession, on_result: OnResult | None = None
) -> Path:
    """Train up to `session.config.steps`, or for `minutes`, going on from the state in the run's
    folder if there is one. A stop that was asked for ends it after a step, state saved.

    Returns the result's file.
    """
    config = session.config
    if state := session.load_state():
        training.load_state_dict(state)
    result: Path | None = None
    while training.step < config.steps or config.minutes:
        training.train_step()
        stop = session.should_stop()
        last = stop or (training.step == config.steps and not config.minutes)
        figures: dict[str, float] = {}
        if session.is_main and (last or training.step % config.preview_every == 0):
            figures = training.preview()
        if figures or last or training.step % config.log_every == 0:
            session.log(training.step, **figures)
        if last or session.should_save(training.step):
            session.save_state({"step": training.step, **training.state_dict()})
            if session.is_main:
                result = training.write_result()
                if on_result is not None:
                    on_result(result)
        if stop:
            break
    if result is None and session.is_main:  # there was nothing left to do
        result = training.write_result()
    return result or session.folder
