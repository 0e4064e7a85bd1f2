"""`panini doctor`."""

from __future__ import annotations

from pathlib import Path

import pytest

from panini_core.checkpoints import bundled
from panini_core.cli import main

pytestmark = pytest.mark.usefixtures("work_folder")


def test_doctor_lists_and_times(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--device", "cpu", "--model", str(tiny_model)])
    printed = capsys.readouterr().out
    for word in ("Python", "torch", "facexlib", "in use", "faces/s", "The network alone", "warm"):
        assert word in printed
    for name in ("panini_mobile", "panini_compact", tiny_model.name):
        assert name in printed
    assert code == 0 and "MISSING" not in printed


def test_doctor_misses_a_bundled_network(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundled, "WEIGHTS_FOLDER", Path("nowhere"))
    assert main(["doctor", "--device", "cpu", "--model", str(tiny_model)]) == 1
    assert "MISSING: nowhere" in capsys.readouterr().out
