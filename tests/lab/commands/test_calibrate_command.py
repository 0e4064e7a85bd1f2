"""`panini calibrate`."""

from __future__ import annotations

import json
import shutil
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

from panini_core.checkpoints import load_panini
from panini_core.cli import main
from panini_lab.commands import calibrate
from panini_lab.studies.calibration import Measure

pytestmark = pytest.mark.usefixtures("work_folder")


@pytest.fixture
def command(tiny_model: Path) -> list[str]:
    """`panini calibrate` by three small faces, for a model of its own."""
    rng = np.random.default_rng(0)
    for folder in ("clean", "degraded", "nothing"):
        Path(folder).mkdir()
    for name in ("a", "b", "c"):
        clean = rng.integers(60, 200, (64, 64, 3)).astype(np.uint8)
        Image.fromarray(clean).save(f"clean/{name}.png")
        Image.fromarray(clean + 10).save(f"degraded/{name}.png")
    shutil.copy(tiny_model, "mine.safetensors")
    faces = ["--degraded", "degraded", "--clean", "clean", "--device", "cpu"]
    return ["calibrate", *faces, "--model", "mine.safetensors"]


def test_the_curve_lies_where_the_model_is_loaded_from(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(images: Tensor, clean: Tensor) -> Mapping[str, Tensor]:
        error = (images - clean).abs().mean((1, 2, 3))
        return {"texture": error, "identity": 1 - error}

    def load(arguments: Namespace) -> Measure:
        return measure

    monkeypatch.setattr(calibrate, "_load_measure", load)
    assert main([*command, "--search", "2"]) == 0
    shown = capsys.readouterr().out
    assert "| (degraded) |" in shown
    assert "mine.fidelity.json" in shown
    curve = load_panini("mine.safetensors").fidelity_curve
    assert curve is not None
    assert curve.at(0.5) == (0.5,) * curve.levels
    assert json.loads(Path("mine.fidelity.json").read_text())["measured"]["faces"] == 3
    assert main(command) == 2  # it exists
    assert main([*command, "--force", "--limit", "1", "-o", "other.json"]) == 0
    assert json.loads(Path("other.json").read_text())["measured"]["faces"] == 1


def test_without_its_networks_it_says_so(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--backbones", "nothing"]) == 2
    assert "needs texture and identity" in capsys.readouterr().err
    assert not Path("mine.fidelity.json").exists()
    assert main([*command, "--degraded", "nowhere"]) == 2
