"""MobileStyleGAN as it was published: arrays with random numbers, and what they compute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from panini_core.checkpoints.mobile_prior import PriorSizes

SMALL = PriorSizes(code=16, mapping_layers=3, start=12, widths=(8, 8, 6))
IMAGE_SIZE, ROWS = 32, 8

Arrays = dict[str, Tensor]


def published_arrays(sizes: PriorSizes = SMALL, seed: int = 0) -> Arrays:
    """Random numbers of sensible sizes under the published names."""
    random = torch.Generator().manual_seed(seed)
    arrays: Arrays = {}
    for name, shape in sizes.shapes().items():
        numbers = torch.randn(shape, generator=random)
        if name.endswith((".noise", "bias")):
            numbers *= 0.1
        elif name.endswith("mod_weight"):
            numbers *= 0.3 / shape[1] ** 0.5
        elif numbers.ndim > 1 and name != "const":
            numbers *= (2 / numbers[0].numel()) ** 0.5
        arrays[name] = numbers + 1 if name.endswith("mod_bias") else numbers
    return arrays


def write_published(path: Path, arrays: Mapping[str, Tensor]) -> Path:
    save_file(dict(arrays), path)
    return path


def plain_codes(arrays: Arrays, z: Tensor, layers: int) -> Tensor:
    """The mapping: z over its root mean square, then layers whose activations have a gain."""
    w = z / z.square().mean(1, keepdim=True).sqrt()
    for index in range(layers):
        w = F.linear(w, arrays[f"mapping.{index}.weight"], arrays[f"mapping.{index}.bias"])
        w = F.leaky_relu(w, 0.2) * 2**0.5
    return w


def plain_picture(arrays: Arrays, w_plus: Tensor, blocks: int, *, large: bool) -> Tensor:
    """The synthesis, layer by layer, by feature maps that are scaled."""

    def modulated(name: str, x: Tensor, w: Tensor) -> Tensor:
        scale = F.linear(w, arrays[f"{name}.mod_weight"], arrays[f"{name}.mod_bias"])
        return x * scale[:, :, None, None]

    def activated(name: str, x: Tensor) -> Tensor:
        x = x + arrays[f"{name}.noise"] + arrays[f"{name}.bias"][:, None, None]
        return F.leaky_relu(x, 0.2)

    def separable(name: str, x: Tensor, w: Tensor) -> Tensor:
        x = modulated(name, x, w)
        x = F.conv2d(x, arrays[f"{name}.depthwise"], padding=1, groups=x.shape[1])
        return activated(name, F.conv2d(x, arrays[f"{name}.pointwise"]))

    x = arrays["const"].expand(len(w_plus), -1, -1, -1)
    x = F.conv2d(modulated("conv1", x, w_plus[:, 0]), arrays["conv1.weight"], padding=1)
    x = activated("conv1", x)
    for index in range(blocks):
        name, first, second = f"blocks.{index}", w_plus[:, 1 + 2 * index], w_plus[:, 2 + 2 * index]
        x = plain_haar_up(modulated(f"{name}.up", x, first))
        x = separable(f"{name}.conv1", x, first)
        x = separable(f"{name}.conv2", x, second)
    x = modulated("to_bands", x, w_plus[:, -1])
    bands = F.conv2d(x, arrays["to_bands.weight"], arrays["to_bands.bias"])
    return plain_haar_up(bands) if large else bands[:, :3] / 2


def plain_haar_up(bands: Tensor) -> Tensor:
    """(N, 4 C, h, w): C low bands, then (lh, hl, hh) of each -> (N, C, 2h, 2w)."""
    count, channels, height, width = bands.shape
    low, details = bands[:, : channels // 4], bands[:, channels // 4 :]
    lh, hl, hh = (details[:, number::3] for number in range(3))
    image = bands.new_empty(count, channels // 4, 2 * height, 2 * width)
    image[:, :, 0::2, 0::2] = low + lh + hl + hh
    image[:, :, 1::2, 0::2] = low - lh + hl - hh
    image[:, :, 0::2, 1::2] = low + lh - hl - hh
    image[:, :, 1::2, 1::2] = low - lh - hl + hh
    return image / 2
