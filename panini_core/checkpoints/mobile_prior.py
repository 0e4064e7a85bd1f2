"""The published arrays of MobileStyleGAN, under the names of `panini prior`, as our generator's.

Three things differ, none of which changes a picture: a noise image holds its strength; depthwise
kernels are large and the modulations before them small, which half precision does not like; the
details of a Haar step lie beside each other for every channel, ours band by band.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from ..models.levels import resolution_of
from ..models.mobile_stylegan import BANDS, MobileGenerator, WaveletBlock
from ..models.stylegan2 import EqualLinear
from .files import CheckpointError, CheckpointFile
from .matching import compare, refuse_mismatch

COLOURS = 3
NAME = "MobileStyleGAN prior"

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class PriorSizes:
    """How wide and deep a MobileStyleGAN is; the defaults are those of the published one."""

    code: int = 512  # of z and w
    mapping_layers: int = 8
    start: int = 512  # channels at 4 px
    widths: tuple[int, ...] = (512, 512, 512, 512, 256, 128, 64)  # of the blocks at 8 px, 16 px, …

    def shapes(self) -> Shapes:
        """The shape of every array by its name."""
        shapes: Shapes = {"mean_latent": (self.code,), "const": (1, self.start, 4, 4)}
        for index in range(self.mapping_layers):
            shapes[f"mapping.{index}.weight"] = (self.code, self.code)
            shapes[f"mapping.{index}.bias"] = (self.code,)
        shapes["conv1.weight"] = (self.start, self.start, 3, 3)
        shapes |= self._styled("conv1", self.start, self.start, 4)
        channels = self.start
        for index, width in enumerate(self.widths):
            block = f"blocks.{index}"
            shapes |= self._modulation(f"{block}.up", channels)
            for name, inner in (("conv1", channels // BANDS), ("conv2", width)):
                shapes[f"{block}.{name}.depthwise"] = (inner, 1, 3, 3)
                shapes[f"{block}.{name}.pointwise"] = (width, inner, 1, 1)
                shapes |= self._styled(f"{block}.{name}", inner, width, 8 << index)
            channels = width
        shapes["to_bands.weight"] = (COLOURS * BANDS, channels, 1, 1)
        shapes["to_bands.bias"] = (COLOURS * BANDS,)
        return shapes | self._modulation("to_bands", channels)

    def _modulation(self, name: str, channels: int) -> Shapes:
        return {f"{name}.mod_weight": (channels, self.code), f"{name}.mod_bias": (channels,)}

    def _styled(self, name: str, inner: int, width: int, size: int) -> Shapes:
        after = {f"{name}.noise": (1, 1, size, size), f"{name}.bias": (width,)}
        return self._modulation(name, inner) | after


def build_mobile_generator(file: CheckpointFile) -> MobileGenerator:
    """The generator with the sizes that the file's tensors have, still without its numbers.

    Raises CheckpointError where a tensor that tells a size is missing or misshapen.
    """
    sizes = _read_sizes(file)
    widths = (sizes.start, *sizes.widths)
    channels = {resolution_of(level): width for level, width in enumerate(widths)}
    try:
        with torch.device("meta"):
            return MobileGenerator(channels, sizes.code, sizes.mapping_layers)
    except (ValueError, ArithmeticError, RuntimeError) as error:
        raise CheckpointError(file.path, f"its sizes describe no {NAME}: {error}") from error


def _read_sizes(file: CheckpointFile) -> PriorSizes:
    """The sizes that the file's tensors have. Raises CheckpointError where one does not tell."""

    def size(name: str, axis: int, axes: int) -> int:
        if name not in file.tensors:
            raise CheckpointError(
                file.path, f"a {NAME} lacks {name}. The file is incomplete; get it again."
            )
        shape = tuple(file.tensors[name].shape)
        if len(shape) != axes:
            raise CheckpointError(
                file.path, f"wrong shape: {name} should have {axes} axes, it is {shape}."
            )
        return shape[axis]

    def count(pattern: str) -> int:
        found = (re.match(pattern, name) for name in file.tensors)
        return 1 + max((int(match[1]) for match in found if match), default=-1)

    return PriorSizes(
        code=size("mean_latent", 0, 1),
        mapping_layers=count(r"mapping\.(\d{1,3})\."),
        start=size("const", 1, 4),
        widths=tuple(
            size(f"blocks.{index}.conv2.bias", 0, 1)
            for index in range(count(r"blocks\.(\d{1,3})\."))
        ),
    )


def _sizes_of(generator: MobileGenerator) -> PriorSizes:
    blocks = [block for block in generator.blocks.values() if isinstance(block, WaveletBlock)]
    return PriorSizes(
        code=generator.style_size,
        mapping_layers=len(generator.mapping.layers),
        start=generator.constant.shape[1],
        widths=tuple(len(block.conv2.bias) for block in blocks),
    )


def _check(file: CheckpointFile, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise a CheckpointError unless the file has exactly these arrays."""
    found = file.tensors
    wrong = [
        problem
        for name, shape in shapes.items()
        if name in found
        for problem in compare(name, found[name], torch.empty(shape, device="meta"))
    ]
    refuse_mismatch(
        file,
        f"a {NAME}",
        (len(shapes), len(found)),
        missing=[name for name in shapes if name not in found],
        unexpected=[name for name in found if name not in shapes],
        wrong=wrong,
    )


def mobile_prior_tensors(file: CheckpointFile, generator: MobileGenerator) -> dict[str, Tensor]:
    """The generator's state dict from the published arrays, float32.

    Raises CheckpointError if arrays are missing, too many, or of other sizes than the generator's.
    """
    _check(file, _sizes_of(generator).shapes())

    def take(name: str) -> Tensor:
        return file.tensors[name].float()

    state: dict[str, Tensor] = {"mean_latent": take("mean_latent"), "constant": take("const")}

    def modulation(source: str, own: str, scale: Tensor | float = 1.0) -> None:
        weight, bias = take(f"{source}.mod_weight"), take(f"{source}.mod_bias")
        factor = torch.as_tensor(scale).expand(len(bias))
        state[f"{own}.weight"], state[f"{own}.bias"] = weight * factor[:, None], bias * factor

    def noise_and_bias(source: str, own: str, index: int) -> None:
        noise = take(f"{source}.noise")
        strength = noise.square().mean().sqrt().clamp_min(torch.finfo(torch.float32).tiny)
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

    # Each split of channels into bands: the outputs before it, and its own modulation.
    before = [("conv.weight", "conv.bias")]
    before += [
        (f"blocks.{resolution}.conv2.pointwise", f"blocks.{resolution}.conv2.bias")
        for resolution in generator.resolutions[1:-1]
    ]
    for outputs, resolution in zip(before, generator.resolutions[1:], strict=True):
        names = (*outputs, f"blocks.{resolution}.up.weight", f"blocks.{resolution}.up.bias")
        for name in names:
            state[name] = band_by_band(state[name])
    # The start's own inputs are the constant, which nothing permutes.
    for name in ("to_bands.weight", "to_bands.bias"):
        state[name] = band_by_band(state[name])
    return state


def band_by_band(values: Tensor) -> Tensor:
    """(4 C, …) with the three details beside each other a channel -> band by band."""
    channels = len(values) // BANDS
    low, details = values[:channels], values[channels:]
    details = rearrange(details, "(channel band) ... -> (band channel) ...", band=BANDS - 1)
    return torch.cat([low, details])
