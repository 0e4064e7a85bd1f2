"""The mean latent of files that hold none, estimated from the mapping network."""

from __future__ import annotations

import torch
from torch import Tensor

from ..models.panini import GanPrior
from ..models.stylegan2 import EqualLinear

MEAN_LATENT = "mean_latent"  # in the network's state
SAMPLES, SEED = 4096, 0


@torch.no_grad()
def estimate_mean_latent(generator: GanPrior) -> Tensor:
    """The mean W code of random z, for every row of W+: (w_plus_rows, S), float32, as StyleGAN2
    does for its truncation. The same in every call.

    Restoring does not use the mapping network, so that only one trained as a GAN says where faces
    lie. One that never was still has its first biases, zero: then the result is zero, which a
    PaniniNet takes for unknown.
    """
    if generator.mean_latent is not None:  # it came with the generator
        return generator.mean_latent.expand(generator.w_plus_rows, -1)
    layers = [layer for layer in generator.mapping.layers if isinstance(layer, EqualLinear)]
    shape = (generator.w_plus_rows, generator.style_size)
    device = generator.constant.device
    if not any(bool(layer.bias.any()) for layer in layers):
        return torch.zeros(shape, device=device)
    # Drawn on the CPU, where the numbers are the same for every device.
    random = torch.Generator().manual_seed(SEED)
    z = torch.randn(SAMPLES, generator.style_size, generator=random)
    return generator.mapping(z.to(device)).mean(0).expand(shape)
