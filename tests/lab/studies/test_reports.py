"""The studies as tables."""

from __future__ import annotations

import pytest

from panini_lab.metrics.psnr import EQUAL_PSNR
from panini_lab.studies.curve import Curve
from panini_lab.studies.editing import EditingStudy, EditResult
from panini_lab.studies.fusion import FusionResult, FusionStudy
from panini_lab.studies.reports import (
    report_curves,
    report_editing,
    report_fusion,
    report_response,
    report_separation,
    table,
)
from panini_lab.studies.response import Response, ResponseStudy
from panini_lab.studies.separation import SeparationStudy


def cells(text: str) -> list[list[str]]:
    """The rows of a table below its header and rule."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]


def test_a_table_is_markdown() -> None:
    assert table(("a", "b"), [["1", ""], ["3", "4"]]) == (
        "| a | b |\n| --- | --- |\n| 1 |  |\n| 3 | 4 |"
    )


def test_a_table_without_rows_keeps_its_header() -> None:
    assert table(("a",), []) == "| a |\n| --- |"


def test_separation_sets_neighbours_and_probe_against_chance() -> None:
    study = SeparationStudy(
        faces=8,
        versions=2,
        kinds=("sharp", "blur"),
        kind_by_neighbours=0.81,
        kind_by_probe=0.82,
        confusion=((1.0, 0.0), (0.36, 0.64)),
        kind_by_chance=0.5,
        person_by_neighbours=0.21,
        person_by_probe=0.22,
        person_by_neighbours_mixed=0.31,
        person_by_probe_mixed=0.3249,
        person_by_chance=0.125,
    )
    assert cells(report_separation(study)) == [
        ["degradation", "kinds of fault", "81.0%", "82.0%", "50.0%"],
        ["person", "kinds of fault", "21.0%", "22.0%", "12.5%"],
        ["person", "mixed", "31.0%", "32.5%", "12.5%"],
    ]


def test_a_response_has_a_table_a_degradation() -> None:
    blur = Response(
        "blur", ("0", "2"), (EQUAL_PSNR, 31.26), ((0.1, 0.2), (0.456, 0.7)), (1.0, -0.123)
    )
    mixed = Response("mixed", ("mild",), (25.0,), ((0.5, 0.5),), (0.0, 0.0))
    first, second = report_response(ResponseStudy(3, ("4", "picture"), (blur, mixed))).split("\n\n")
    assert first.startswith("| blur | PSNR | 4 | picture |\n")
    assert cells(first) == [
        ["0", "", "0.10", "0.20"],  # nothing was done: a ratio would be infinite
        ["2", "31.3", "0.46", "0.70"],
        ["rank correlation", "", "+1.00", "-0.12"],
    ]
    assert second.startswith("| mixed | PSNR |")
    assert cells(second)[0] == ["mild", "25.0", "0.50", "0.50"]


def test_fusions_are_ranked_below_the_degraded_faces() -> None:
    results = (
        FusionResult("addition", True, 1_200, 23.5, 0.71, (23.5,), -0.05),
        FusionResult("DAFI", False, 9, 24.0, 0.72, (24.0,), 0.0),
        FusionResult("DAFI", True, 1_234_567, 25.126, 0.7349, (25.0, 25.25), 0.5),
    )
    study = FusionStudy(7, 8, 2, 24.5, 0.7, results)
    assert cells(report_fusion(study)) == [
        ["(degraded)", "", "", "24.50", "0.700", ""],
        ["DAFI", "DR", "1,234,567", "25.13", "0.735", "+0.50 dB"],
        ["DAFI", "one learned vector", "9", "24.00", "0.720", ""],
        ["addition", "DR", "1,200", "23.50", "0.710", "-0.05 dB"],
    ]


def test_edits_keep_their_order() -> None:
    results = (
        EditResult("levels", "4 px", 3.14159, 22.0),
        EditResult("fidelity", "0.5", 0.0, 23.456),
    )
    assert cells(report_editing(EditingStudy(2, results, {}))) == [
        ["levels", "4 px", "3.14", "22.00"],
        ["fidelity", "0.5", "0.00", "23.46"],
    ]


@pytest.mark.parametrize(
    ("curve", "row"),
    [
        (
            Curve("loss", (10, 2000, 30_000), (3.0, 5.0, 0.123456)),
            ["loss", "3 (step 10)", "0.1235 (step 30,000)", "0.1235 to 5"],
        ),
        (Curve("once", (7,), (2.5,)), ["once", "2.5 (step 7)", "2.5 (step 7)", "2.5 to 2.5"]),
    ],
)
def test_a_curve_is_told_by_its_ends_and_its_range(curve: Curve, row: list[str]) -> None:
    assert cells(report_curves([curve])) == [row]
