"""`panini detect`, `convert`, `evaluate`, `train` and `doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from panini_core.checkpoints import load_panini
from panini_core.cli import main
from panini_core.cli.options import choose_device
from panini_core.images import ImageFile, read_image, write_image


@pytest.fixture(autouse=True)
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def picture_with_face(path: str, box: tuple[int, int, int, int] = (20, 10, 60, 50)) -> None:
    pixels = torch.full((3, 70, 100), 0.1)
    x0, y0, x1, y1 = box
    pixels[:, y0:y1, x0:x1] = 0.8
    write_image(path, ImageFile(pixels))


# --- detect -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("fake_detector")
def test_detect_writes_numbers_and_an_overlay(capsys: pytest.CaptureFixture[str]) -> None:
    picture_with_face("a.png")
    write_image("empty.png", ImageFile(torch.zeros(3, 40, 40)))
    assert main(["detect", "a.png", "empty.png", "-o", "found"]) == 0
    printed = capsys.readouterr().out
    assert "1 face" in printed
    assert "Nothing to do: 1" in printed

    found = json.loads(Path("found/a.png.faces.json").read_text())
    assert (found["width"], found["height"]) == (100, 70)
    (face,) = found["faces"]
    assert face["index"] == 0
    assert face["box"] == pytest.approx([20, 10, 60, 50], abs=1.5)
    assert face["landmarks"]["left_eye"][0] < face["landmarks"]["right_eye"][0]
    assert not torch.equal(read_image("found/a.png.faces.png").pixels, read_image("a.png").pixels)
    assert json.loads(Path("found/empty.png.faces.json").read_text())["faces"] == []


@pytest.mark.usefixtures("fake_detector")
def test_detect_bounds_the_size_of_faces() -> None:
    picture_with_face("a.png")
    for limit, count in (("--min-size", 1), ("--max-size", 0)):  # the face has about 40 px
        assert main(["detect", "a.png", "-o", limit[2:], limit, "30"]) == 0
        found = json.loads(Path(limit[2:], "a.png.faces.json").read_text())
        assert len(found["faces"]) == count


@pytest.mark.usefixtures("fake_detector")
def test_detect_overwrites_only_by_force() -> None:
    picture_with_face("a.png")
    Path("found").mkdir()
    Path("found/a.png.faces.json").write_text("mine")
    assert main(["detect", "a.png", "-o", "found"]) == 0
    assert Path("found/a.png.faces.json").read_text() == "mine"
    assert not Path("found/a.png.faces.png").exists()
    assert main(["detect", "a.png", "-o", "found", "--force"]) == 0
    assert json.loads(Path("found/a.png.faces.json").read_text())["faces"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--detector", "nothing.pth"], "nothing.pth"),
        (["--device", "cuda:99"], "torch sees"),
        (["--device", "toaster"], "knows no such device"),
    ],
)
def test_a_detector_or_device_that_is_not_there(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    picture_with_face("a.png")
    assert main(["detect", "a.png", "-o", "found", *options]) == 2
    assert message in capsys.readouterr().err
    assert not Path("found").exists()


@pytest.mark.parametrize("threshold", ["1.5", "-0.1", "high", "nan"])
def test_a_threshold_out_of_range(threshold: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["detect", "a.png", "-o", "found", f"--threshold={threshold}"])
    assert "expected a number" in capsys.readouterr().err


def test_auto_is_a_device_that_works() -> None:
    assert torch.zeros(1, device=choose_device("auto")).item() == 0
    assert choose_device("cpu") == torch.device("cpu")


# --- convert ----------------------------------------------------------------------------------


def test_convert_writes_a_smaller_file_of_the_same_network(tiny_model: Path) -> None:
    assert main(["convert", str(tiny_model), "half.safetensors", "--dtype", "fp16"]) == 0
    assert Path("half.safetensors").stat().st_size < tiny_model.stat().st_size
    half, whole = load_panini("half.safetensors"), load_panini(tiny_model)
    assert half.config == whole.config
    for old, new in zip(whole.parameters(), half.parameters(), strict=True):
        torch.testing.assert_close(old.half().float(), new)


def test_convert_refuses_other_names_and_existing_files(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(tiny_model), "out.pth"]) == 2
    Path("mine.safetensors").write_bytes(b"mine")
    assert main(["convert", str(tiny_model), "mine.safetensors"]) == 2
    assert Path("mine.safetensors").read_bytes() == b"mine"
    Path("broken.pth").write_bytes(b"PK\x03\x04 no checkpoint")
    assert main(["convert", "broken.pth", "new.safetensors"]) == 1
    assert "broken.pth" in capsys.readouterr().err
    assert not Path("new.safetensors").exists()


# --- evaluate ---------------------------------------------------------------------------------


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


# --- train ------------------------------------------------------------------------------------


def test_train_tells_a_new_run_from_one_to_resume(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from panini_lab.commands import train
    from panini_lab.training.session import STATE_FILE

    calls: list[list[str]] = []

    def record(config: str | Path, overrides: list[str]) -> Path:
        calls.append(overrides)
        return Path("run/result.safetensors")

    kind, _ = train.TRAININGS["restorer"]
    monkeypatch.setitem(train.TRAININGS, "restorer", (kind, record))
    command = ["train", "restorer", "compact-restorer", "--set", "run.output=run", "run.batch=2"]
    assert main([*command, "--resume"]) == 2
    assert main(command) == 0
    assert calls == [["run.output=run", "run.batch=2"]]
    assert "result.safetensors" in capsys.readouterr().out
    Path("run").mkdir()
    (Path("run") / STATE_FILE).touch()
    assert main(command) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    assert main(["train", "restorer", "nothing"]) == 2
    assert main(["train", "restorer", "compact-restorer", "--set", "run.sheep=2"]) == 2


# --- doctor -----------------------------------------------------------------------------------


def test_doctor_lists_and_times(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from panini_core.checkpoints import DEFAULT_WEIGHTS
    from panini_core.checkpoints.detector import BUNDLED_DETECTOR

    code = main(["doctor", "--device", "cpu", "--model", str(tiny_model)])
    printed = capsys.readouterr().out
    for word in ("Python", "torch", "facexlib", "in use", "faces/s"):
        assert word in printed
    assert (code == 0) == (DEFAULT_WEIGHTS.is_file() and BUNDLED_DETECTOR.is_file())
    assert ("MISSING" in printed) == (code == 1)
