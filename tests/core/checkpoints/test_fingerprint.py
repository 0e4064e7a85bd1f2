"""Which encoder made a degradation."""

from __future__ import annotations

import copy
import dataclasses
import re

import pytest
import torch

from panini_core.checkpoints.fingerprint import encoder_fingerprint, network_fingerprint
from panini_core.models.panini import PaniniConfig, PaniniNet


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_precision_does_not_matter(tiny_model: PaniniNet, dtype: torch.dtype) -> None:
    whole = encoder_fingerprint(tiny_model)
    assert re.fullmatch("[0-9a-f]{64}", whole)
    rounded = copy.deepcopy(tiny_model).to(dtype)
    assert encoder_fingerprint(rounded) == whole
    assert encoder_fingerprint(rounded.float()) == whole


def test_the_prior_does_not_matter(tiny_model: PaniniNet) -> None:
    other = PaniniNet(PaniniConfig.preset("tiny-mobile"))
    assert encoder_fingerprint(other) != encoder_fingerprint(tiny_model)
    assert other.degradation_encoder is not None
    assert tiny_model.degradation_encoder is not None
    other.degradation_encoder.load_state_dict(tiny_model.degradation_encoder.state_dict())
    assert encoder_fingerprint(other) == encoder_fingerprint(tiny_model)


def test_only_what_the_representation_depends_on_matters(tiny_model: PaniniNet) -> None:
    other = copy.deepcopy(tiny_model)
    assert other.degradation_encoder is not None
    with torch.no_grad():
        other.image_encoder.get_parameter(
            next(iter(dict(other.image_encoder.named_parameters())))
        ).neg_()
        for parameter in other.degradation_encoder.projection.parameters():
            parameter.neg_()
    assert encoder_fingerprint(other) == encoder_fingerprint(tiny_model)
    with torch.no_grad():
        next(other.degradation_encoder.features.parameters())[0].neg_()
    assert encoder_fingerprint(other) != encoder_fingerprint(tiny_model)


def test_a_learned_degradation_has_one_too() -> None:
    config = dataclasses.replace(PaniniConfig.preset("tiny"), learned_degradation=True)
    one, two = PaniniNet(config), PaniniNet(config)
    assert encoder_fingerprint(one) != encoder_fingerprint(two)
    two.load_state_dict(one.state_dict())
    assert encoder_fingerprint(one) == encoder_fingerprint(two)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_network_is_known_again_in_any_precision(
    either_model: PaniniNet, dtype: torch.dtype
) -> None:
    whole = network_fingerprint(either_model)
    assert re.fullmatch("[0-9a-f]{64}", whole)
    assert network_fingerprint(copy.deepcopy(either_model).to(dtype)) == whole


def test_every_part_that_restores_matters_to_the_network(tiny_model: PaniniNet) -> None:
    whole = network_fingerprint(tiny_model)
    for name, part in tiny_model.named_children():
        other = copy.deepcopy(tiny_model)
        with torch.no_grad():
            next(other.get_submodule(name).parameters()).neg_()
        assert network_fingerprint(other) != whole, (name, part)
    trained = copy.deepcopy(tiny_model)  # further, without another result
    trained.mean_latent.sub_(1)
    assert trained.degradation_encoder is not None
    with torch.no_grad():
        for parameter in trained.degradation_encoder.projection.parameters():
            parameter.neg_()
    assert network_fingerprint(trained) == whole
