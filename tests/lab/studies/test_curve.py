"""Logs as curves."""

from __future__ import annotations

from pathlib import Path

import pytest

from panini_lab.studies.charts import chart_curves
from panini_lab.studies.curve import read_curves, smooth
from panini_lab.studies.reports import report_curves


def test_figures_keep_their_steps(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 10, "loss": 3}\n{"step": 20, "loss": 2.5, "val_psnr": 24.0}\n')
    loss, quality = read_curves(log)
    assert (loss.name, loss.steps, loss.values) == ("loss", (10, 20), (3, 2.5))
    assert (quality.name, quality.steps, quality.values) == ("val_psnr", (20,), (24,))
    chart = chart_curves([loss, quality])
    assert chart.shape[0] == 3 and chart.std() > 0.02
    assert "| loss | 3 (step 10) | 2.5 (step 20) | 2.5 to 3 |" in report_curves([loss, quality])


@pytest.mark.parametrize("line", ["", "{", "[1]", '{"loss": 1}', '{"step": 1, "loss": "low"}'])
def test_other_lines_are_refused(line: str, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 10, "loss": 3}\n' + line + "\n")
    with pytest.raises(ValueError, match=r"line 2: expected an object of numbers with a step"):
        read_curves(log)


def test_smoothing_is_a_mean_of_neighbours() -> None:
    assert smooth([0, 3, 6, 0], 3) == [1.5, 3, 3, 3]
    assert smooth([1, 2], 1) == [1, 2]
