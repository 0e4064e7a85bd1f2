"""The atlas that ships, on real faces that it has never seen."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from panini_core import load_panini, read_image
from panini_core.atlas import DegradationAtlas, describe_degradation, load_atlas
from panini_core.faces import DegradationRepresentation
from panini_core.models.panini import PaniniNet
from panini_lab.training.atlas_builder import known_samples


@pytest.fixture(scope="module")
def default_model() -> PaniniNet:
    return load_panini(dtype=torch.float32)


@pytest.fixture(scope="module")
def default_atlas(default_model: PaniniNet) -> DegradationAtlas:
    atlas = load_atlas(default_model)
    assert atlas is not None, "run `panini atlas` for the default weights"
    return atlas


def test_real_faces_are_described_rightly(
    default_model: PaniniNet, default_atlas: DegradationAtlas, shared: Path
) -> None:
    files = sorted((shared / "data" / "eval" / "clean").iterdir())[:18]
    faces = torch.stack([(read_image(file).pixels * 255).round().byte() for file in files])
    samples = known_samples(default_model, faces, seed=77)
    found = describe_degradation(default_atlas, DegradationRepresentation(samples.vectors))
    single = ("sharp", "blur", "noise", "jpeg", "low resolution")
    right = [
        next(name for name, _ in description.nearest if name in single) == single[label]
        for description, label in zip(found, samples.labels.tolist(), strict=True)
        if label < len(single) and any(name in single for name, _ in description.nearest)
    ]
    assert len(right) >= 0.9 * 5 * len(files)
    assert sum(right) / len(right) >= 0.7
    severities = torch.tensor([description.severity for description in found])
    assert torch.corrcoef(torch.stack([severities, samples.severity]))[0, 1] >= 0.8
    assert sum(description.distance <= 1 for description in found) / len(found) >= 0.9
