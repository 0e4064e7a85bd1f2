"""Making an atlas."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.options import KNOWN_DEGRADATIONS
from panini_lab.training import atlas_builder
from panini_lab.training.atlas_builder import CLASSES, build_atlas, known_samples, severity_of_psnr
from panini_lab.training.config import DataConfig
from panini_lab.training.data import load_faces


@pytest.fixture(scope="module")
def faces(face_folder: Path) -> torch.Tensor:
    return load_faces(DataConfig(sources=(str(face_folder),), image_size=64))


def test_the_classes_are_those_that_the_interface_offers() -> None:
    assert tuple(CLASSES) == KNOWN_DEGRADATIONS


def test_severity_is_linear_in_decibels() -> None:
    decibels = torch.tensor([100.0, 40.0, 29.0, 18.0, 5.0])
    assert severity_of_psnr(decibels).tolist() == pytest.approx([0, 0, 0.5, 1, 1])


def test_every_face_is_once_in_every_class(tiny_model: PaniniNet, faces: torch.Tensor) -> None:
    steps: list[tuple[int, int]] = []
    samples = known_samples(tiny_model, faces, on_progress=lambda *step: steps.append(step))
    assert samples.vectors.shape == (8 * 10, 16)
    assert samples.labels.bincount().tolist() == [10] * 8
    assert steps[-1] == (80, 80)
    assert (samples.severity[samples.labels == 0] == 0).all()
    assert (samples.severity[samples.labels == list(CLASSES).index("noise")] > 0).all()


def test_an_atlas_holds_samples_of_every_class(
    tiny_model: PaniniNet, faces: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlas_builder, "KEPT_PER_CLASS", 6)
    atlas = build_atlas(tiny_model, faces, seed=3)
    assert atlas.names == tuple(CLASSES)
    assert atlas.labels.bincount().tolist() == [6] * 8
    assert atlas.vectors.shape == (48, 16)
    assert 0 <= atlas.positions.min() and atlas.positions.max() <= 1
    assert atlas.positions.amax(0).max() == pytest.approx(1) and atlas.reach > 0
    same, other = build_atlas(tiny_model, faces, seed=3), build_atlas(tiny_model, faces, seed=4)
    assert torch.equal(atlas.vectors, same.vectors)
    assert not torch.equal(atlas.vectors, other.vectors)


def test_too_few_faces_and_learned_degradations_are_refused(
    tiny_model: PaniniNet, faces: torch.Tensor
) -> None:
    with pytest.raises(ValueError, match="at least 4 faces, got 3"):
        build_atlas(tiny_model, faces[:3])
    config = dataclasses.replace(PaniniConfig.preset("tiny"), learned_degradation=True)
    with pytest.raises(ValueError, match="no atlas possible"):
        build_atlas(PaniniNet(config), faces)
