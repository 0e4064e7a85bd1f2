"""`panini atlas`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from panini_core import load_atlas, load_panini
from panini_core.cli import main


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    folder = tmp_path / "faces"
    folder.mkdir()
    for index in range(6):
        coarse = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC)
        picture.save(folder / f"{index}.png")
    return folder


def test_an_atlas_is_made_and_found_beside_the_model(
    faces: Path, tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "mine.safetensors"
    weights.write_bytes(tiny_model.read_bytes())
    target, plot = tmp_path / "mine.atlas.safetensors", tmp_path / "map.png"
    command = ["atlas", "--model", str(weights), "--faces", str(faces), "--limit", "5"]
    command += ["-o", str(target), "--plot", str(plot), "--device", "cpu"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "40 samples of 5 faces" in printed
    assert "low resolution: a typical one is" in printed
    atlas = load_atlas(load_panini(weights), weights)
    assert atlas is not None
    assert len(atlas.vectors) == 8 * 5
    with Image.open(plot) as picture:
        assert picture.size == (960, 560)

    assert main(command) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([*command, "--force", "--seed", "2"]) == 0


def test_arguments_that_cannot_be_used(
    faces: Path, tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["atlas", "--model", str(tiny_model), "--device", "cpu"]
    good, wrong = str(tmp_path / "a.atlas.safetensors"), str(tmp_path / "a.safetensors")
    assert main([*common, "--faces", str(faces), "-o", wrong]) == 2
    assert "ends in .atlas.safetensors" in capsys.readouterr().err
    assert main([*common, "--faces", str(tmp_path / "nowhere"), "-o", good]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert main([*common, "--faces", str(faces), "--limit", "3", "-o", good]) == 1
    assert "at least 4 faces" in capsys.readouterr().err
    assert not Path(good).exists()
