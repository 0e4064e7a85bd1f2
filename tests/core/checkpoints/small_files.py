"""Small networks, and their tensors under official names."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from panini_core.checkpoints import (
    layouts,
)
from panini_core.checkpoints.mean_latent import estimate_mean_latent
from panini_core.models.degradation_encoder import DegradationEncoder
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.models.stylegan2 import (
    fir_kernel,
)

TINY = PaniniConfig.preset("tiny")
MOBILE = PaniniConfig.preset("tiny-mobile")


SMALL_MFR = PaniniConfig(  # the official layout with few channels
    input_size=64,
    prior_channels=(8, 8, 6, 4),
    style_size=16,
    mapping_layers=2,
    extractor_channels=6,
    extractor_blocks=1,
    attention_hidden=3,
    stem=((6, 1), (8, 2), (8, 2)),
    level_channels=(8, 8, 8),
    latent_hidden=4,
    degradation_size=16,
    degradation_pool=1,
    degradation_layers=((8, 1), (8, 1), (16, 2)),
)


SMALL_SR = dataclasses.replace(
    SMALL_MFR,
    input_size=16,
    stem=((8, 1),),
    degradation_pool=2,
    degradation_layers=PaniniConfig.preset("official-sr").degradation_layers,
    learned_degradation=True,
)


def official(module: torch.nn.Module, table: layouts.Table) -> dict[str, Tensor]:
    """A module's state dict under official names."""
    own = module.state_dict()
    result: dict[str, Tensor] = {}
    for name, row in table.items():
        if isinstance(row, layouts.Kernel):
            result[name] = fir_kernel(row.gain)
        else:
            tensor = own[row.name]
            result[name] = tensor.reshape((1,) * row.before + tensor.shape + (1,) * row.after)
    return result


def small_net(config: PaniniConfig, seed: int = 0) -> PaniniNet:
    torch.manual_seed(seed)
    net = PaniniNet(config).eval()
    with torch.no_grad():  # what is zero or one in a fresh network would hide a mix-up
        for parameter in net.parameters():
            if parameter.unique().numel() == 1:
                parameter.normal_(parameter.mean().item(), 0.1)
        for name, buffer in net.named_buffers():
            if "running" in name:
                buffer.uniform_(0.5, 1.5)
            if "num_batches" in name:
                buffer.fill_(7)
        net.mean_latent.copy_(estimate_mean_latent(net.gan_prior))  # no official file holds it
    return net


def below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def assert_same(a: torch.nn.Module, b: torch.nn.Module) -> None:
    state, other = a.state_dict(), b.state_dict()
    assert state.keys() == other.keys()
    for name in state:
        assert torch.equal(state[name], other[name]), name


def moco_content(encoder: DegradationEncoder, other: DegradationEncoder) -> dict[str, Any]:
    table = layouts.degradation_encoder_table(3)
    return {
        "epoch": 200,
        "arch": "resnet50",
        "state_dict": {
            "module.queue": torch.zeros(16, 32),
            "module.queue_ptr": torch.zeros(1, dtype=torch.long),
            **below("module.encoder_q.", official(encoder, table)),
            **below("module.encoder_k.", official(other, table)),
        },
        "optimizer": {"state": {}, "param_groups": []},
    }
