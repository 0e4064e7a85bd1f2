"""What degradations are drawn from: the presets, and one that leaves nothing to chance."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest

from panini_core.degrading.ranges import FURTHER_KINDS, PRESETS


@pytest.mark.parametrize("severity", ["mild", "medium", "heavy"])
def test_presets_cover_the_evaluation_set(shared: Path, severity: str) -> None:
    with (shared / "data" / "eval" / "pairs.csv").open() as file:
        pairs = [row for row in csv.DictReader(file) if row["severity"] == severity]
    ranges = PRESETS[severity].first[0]
    assert pairs
    for row in pairs:
        assert ranges.down[0] <= float(row["down"]) <= ranges.down[1], row
        assert ranges.jpeg_quality[0] <= float(row["jpeg"]) <= ranges.jpeg_quality[1], row


def test_further_kinds_weigh_a_fifth_to_a_quarter_of_training() -> None:
    alternatives = PRESETS["training"].first
    whole = sum(one.weight for one in alternatives)
    further = sum(
        one.weight
        for one in alternatives
        if dataclasses.replace(one, weight=1.0) in FURTHER_KINDS.values()
    )
    not_clean = 1 - PRESETS["training"].clean_probability
    assert 0.2 < not_clean * further / whole < 0.25
    # The others stand to each other as they did.
    assert whole - further == pytest.approx(1)
