"""Networks that differ in their fusion only."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from panini_core.models.degradation_encoder import DegradationEncoder
from panini_core.models.panini import PaniniConfig
from panini_lab.studies.fusion import (
    FUSIONS,
    HELD_OUT_VERSIONS,
    Addition,
    Concatenation,
    build_variants,
    study_fusion,
)

CONFIG = dataclasses.replace(
    PaniniConfig.preset("tiny"), picture_bands=0, degradation_discriminants=4
)


def encoder() -> DegradationEncoder:
    torch.manual_seed(3)
    return DegradationEncoder(CONFIG.degradation_layers, patch=4, discriminants=4).eval()


def test_every_variant_begins_with_what_it_is_given(study_faces: Tensor) -> None:
    variants = build_variants(CONFIG, encoder(), seed=1)
    assert set(variants) == {(name, told) for name in FUSIONS for told in (True, False)}
    images = study_faces.float() / 127.5 - 1
    for network in variants.values():
        torch.testing.assert_close(network.eval()(images), images)


def test_variants_share_all_other_numbers() -> None:
    variants = build_variants(CONFIG, encoder(), seed=1)
    reference = variants["DAFI", True].state_dict()
    for (name, told), network in variants.items():
        state = network.state_dict()
        for key in reference.keys() & state.keys():
            if "predictor" not in key:  # drawn after the encoder, which half of them lack
                assert torch.equal(state[key], reference[key]), (name, told, key)
        trained = {key for key, p in network.named_parameters() if p.requires_grad}
        assert not any(key.startswith("degradation_encoder") for key in trained)
        assert ("learned_degradation" in trained) is not told


@pytest.mark.parametrize("kind", [Addition, Concatenation])
def test_the_other_fusions_use_both_features_and_alpha(
    kind: type[Addition] | type[Concatenation],
) -> None:
    torch.manual_seed(0)
    fusion = kind((5, 4), (6, 3))
    prior, image = torch.randn(2, 3, 8, 8), torch.randn(2, 4, 8, 8)
    alpha = torch.rand(2, 2, 6)
    with torch.no_grad():
        fusion.tell[1].fill_(0.5)
    fused = fusion(1, prior, image, alpha)
    assert fused.shape == (2, 3, 8, 8)
    changed = alpha.clone()
    changed[:, 1, 0] += 0.2
    moved = fusion(1, prior, image, changed) - fused
    torch.testing.assert_close(moved[:, 0], torch.full((2, 8, 8), 0.2))  # 0.5 * 2 * 0.2
    assert moved[:, 1:].abs().max() == 0
    assert not torch.allclose(fusion(1, prior * 2, image, alpha), fused)
    assert not torch.allclose(fusion(1, prior, image * 2, alpha), fused)


def test_the_study_trains_and_measures_every_variant(study_faces: Tensor) -> None:
    steps: list[tuple[int, int]] = []
    study = study_fusion(
        study_faces,
        study_faces[:2],
        steps=12,
        udrl_steps=2,
        batch=4,
        seeds=2,
        config=CONFIG,
        on_progress=lambda *step: steps.append(step),
    )
    assert steps == [(step, 28) for step in range(1, 29)]
    assert [(r.fusion, r.represented) for r in study.results] == [
        (name, told) for name in FUSIONS for told in (True, False)
    ]
    assert HELD_OUT_VERSIONS > 1
    for result in study.results:
        assert len(result.psnr_of_seeds) == 2
        assert result.psnr == pytest.approx(sum(result.psnr_of_seeds) / 2)
        # Each learned something and none is broken.
        assert result.psnr != study.degraded_psnr
        assert result.psnr > study.degraded_psnr - 3
        assert result.represented or result.gain_of_own_degradation == 0
    counts = [result.parameters for result in study.results]
    assert max(counts) < 1.3 * min(counts)
