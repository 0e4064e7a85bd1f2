"""How alpha answers to severity."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.options import MIXED_DEGRADATIONS
from panini_lab.studies.response import DOSES, rank_correlation, study_response


def test_every_degradation_is_given_in_growing_doses(
    either_model: PaniniNet, study_faces: Tensor
) -> None:
    steps: list[tuple[int, int]] = []
    study = study_response(
        either_model, study_faces[:3], on_progress=lambda *step: steps.append(step)
    )
    assert study.levels == ("4", "8", "16", "picture")
    assert [response.degradation for response in study.responses] == [*DOSES, "mixed"]
    pictures = 3 * (sum(len(doses) for doses in DOSES.values()) + len(MIXED_DEGRADATIONS))
    assert steps[-1] == (pictures, pictures)
    for response in study.responses:
        assert len(response.alpha) == len(response.doses) == len(response.psnr)
        assert all(len(row) == 4 and all(0 <= a <= 1 for a in row) for row in response.alpha)
        # What is called more severe is farther from the clean face.
        doses = torch.arange(len(response.psnr), dtype=torch.float64)
        assert rank_correlation(doses, torch.tensor(response.psnr).double()) < -0.8, response
        assert all(-1 <= value <= 1 for value in response.correlation)
    for response in study.responses[:-1]:
        assert response.psnr[0] == 100  # nothing at all
        assert response.alpha[0] == pytest.approx(study.responses[0].alpha[0])


def test_alpha_is_read_from_the_model(either_model: PaniniNet, study_faces: Tensor) -> None:
    study = study_response(either_model, study_faces[:2])
    with torch.inference_mode():
        alpha = either_model.predict_alpha(
            either_model.encode_degradation(study_faces[:2].float() / 127.5 - 1)
        )
    channels = either_model.config.interpolated_channels
    expected = [float(alpha[:, level, : channels[level]].mean()) for level in range(3)]
    assert study.responses[0].alpha[0][:3] == pytest.approx(expected, abs=1e-5)


def test_a_learned_degradation_is_refused(study_faces: Tensor) -> None:
    config = dataclasses.replace(PaniniConfig.preset("tiny"), learned_degradation=True)
    with pytest.raises(ValueError, match="answers to nothing"):
        study_response(PaniniNet(config), study_faces)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=30))
def test_rank_correlation_sees_order_alone(values: list[int]) -> None:
    series = torch.tensor(values, dtype=torch.float64)
    expected = 1.0 if len(set(values)) > 1 else 0.0
    assert rank_correlation(series, series.pow(3) + 7) == pytest.approx(expected)
    assert rank_correlation(series, -series) == pytest.approx(-expected)


def test_equal_values_share_their_rank() -> None:
    a, b = torch.tensor([1.0, 2, 2, 3]), torch.tensor([1.0, 3, 2, 4])
    # Ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4.
    assert rank_correlation(a, b) == pytest.approx(4.5 / (4.5 * 5) ** 0.5)
