"""Runs of the restorer that a test drives step by step, and what a step changed."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from panini_lab.training.config import RestorerConfig, load_config
from panini_lab.training.restorer import RestorerTraining
from panini_lab.training.session import TrainingSession

ReadLog = Callable[[], list[dict[str, float]]]


@contextmanager
def opened(overrides: list[str], name: str = "mobile-restorer") -> Generator[RestorerTraining]:
    """A training that the test drives itself."""
    config = load_config(name, RestorerConfig, overrides)
    torch.manual_seed(config.run.seed)
    with TrainingSession(config.run) as session:
        yield RestorerTraining(config, session)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def changed(module: nn.Module, before: dict[str, Tensor]) -> set[str]:
    """Names of what is no longer as it was."""
    now = module.state_dict()
    return {name for name, value in before.items() if not torch.equal(now[name], value)}
