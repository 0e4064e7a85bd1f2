"""`panini study`: figures, charts and sheets in a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from panini_core.atlas import atlas_path, save_atlas
from panini_core.checkpoints import load_panini
from panini_core.cli import main
from panini_core.cli.console import EXIT_DONE, EXIT_USAGE
from panini_core.images import ImageFile, read_image, write_image
from panini_lab.commands import study
from panini_lab.options import STUDY_NAMES
from panini_lab.studies.fusion import FusionResult, FusionStudy
from panini_lab.training.atlas_builder import build_atlas


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A folder of eight smooth pictures."""
    folder = tmp_path / "faces"
    folder.mkdir()
    generator = torch.Generator().manual_seed(0)
    for index in range(8):
        coarse = torch.rand(1, 3, 6, 6, generator=generator)
        picture = torch.nn.functional.interpolate(coarse, (64, 64), mode="bicubic")[0]
        write_image(folder / f"{index}.png", ImageFile(picture.clamp(0, 1)))
    return folder


def run(what: str, output: Path, *options: object) -> int:
    return main(["study", what, "-o", str(output), "--device", "cpu", *map(str, options)])


@pytest.mark.parametrize(("what", "key"), [("degradation", "confusion"), ("alpha", "responses")])
def test_figures_and_a_chart(
    what: str,
    key: str,
    faces: Path,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "out"
    assert run(what, output, "--faces", faces, "--model", tiny_model) == EXIT_DONE
    figures = json.loads((output / f"{what}.json").read_text())
    assert figures["faces"] == 8 and figures[key]
    chart = read_image(output / f"{what}.png").pixels
    assert chart.std() > 0.02
    assert "| --- |" in capsys.readouterr().out
    # What is there is not overwritten unasked.
    before = (output / f"{what}.json").read_bytes()
    assert run(what, output, "--faces", faces, "--model", tiny_model) == EXIT_USAGE
    assert "--force" in capsys.readouterr().err
    assert (output / f"{what}.json").read_bytes() == before


def test_edits_need_an_atlas_and_give_sheets(
    faces: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    options = ("--faces", faces, "--limit", 2, "--model", tiny_model)
    assert run("editing", output, *options) == EXIT_USAGE
    assert "panini atlas" in capsys.readouterr().err
    model = load_panini(tiny_model)
    pictures = torch.stack([read_image(path).pixels for path in sorted(faces.iterdir())])
    save_atlas(atlas_path(tiny_model), build_atlas(model, (pictures * 255).byte()))
    assert run("editing", output, *options) == EXIT_DONE
    figures = json.loads((output / "editing.json").read_text())
    assert figures["faces"] == 2
    assert {result["edit"] for result in figures["results"]} == {
        "degradation",
        "levels",
        "fidelity",
    }
    for edit in ("degradation", "levels", "fidelity"):
        assert read_image(output / f"editing-{edit}.jpg").pixels.shape[1] > 64


def test_fusion_trains_on_some_faces_and_judges_by_others(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, object] = {}

    def fake(
        training: Tensor, held_out: Tensor, *, steps: int = 5, seeds: int = 1, on_progress: object
    ) -> FusionStudy:
        seen.update(training=tuple(training.shape), held_out=tuple(held_out.shape), steps=steps)
        result = FusionResult("DAFI", True, 10, 24.0, 0.7, (23.9, 24.1), 0.5)
        return FusionStudy(7, 8, 2, 23.0, 0.6, (result,))

    monkeypatch.setattr(study, "study_fusion", fake)
    output = tmp_path / "out"
    options = ("--training-faces", faces, "--faces", faces, "--limit", 3, "--steps", 7)
    assert run("fusion", output, *options) == EXIT_DONE
    assert (seen["training"], seen["held_out"]) == ((8, 3, 128, 128), (3, 3, 128, 128))
    assert seen["steps"] == 7
    assert json.loads((output / "fusion.json").read_text())["results"][0]["psnr"] == 24
    assert (output / "fusion.png").is_file()


def test_a_picture_that_is_there_is_seen_before_the_work(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: object, **__: object) -> FusionStudy:
        raise AssertionError("an hour would be lost")

    monkeypatch.setitem(study.STUDIES, "fusion", never)
    (tmp_path / "fusion.png").write_bytes(b"a chart")
    assert run("fusion", tmp_path, "--training-faces", faces, "--faces", faces) == EXIT_USAGE
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "fusion.png").read_bytes() == b"a chart"
    assert not (tmp_path / "fusion.json").exists()


@pytest.mark.parametrize(("what", "option"), [("alpha", "--faces"), ("fusion", "--training-faces")])
def test_missing_faces_are_asked_for(
    what: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(what, tmp_path / "out") == EXIT_USAGE
    assert f"needs {option}" in capsys.readouterr().err
    assert run(what, tmp_path / "out", option, tmp_path / "nowhere") == EXIT_USAGE
    assert "nowhere" in capsys.readouterr().err


def test_every_study_can_be_chosen() -> None:
    assert tuple(study.STUDIES) == STUDY_NAMES
