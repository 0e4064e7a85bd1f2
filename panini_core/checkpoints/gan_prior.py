"""Generators by themselves: from every file that holds one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from os import PathLike

import torch
from torch import Tensor

from ..models.levels import resolution_of
from ..models.mobile_stylegan import MobileGenerator
from ..models.panini import GanPrior, build_gan_prior
from ..models.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator
from . import layouts, own_format
from .files import CheckpointError, CheckpointFile, read_file, refuse_overflow
from .layouts import Layout, Table, recognise, select, unexpected_layout
from .matching import match_tensors
from .mobile_prior import build_mobile_generator, mobile_prior_tensors

LAYOUTS = (
    Layout.STYLEGAN2,
    Layout.MOBILE_PRIOR,
    Layout.GAN_PRIOR,
    Layout.PANINI,
    Layout.OFFICIAL_PANINI,
)


def load_gan_prior(
    path: str | PathLike[str],
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> GanPrior:
    """A GAN prior by itself, in eval mode, with the sizes that the file's tensors have.

    Reads MobileStyleGAN (the file of `panini prior`), StyleGAN2 (MMGeneration), the result of a
    prior's training, and the prior inside a whole Panini network, ours or official. Its
    `mapping(z)` gives codes (N, S); called with one for each of its `w_plus_rows`, it draws.

    Raises CheckpointError if the file is missing, damaged, of something else, incomplete, or holds
    numbers beyond `dtype`.
    """
    if not dtype.is_floating_point:
        raise ValueError(f"dtype must be a floating-point type, got {dtype}.")
    file = read_file(path)
    with torch.device("meta"):  # shapes are compared before any memory is taken
        generator = _skeleton(file)
    # Copies, since the tensors may be mapped from the file.
    tensors = {name: tensor.float().clone() for name, tensor in _matched(file, generator).items()}
    generator.load_state_dict(tensors, strict=True, assign=True)
    generator.to(device=device, dtype=dtype)
    refuse_overflow(file.path, generator.state_dict(), dtype)
    return generator.eval()


def fill_gan_prior(
    path: str | PathLike[str],
    generator: GanPrior,
    discriminator: StyleGAN2Discriminator | None = None,
) -> None:
    """Fill a generator in place from what `load_gan_prior` reads; and StyleGAN2's discriminator
    from MMGeneration's file.

    Raises CheckpointError if it does not match exactly; then neither network has changed.
    """
    file = read_file(path)
    matched = _matched(file, generator)
    if discriminator is not None:
        found = select(file.tensors, layouts.DISCRIMINATOR_PREFIX)
        levels = len(discriminator.blocks) + 1
        critic = match_tensors(file, found, discriminator, layouts.discriminator_table(levels))
        discriminator.load_state_dict(critic, strict=True)
    generator.load_state_dict(matched, strict=True)


def _matched(file: CheckpointFile, generator: GanPrior) -> dict[str, Tensor]:
    """The generator's state dict, from a file of any layout."""
    layout = recognise(file.tensors)
    table: Table | None = None
    if layout is Layout.MOBILE_PRIOR and isinstance(generator, MobileGenerator):
        tensors = mobile_prior_tensors(file, generator)
    elif layout is Layout.GAN_PRIOR:
        tensors = file.tensors
    elif layout is Layout.PANINI:
        tensors = select(file.tensors, "gan_prior.")
    elif layout in (Layout.STYLEGAN2, Layout.OFFICIAL_PANINI):
        table = layouts.prior_table(len(generator.resolutions), len(generator.mapping.layers))
        tensors = _official_tensors(file, layout)
    else:
        wanted = [one for one in LAYOUTS if one is not layout]
        raise unexpected_layout(file, layout, *wanted)
    return match_tensors(file, tensors, generator, table)


def _official_tensors(file: CheckpointFile, layout: Layout) -> dict[str, Tensor]:
    if layout is Layout.STYLEGAN2:
        return layouts.prior_file_tensors(file.tensors)
    restorer = layouts.official_panini_tensors(file.tensors)
    return select(restorer, layouts.PRIOR_PREFIX)


def _skeleton(file: CheckpointFile) -> GanPrior:
    """The generator that the file's sizes describe, without its numbers."""
    layout = recognise(file.tensors)
    try:
        if layout is Layout.MOBILE_PRIOR:
            return build_mobile_generator(file)
        if layout is Layout.PANINI:
            return build_gan_prior(own_format.read_config(file))
        if layout is Layout.OFFICIAL_PANINI:
            tensors = layouts.official_panini_tensors(file.tensors)
            return build_gan_prior(layouts.read_config(file, tensors))
        if layout is Layout.STYLEGAN2:
            widths, style_size, mapping_layers = layouts.prior_sizes(
                layouts.prior_file_tensors(file.tensors)
            )
            return StyleGAN2Generator(_by_resolution(widths), style_size, mapping_layers)
        if layout is Layout.GAN_PRIOR:
            return _own_skeleton(file.tensors)
    except CheckpointError:
        raise
    except KeyError as error:
        raise CheckpointError(
            file.path, f"a GAN prior lacks {error.args[0]}. The file is incomplete; get it again."
        ) from error
    except (IndexError, ValueError, ArithmeticError, RuntimeError, TypeError) as error:
        raise CheckpointError(
            file.path, f"its tensors do not tell the sizes of a GAN prior ({error})."
        ) from error
    raise unexpected_layout(file, layout, *LAYOUTS)


def _own_skeleton(tensors: Mapping[str, Tensor]) -> GanPrior:
    layers = len(_numbers(tensors, r"mapping\.layers\.(\d+)\."))
    style_size = tensors["mapping.layers.0.weight"].shape[1]
    mobile = any(name.startswith("to_bands.") for name in tensors)
    conv = "conv2" if mobile else "conv"
    resolutions = _numbers(tensors, r"blocks\.(\d+)\.")
    if not resolutions:
        raise ValueError("there are no blocks")
    widths = [tensors[f"blocks.{resolution}.{conv}.bias"].shape[0] for resolution in resolutions]
    if mobile:
        widths.insert(0, tensors["constant"].shape[1])
        return MobileGenerator(_by_resolution(widths), style_size, layers)
    patch = 1
    if any(name.startswith("detail.") for name in tensors):
        patch = math.isqrt(tensors["detail.2.weight"].shape[0] // 3)
    return StyleGAN2Generator(_by_resolution(widths), style_size, layers, detail_patch=patch)


def _numbers(tensors: Mapping[str, Tensor], pattern: str) -> list[int]:
    """Every number with which a name begins like the pattern, in order."""
    return sorted({int(found[1]) for name in tensors if (found := re.match(pattern, name))})


def _by_resolution(widths: Sequence[int]) -> dict[int, int]:
    return {resolution_of(level): width for level, width in enumerate(widths)}
