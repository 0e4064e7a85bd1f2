"""`panini evaluate`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from panini_core.cli import main
from panini_core.images import read_image

pytestmark = pytest.mark.usefixtures("work_folder")


def test_evaluate_measures_and_restores(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    for folder in ("clean", "degraded", "nothing"):
        Path(folder).mkdir()
    for name in ("0.png", "1.png"):
        clean = rng.integers(60, 200, (64, 64, 3)).astype(np.uint8)
        Image.fromarray(clean).save(f"clean/{name}")
        Image.fromarray(clean + 10).save(f"degraded/{name}")
    common = ["evaluate", "--clean", "clean", "--degraded", "degraded", "--device", "cpu"]
    common += ["--backbones", "nothing"]
    options = ["--json", "figures.json", "--model", str(tiny_model)]
    assert main([*common, *options]) == 0
    assert "PSNR" in capsys.readouterr().out
    figures = json.loads(Path("figures.json").read_text())
    assert figures["pairs"] == 2
    assert figures["degraded"]["psnr"] == pytest.approx(28.13, abs=0.01)
    assert "restored" in figures
    assert main([*common, *options]) == 2  # figures.json exists

    faithful = ["--json", "faithful.json", "--model", str(tiny_model), "--fidelity", "1"]
    assert main([*common, *faithful]) == 0
    assert json.loads(Path("faithful.json").read_text())["restored"] != figures["restored"]

    assert main([*common, "--restored", "clean"]) == 0
    assert "restored" in capsys.readouterr().out
    assert main([*common, "--restored", "nowhere"]) == 1


@pytest.fixture
def pairs(work_folder: Path) -> list[str]:
    """`panini evaluate` of four faces whose restored ones are off by 5, 20, 10 and 1 levels."""
    rng = np.random.default_rng(0)
    for folder in ("clean", "degraded", "restored", "nothing"):
        Path(folder).mkdir()
    for name, error in {"a": 5, "b": 20, "c": 10, "d": 1}.items():
        clean = rng.integers(60, 200, (64, 64, 3)).astype(np.uint8)
        Image.fromarray(clean).save(f"clean/{name}.png")
        Image.fromarray(clean + 30).save(f"degraded/{name}.png")
        Image.fromarray(clean + error).save(f"restored/{name}.png")
    command = ["evaluate", "--clean", "clean", "--degraded", "degraded", "--restored", "restored"]
    return [*command, "--device", "cpu", "--backbones", "nothing"]


def test_evaluate_draws_the_worst_pairs_first(
    pairs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*pairs, "--sheet", "new/all.png", "--tile", "128"]) == 0
    assert "4 pairs, the worst first: lowest PSNR of the restored face" in capsys.readouterr().out
    assert main([*pairs, "--sheet", "worst.JPG", "--tile", "128", "--worst", "2"]) == 0
    assert "2 of 4 pairs, the worst first" in capsys.readouterr().out
    whole, cut = read_image("new/all.png").pixels, read_image("worst.JPG").pixels
    assert whole.shape[2] == cut.shape[2] >= 3 * 128
    assert 2 * 128 < cut.shape[1] < 0.65 * whole.shape[1]
    # The two begin with the same rows; the title above may differ.
    assert (whole[:, 100 : 128 + 100] - cut[:, 100 : 128 + 100]).abs().mean() < 0.02


def test_evaluate_overwrites_a_sheet_only_by_force(
    pairs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("sheet.png").write_bytes(b"mine")
    assert main([*pairs, "--sheet", "sheet.png"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert Path("sheet.png").read_bytes() == b"mine"
    assert main([*pairs, "--sheet", "sheet.png", "--force"]) == 0
    assert read_image("sheet.png").size[0] > 3 * 256
    assert main([*pairs, "--sheet", "sheet.webp"]) == 2
    assert ".jpg, .jpeg, .png" in capsys.readouterr().err
    clean = Path("clean/a.png").read_bytes()
    assert main([*pairs, "--sheet", "clean/a.png", "--force"]) == 2
    assert "also one of the pictures" in capsys.readouterr().err
    assert main([*pairs, "--sheet", "both.png", "--json", "both.png"]) == 2
    assert Path("clean/a.png").read_bytes() == clean
    for wrong in (["--tile", "10"], ["--tile", "big"], ["--worst", "0"]):
        with pytest.raises(SystemExit):
            main([*pairs, "--sheet", "other.png", *wrong])


def test_evaluate_of_clean_faces_gives_finite_figures(
    pairs: list[str], tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "--degraded", "clean", "--clean", "clean", "--backbones", "nothing"]
    command += ["--model", str(tiny_model), "--device", "cpu", "--json", "figures.json"]
    assert main([*command, "--sheet", "sheet.png"]) == 0
    assert "4 of 4 degraded faces equal the clean ones" in capsys.readouterr().out

    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is no JSON")

    figures = json.loads(Path("figures.json").read_text(), parse_constant=refuse)
    assert figures["degraded"]["psnr"] == 100
    assert 0 < figures["restored"]["psnr"] < 100
