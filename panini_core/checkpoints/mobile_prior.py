"""The published arrays of MobileStyleGAN, under the names of `panini prior`, as our generator's.

Three things differ, none of which changes a picture: a noise image holds its strength; depthwise
kernels are large and the modulations before them small, which half precision does not like; the
details of a Haar step lie beside each other for every channel, ours band by band.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import torch
from einops import rearrange
from torch import Tensor

from ..models.levels import resolution_of
from ..models.mobile_stylegan import BANDS, MobileGenerator
from ..models.stylegan2 import EqualLinear
from .files import CheckpointError, CheckpointFile

LAST_BLOCK = re.compile(r"blocks\.(\d+)\.conv2\.bias$")


def build_mobile_generator(file: CheckpointFile) -> MobileGenerator:
    """The generator with the sizes that the file's tensors have, still without its numbers.

    Raises CheckpointError where a tensor that tells a size is missing or misshapen.
    """
    blocks = 1 + max(
        (int(m[1]) for name in file.tensors if (m := LAST_BLOCK.match(name))), default=-1
    )
    layers = sum(bool(re.fullmatch(r"mapping\.\d+\.weight", name)) for name in file.tensors)
    names = ["const", "mean_latent", *(f"blocks.{i}.conv2.bias" for i in range(blocks))]
    if missing := [name for name in names if name not in file.tensors]:
        raise CheckpointError(file.path, f"a MobileStyleGAN prior lacks {', '.join(missing)}.")
    widths = [file.tensors["const"].shape[1]]
    widths += [file.tensors[name].shape[0] for name in names[2:]]
    channels = {resolution_of(level): width for level, width in enumerate(widths)}
    try:
        with torch.device("meta"):
            return MobileGenerator(channels, file.tensors["mean_latent"].shape[0], layers)
    except (ValueError, IndexError) as error:
        raise CheckpointError(
            file.path, f"its sizes describe no MobileStyleGAN: {error}"
        ) from error


def mobile_prior_tensors(file: CheckpointFile, generator: MobileGenerator) -> dict[str, Tensor]:
    """The generator's state dict from the published arrays, float32.

    Raises CheckpointError if one is missing or too many.
    """
    left = {name: tensor.float() for name, tensor in file.tensors.items()}

    def take(name: str) -> Tensor:
        if name not in left:
            raise CheckpointError(file.path, f"a MobileStyleGAN prior lacks {name}.")
        return left.pop(name)

    state: dict[str, Tensor] = {"mean_latent": take("mean_latent"), "constant": take("const")}

    def modulation(source: str, own: str, scale: Tensor | float = 1.0) -> None:
        weight, bias = take(f"{source}.mod_weight"), take(f"{source}.mod_bias")
        factor = torch.as_tensor(scale).expand(len(bias))
        state[f"{own}.weight"], state[f"{own}.bias"] = weight * factor[:, None], bias * factor

    def noise_and_bias(source: str, own: str, index: int) -> None:
        noise = take(f"{source}.noise")
        strength = noise.std().clamp_min(torch.finfo(torch.float32).tiny)
        state[f"noise_{index}"] = noise / strength
        state[f"{own}.noise_strength"] = strength.reshape(1)
        state[f"{own}.bias"] = take(f"{source}.bias")

    for index, layer in enumerate(generator.mapping.layers):
        assert isinstance(layer, EqualLinear)
        weight, bias = take(f"mapping.{index}.weight"), take(f"mapping.{index}.bias")
        state[f"mapping.layers.{index}.weight"] = weight / layer.scale
        state[f"mapping.layers.{index}.bias"] = bias / layer.lr_mul

    modulation("conv1", "conv.style")
    state["conv.weight"] = take("conv1.weight")
    noise_and_bias("conv1", "conv", 0)
    for index, resolution in enumerate(generator.resolutions[1:]):
        source, own = f"blocks.{index}", f"blocks.{resolution}"
        modulation(f"{source}.up", f"{own}.up")
        for number in (1, 2):
            conv = f"{own}.conv{number}"
            kernels = take(f"{source}.conv{number}.depthwise")
            scale = kernels.square().sum((1, 2, 3)).sqrt().clamp_min(1e-12)
            state[f"{conv}.depthwise"] = kernels / scale[:, None, None, None]
            modulation(f"{source}.conv{number}", f"{conv}.style", scale)
            state[f"{conv}.pointwise"] = take(f"{source}.conv{number}.pointwise").flatten(1)
            noise_and_bias(f"{source}.conv{number}", conv, 2 * index + number)
    modulation("to_bands", "to_bands.style")
    state["to_bands.weight"] = take("to_bands.weight").flatten(1)
    state["to_bands.bias"] = take("to_bands.bias")
    if left:
        raise CheckpointError(
            file.path, f"holds tensors that no MobileStyleGAN prior has: {', '.join(left)}."
        )
    for name in _split_into_bands(generator.resolutions):
        state[name] = band_by_band(state[name])
    return state


def _split_into_bands(resolutions: Sequence[int]) -> Iterator[str]:
    """The tensors whose first axis is split into bands: outputs before a Haar step, the step's own
    modulation, and the bands of the image. The start's inputs are the constant, which stays."""
    yield from ("conv.weight", "conv.bias")
    for resolution in resolutions[1:-1]:
        yield from (f"blocks.{resolution}.conv2.pointwise", f"blocks.{resolution}.conv2.bias")
    for resolution in resolutions[1:]:
        yield from (f"blocks.{resolution}.up.weight", f"blocks.{resolution}.up.bias")
    yield from ("to_bands.weight", "to_bands.bias")


def band_by_band(values: Tensor) -> Tensor:
    """(4 C, …) with the three details beside each other a channel -> band by band."""
    channels = len(values) // BANDS
    details = rearrange(values[channels:], "(c detail) ... -> (detail c) ...", detail=BANDS - 1)
    return torch.cat([values[:channels], details])
