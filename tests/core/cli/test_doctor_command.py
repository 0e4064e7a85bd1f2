"""`panini doctor`."""

from __future__ import annotations

from pathlib import Path

import pytest

from panini_core.cli import main

pytestmark = pytest.mark.usefixtures("work_folder")


def test_doctor_lists_and_times(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from panini_core.checkpoints import DEFAULT_WEIGHTS
    from panini_core.checkpoints.detector import BUNDLED_DETECTOR

    code = main(["doctor", "--device", "cpu", "--model", str(tiny_model)])
    printed = capsys.readouterr().out
    for word in ("Python", "torch", "facexlib", "in use", "faces/s", "The network alone", "warm"):
        assert word in printed
    assert (code == 0) == (DEFAULT_WEIGHTS.is_file() and BUNDLED_DETECTOR.is_file())
    assert ("MISSING" in printed) == (code == 1)
