"""Degradations as files."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from panini_core.checkpoints import CheckpointError, save_panini
from panini_core.checkpoints.degradation_file import load_degradation, save_degradation
from panini_core.checkpoints.fingerprint import encoder_fingerprint
from panini_core.faces import DegradationRepresentation
from panini_core.models.panini import PaniniConfig, PaniniNet


def degradation(count: int = 3, size: int = 16) -> DegradationRepresentation:
    generator = torch.Generator().manual_seed(count)
    return DegradationRepresentation(torch.randn(count, size, generator=generator))


@pytest.fixture
def saved(tmp_path: Path, either_model: PaniniNet) -> Path:
    path = tmp_path / "below" / "mine.safetensors"
    save_degradation(path, degradation(), encoder_fingerprint(either_model))
    return path


def test_what_was_saved_comes_back(saved: Path, either_model: PaniniNet) -> None:
    assert torch.equal(load_degradation(saved, either_model).vectors, degradation().vectors)
    half = copy.deepcopy(either_model).to(torch.bfloat16)
    assert torch.equal(load_degradation(saved, half).vectors, degradation().vectors)
    assert [file.name for file in saved.parent.iterdir()] == [saved.name]


def test_a_name_may_be_as_long_as_the_system_allows(
    tmp_path: Path, either_model: PaniniNet
) -> None:
    path = tmp_path / ("像" * 81 + ".safetensors")  # 255 bytes
    save_degradation(path, degradation(), encoder_fingerprint(either_model))
    assert torch.equal(load_degradation(path, either_model).vectors, degradation().vectors)


def test_the_same_name_is_replaced(saved: Path, either_model: PaniniNet) -> None:
    save_degradation(saved, degradation(1), encoder_fingerprint(either_model))
    assert len(load_degradation(saved, either_model)) == 1


def test_half_precision_is_saved_as_it_is(tmp_path: Path, either_model: PaniniNet) -> None:
    half = DegradationRepresentation(degradation().vectors.bfloat16())
    save_degradation(tmp_path / "a.safetensors", half, encoder_fingerprint(either_model))
    loaded = load_degradation(tmp_path / "a.safetensors", either_model).vectors
    assert loaded.dtype == torch.float32
    assert torch.equal(loaded, half.vectors.float())


def test_another_models_degradation_is_refused(saved: Path, either_model: PaniniNet) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        other = PaniniNet(PaniniConfig.preset("tiny"))
    with pytest.raises(CheckpointError, match=r"mine\.safetensors: another model's"):
        load_degradation(saved, other)
    save_degradation(saved, degradation(size=8), encoder_fingerprint(either_model))
    with pytest.raises(CheckpointError, match="vectors of 8 numbers; this model's have 16"):
        load_degradation(saved, either_model)


def test_files_of_something_else_are_refused(tmp_path: Path, either_model: PaniniNet) -> None:
    path = tmp_path / "other.safetensors"
    with pytest.raises(CheckpointError, match="no such file"):
        load_degradation(path, either_model)
    save_panini(path, either_model)
    with pytest.raises(CheckpointError, match="expected a saved degradation"):
        load_degradation(path, either_model)
    path = tmp_path / "other.pth"
    torch.save({"vectors": torch.zeros(1, 16)}, path)
    with pytest.raises(CheckpointError, match="expected a saved degradation"):
        load_degradation(path, either_model)


def test_damaged_files_are_refused(saved: Path, either_model: PaniniNet) -> None:
    whole = saved.read_bytes()
    saved.write_bytes(whole[:-10])
    with pytest.raises(CheckpointError, match="truncated or damaged"):
        load_degradation(saved, either_model)
    saved.write_bytes(whole.replace(b'"panini_degradation":"1"', b'"panini_degradation":"7"'))
    with pytest.raises(CheckpointError, match="Update this package"):
        load_degradation(saved, either_model)
    saved.write_bytes(whole.replace(b'"vectors"', b'"victors"'))
    with pytest.raises(CheckpointError, match="not a whole degradation"):
        load_degradation(saved, either_model)


def test_what_cannot_be_used_later_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(ValueError, match="no face"):
        save_degradation(path, degradation(0), "")
    with pytest.raises(ValueError, match="NaN or infinity"):
        save_degradation(path, DegradationRepresentation(torch.full((1, 16), torch.nan)), "")
    assert list(tmp_path.iterdir()) == []
