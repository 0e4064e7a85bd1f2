"""The fidelity curve beside a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from panini_core.checkpoints import CheckpointError, load_panini, save_panini
from panini_core.checkpoints.fidelity_file import fidelity_path, read_fidelity, write_fidelity
from panini_core.models.fidelity_curve import FidelityCurve, straight_curve
from panini_core.models.panini import PaniniConfig, PaniniNet


@pytest.fixture
def model() -> PaniniNet:
    torch.manual_seed(0)
    return PaniniNet(PaniniConfig.preset("tiny")).eval()


@pytest.fixture
def curve(model: PaniniNet) -> FidelityCurve:
    levels = len(model.config.interpolated_channels)
    return straight_curve([[0.4] * levels, [0.1 * row for row in range(levels)]])


def test_a_curve_lies_beside_its_weights_and_is_loaded_with_them(
    tmp_path: Path, model: PaniniNet, curve: FidelityCurve
) -> None:
    file = tmp_path / "mine.v2.safetensors"
    save_panini(file, model)
    assert load_panini(file).fidelity_curve is None
    beside = fidelity_path(file)
    assert beside == tmp_path / "mine.v2.fidelity.json"
    write_fidelity(beside, curve, model, {"faces": 3})
    assert load_panini(file).fidelity_curve == curve
    assert load_panini(file, dtype=torch.float16).fidelity_curve == curve
    assert json.loads(beside.read_text())["measured"] == {"faces": 3}


def test_the_curve_of_another_network_does_not_count(
    tmp_path: Path, model: PaniniNet, curve: FidelityCurve
) -> None:
    file = tmp_path / "curve.json"
    write_fidelity(file, curve, model)
    other = PaniniNet(PaniniConfig.preset("tiny"))
    assert read_fidelity(file, other) is None
    assert read_fidelity(tmp_path / "none.json", model) is None


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"places": None},
        {"places": [[0.5], [0.5], [2.0]]},
        {"fidelities": ["low", 0.5, 1]},
        {"places": [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]},  # of another number of levels
    ],
)
def test_a_file_that_is_no_curve_says_what_to_do(
    tmp_path: Path, model: PaniniNet, curve: FidelityCurve, change: dict[str, object]
) -> None:
    file = tmp_path / "curve.json"
    write_fidelity(file, curve, model)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(CheckpointError, match="panini calibrate"):
        read_fidelity(file, model)
    file.write_text("[1, 2]")
    with pytest.raises(CheckpointError, match="is not a fidelity curve"):
        read_fidelity(file, model)
