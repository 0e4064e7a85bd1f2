"""What every training run needs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from panini_lab.training.config import RunConfig
from panini_lab.training.session import TrainingSession


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
