"""Whether degradations are told apart, and people not."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.options import SINGLE_DEGRADATIONS
from panini_lab.studies.separation import MIXED_VERSIONS, SeparationStudy, study_separation


class Seeing(nn.Module):
    """An encoder that sees one thing only: how rough an image is, or its mean colours."""

    def __init__(self, people: bool) -> None:
        super().__init__()
        self.people = people

    def forward(self, images: Tensor) -> Tensor:
        if self.people:  # what degradations leave: the colours of the four quarters
            return nn.functional.adaptive_avg_pool2d(images, 2).flatten(1)
        across, down = images.diff(dim=3), images.diff(dim=2)
        parts = [across, down, across.diff(dim=3), across[..., 7::8], across[..., 3::8]]
        return torch.stack([part.abs().mean((1, 2, 3)).clamp_min(1e-6).log() for part in parts], 1)


def study(tiny_model: PaniniNet, faces: Tensor, *, people: bool) -> SeparationStudy:
    model = PaniniNet(tiny_model.config)
    model.degradation_encoder = Seeing(people)  # type: ignore[assignment]
    return study_separation(model, faces)


def test_an_encoder_of_roughness_knows_degradations_and_not_people(
    tiny_model: PaniniNet, study_faces: Tensor
) -> None:
    found = study(tiny_model, study_faces, people=False)
    assert found.kinds == SINGLE_DEGRADATIONS
    assert found.kind_by_chance == pytest.approx(0.2)
    assert found.kind_by_neighbours > 0.5
    assert found.kind_by_probe > 0.5
    assert found.person_by_probe < 0.5
    assert found.person_by_neighbours_mixed < 0.5
    for row in found.confusion:
        assert sum(row) == pytest.approx(1)
    right = sum(row[index] for index, row in enumerate(found.confusion)) / len(SINGLE_DEGRADATIONS)
    assert right == pytest.approx(found.kind_by_probe)


def test_an_encoder_of_colours_knows_people_and_not_degradations(
    tiny_model: PaniniNet, study_faces: Tensor
) -> None:
    found = study(tiny_model, study_faces, people=True)
    assert found.person_by_chance == pytest.approx(1 / 8)
    assert found.person_by_neighbours == 1
    assert found.person_by_probe > 0.9
    assert found.person_by_neighbours_mixed > 0.9
    assert found.person_by_probe_mixed > 0.9
    assert found.kind_by_probe < 0.5


def test_it_reports_progress_and_repeats(tiny_model: PaniniNet, study_faces: Tensor) -> None:
    steps: list[tuple[int, int]] = []
    first = study_separation(
        tiny_model, study_faces, versions=1, on_progress=lambda *step: steps.append(step)
    )
    total = 8 * (len(SINGLE_DEGRADATIONS) + MIXED_VERSIONS)
    assert steps[-1] == (total, total)
    assert study_separation(tiny_model, study_faces, versions=1) == first


def test_few_faces_and_a_learned_degradation_are_refused(
    tiny_model: PaniniNet, study_faces: Tensor
) -> None:
    with pytest.raises(ValueError, match="at least 8 faces, got 7"):
        study_separation(tiny_model, study_faces[:7])
    config = dataclasses.replace(PaniniConfig.preset("tiny"), learned_degradation=True)
    with pytest.raises(ValueError, match="nothing to study"):
        study_separation(PaniniNet(config), study_faces)
