"""The report of an evaluation: means, changes, severities, text and JSON."""

from __future__ import annotations

import json

import pytest

from panini_lab.metrics.report import EvaluationReport, Measurements, figure_text


def _report(*, restored: bool = True, severities: tuple[str, ...] = ()) -> EvaluationReport:
    before = {"psnr": (20.0, 24.0, 28.0), "vgg": (0.8, 0.6, 0.4), "identity": (0.2, 0.5, 0.8)}
    after = {"psnr": (21.0, 24.0, 27.0), "vgg": (0.4, 0.3, 0.2), "identity": (0.5, 0.6, 0.7)}
    return EvaluationReport(
        names=("a", "b", "c"),
        severities=severities,
        size=512,
        degraded=Measurements(before, {"fid": 80.0}),
        restored=Measurements(after, {"fid": 40.0}) if restored else None,
        notes=("LPIPS was not measured: no weights",),
    )


def test_means_and_changes() -> None:
    values = _report().to_dict()
    assert values["pairs"] == 3
    assert values["degraded"] == pytest.approx({"psnr": 24, "vgg": 0.6, "identity": 0.5, "fid": 80})
    assert values["change"] == pytest.approx(
        {"psnr": 0, "vgg_ratio": 0.5, "identity": 0.1, "fid_ratio": 0.5}
    )


def test_fine_energy_has_a_median_beside_its_mean() -> None:
    """One noisy face, a hundred times the energy of the others, does not rule both."""
    before = Measurements({"fine": (0.1, 10.0, 0.2, 0.3)}, {"fid": 8.0})
    after = Measurements({"fine": (0.5, 0.9, 0.7, 0.6)}, {"fid": 4.0})
    report = EvaluationReport(
        ("a", "b", "c", "d"), ("mild", "heavy", "mild", "mild"), 8, before, after, ()
    )
    values = report.to_dict()
    assert values["degraded"] == pytest.approx({"fine": 2.65, "fine_median": 0.25, "fid": 8})
    assert values["restored"] == pytest.approx({"fine": 0.675, "fine_median": 0.65, "fid": 4})
    assert values["change"]["fine_median"] == pytest.approx(0.4)
    mild = values["by_severity"]["mild"]["degraded"]
    assert mild == pytest.approx({"fine": 0.2, "fine_median": 0.2})
    assert values["images"][1]["degraded"] == {"fine": 10.0}  # a single face has no median
    lines = report.to_text().splitlines()
    assert lines[1].split() == ["fine", "(median)", "FID"]
    assert lines[2].split() == ["all", "degraded", "2.650", "0.250", "8.0"]


def test_texture_is_compared_as_a_ratio() -> None:
    before, after = Measurements({"texture": (0.4,)}, {}), Measurements({"texture": (0.2,)}, {})
    report = EvaluationReport(("a",), (), 8, before, after, ())
    assert report.to_dict()["change"] == pytest.approx({"texture_ratio": 0.5})
    assert report.to_text().splitlines()[-1].split() == ["change", "x0.500"]


def test_ratio_is_of_the_means() -> None:
    """Not the mean of ratios: an image near 0 would rule it."""
    report = EvaluationReport(
        names=("a", "b"),
        severities=(),
        size=8,
        degraded=Measurements({"vgg": (0.1, 0.9)}, {}),
        restored=Measurements({"vgg": (0.2, 0.3)}, {}),
        notes=(),
    )
    assert report.to_dict()["change"]["vgg_ratio"] == pytest.approx(0.5)


def test_no_ratio_to_a_distance_of_zero() -> None:
    equal = Measurements({"vgg": (0.0,)}, {})
    report = EvaluationReport(("a",), (), 8, equal, equal, ())
    assert report.to_dict()["change"] == {}
    assert report.to_text().splitlines()[-1].split() == ["change", "-"]


def test_no_ratio_to_a_distance_that_rounds_to_zero() -> None:
    """On some devices the features of equal images differ in the last bits."""
    before, after = Measurements({"vgg": (1e-9,)}, {}), Measurements({"vgg": (0.002,)}, {})
    report = EvaluationReport(("a",), (), 8, before, after, ())
    assert report.to_dict()["change"] == {}
    assert report.to_dict()["restored"]["vgg"] == 0.002


@pytest.mark.parametrize(
    ("metric", "value", "text"), [("psnr", 23.456, "23.46"), ("vgg", 0.5, "0.500")]
)
def test_figures_have_the_decimals_that_mean_something(
    metric: str, value: float, text: str
) -> None:
    assert figure_text(metric, value) == text


def test_severities_are_groups_in_order_of_appearance() -> None:
    groups = _report(severities=("mild", "heavy", "mild")).to_dict()["by_severity"]
    assert list(groups) == ["mild", "heavy"]
    assert groups["mild"]["pairs"] == 2
    assert groups["mild"]["degraded"] == pytest.approx({"psnr": 24, "vgg": 0.6, "identity": 0.5})
    assert groups["heavy"]["change"]["identity"] == pytest.approx(0.1)


def test_every_image_is_listed() -> None:
    images = _report(severities=("mild", "heavy", "mild")).to_dict()["images"]
    assert [(image["name"], image["severity"]) for image in images] == [
        ("a", "mild"),
        ("b", "heavy"),
        ("c", "mild"),
    ]
    assert images[0]["degraded"] == {"psnr": 20.0, "vgg": 0.8, "identity": 0.2}
    assert images[0]["change"]["vgg_ratio"] == pytest.approx(0.5)


def test_without_restored_faces_nothing_is_compared() -> None:
    report = _report(restored=False)
    assert "change" not in report.to_dict()
    assert "restored" not in report.to_text()


def test_survives_json() -> None:
    values = _report(severities=("mild", "heavy", "mild")).to_dict()
    assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_text_is_an_aligned_table() -> None:
    lines = _report(severities=("mild", "heavy", "mild")).to_text().splitlines()
    assert lines[0] == "3 pairs at 512 px"
    assert lines[1].split() == ["PSNR", "VGG", "identity", "FID"]
    assert lines[2].split() == ["all", "degraded", "24.00", "0.600", "0.500", "80.0"]
    assert lines[4].split() == ["change", "+0.00", "x0.500", "+0.100", "x0.500"]
    assert lines[5].split()[:3] == ["mild", "(2)", "degraded"]
    assert lines[-1] == "Note: LPIPS was not measured: no weights"
    assert len({len(line) for line in lines[1:5]}) == 1
