"""The layouts of checkpoint files: how to recognise them, and official names for our parameters.

Names of the official implementations appear in this file only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import Enum
from typing import NamedTuple

from torch import Tensor

from ..models.levels import resolution_of
from ..models.panini import PaniniConfig
from .files import CheckpointError, CheckpointFile, first_few

OUTER_PREFIX = "generator."  # the restorer inside MMEditing's model
TRAINING_ONLY = ("discriminator.", "perceptual_loss.")  # beside the restorer, not needed
MOCO_PREFIX, MOCO_REST = "encoder_q.", ("encoder_k.", "queue", "queue_ptr")
DEGRADATION_PREFIX = "deg_encoder."
PRIOR_PREFIX = "generator."  # inside the restorer
PRIOR_FILE_PREFIX, DISCRIMINATOR_PREFIX = "generator_ema.", "discriminator."


class Layout(Enum):
    """What a checkpoint holds; the value is its description."""

    PANINI = "a Panini network of this package"
    DEGRADATION_ENCODER = "a degradation encoder of this package"
    GAN_PRIOR = "a GAN prior of this package"
    OFFICIAL_PANINI = "an official Panini network (MMEditing)"
    OFFICIAL_UDRL = "an official degradation encoder (MoCo)"
    STYLEGAN2 = "a StyleGAN2 prior (MMGeneration)"
    MOBILE_PRIOR = "a MobileStyleGAN prior (of `panini prior`)"


# A layout is recognised by any name that begins so; the more specific come first.
SIGNS: dict[Layout, tuple[str, ...]] = {
    Layout.PANINI: ("gan_prior.", "interpolation_predictor."),
    Layout.OFFICIAL_PANINI: (
        *("AFS_maskGen.", "fusion_out.", "encoder.0.0."),
        *("generator.AFS_maskGen.", "generator.fusion_out.", "generator.encoder.0.0."),
    ),
    Layout.OFFICIAL_UDRL: ("encoder_q.E.",),
    Layout.STYLEGAN2: ("generator_ema.style_mapping.", "generator_ema.convs."),
    Layout.MOBILE_PRIOR: ("to_bands.mod_weight", "conv1.mod_weight"),
    Layout.DEGRADATION_ENCODER: ("features.0.", "projection.0."),
    Layout.GAN_PRIOR: ("blocks.4.", "mapping.layers."),
}


def recognise(names: Collection[str]) -> Layout | None:
    """The layout of a checkpoint with these tensor names, or None if it is none of ours."""
    for layout, signs in SIGNS.items():
        if any(name.startswith(signs) for name in names):
            return layout
    return None


def unexpected_layout(
    file: CheckpointFile, found: Layout | None, *expected: Layout | str
) -> CheckpointError:
    """The error for a file of another layout than those expected, or described."""
    names = sorted(file.tensors)
    what = found.value if found else f"{len(names)} tensors such as {first_few(names)}"
    wanted = [layout.value if isinstance(layout, Layout) else layout for layout in expected]
    return CheckpointError(file.path, f"expected {' or '.join(wanted)}, found {what}.")


def select(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose name begins with `prefix`, without it."""
    return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}


def _unwrap(
    tensors: Mapping[str, Tensor], prefix: str, ignored: tuple[str, ...]
) -> dict[str, Tensor]:
    """Without `prefix` and without what is ignored; anything else stays, to be found unexpected."""
    return {
        name.removeprefix(prefix) if name.startswith(prefix) else f"(outside {prefix}) {name}": t
        for name, t in tensors.items()
        if not name.startswith(ignored)
    }


def official_panini_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The restorer's tensors of an official file, without prefix and training-only parts."""
    signs = SIGNS[Layout.OFFICIAL_PANINI]
    wrapped = any(name.startswith(signs) and name.startswith(OUTER_PREFIX) for name in tensors)
    return _unwrap(tensors, OUTER_PREFIX if wrapped else "", TRAINING_ONLY)


def moco_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The query encoder's tensors of a MoCo file."""
    return _unwrap(tensors, MOCO_PREFIX, MOCO_REST)


def prior_file_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The averaged generator's tensors of a StyleGAN2 file."""
    return _unwrap(tensors, PRIOR_FILE_PREFIX, (PRIOR_PREFIX, DISCRIMINATOR_PREFIX))


class Own(NamedTuple):
    """Our name for an official tensor, and the axes of size 1 that the official one has besides."""

    name: str
    before: int = 0
    after: int = 0


class Kernel(NamedTuple):
    """A stored FIR kernel that sums to `gain`: checked, not loaded."""

    gain: float


Table = dict[str, Own | Kernel]  # official name -> what it is here


def prior_table(levels: int, mapping_layers: int) -> Table:
    """StyleGAN2's generator with resolutions 4 … 4 * 2 ** (levels - 1)."""
    table: Table = {"constant_input.input": Own("constant")}
    for index in range(2 * levels - 1):
        table[f"injected_noise_{index}"] = Own(f"noise_{index}")
    for layer in range(mapping_layers):  # index 0 is the normalisation, without parameters
        official, own = f"style_mapping.{layer + 1}", f"mapping.layers.{layer}"
        table[f"{official}.bias"] = Own(f"{own}.bias")
        table[f"{official}.linear.weight_orig"] = Own(f"{own}.weight")
    table |= _styled_conv("conv1", "blocks.4.conv") | _to_rgb("to_rgb1", "blocks.4.to_rgb")
    for level in range(1, levels):
        own = f"blocks.{resolution_of(level)}"
        up, conv, rgb = 2 * level - 2, 2 * level - 1, level - 1
        table |= _styled_conv(f"convs.{up}", f"{own}.up")
        table |= _styled_conv(f"convs.{conv}", f"{own}.conv")
        table |= _to_rgb(f"to_rgbs.{rgb}", f"{own}.to_rgb")
        table[f"convs.{up}.conv.blur.kernel"] = Kernel(4)
        table[f"to_rgbs.{rgb}.upsample.kernel"] = Kernel(4)
    return table


def prior_sizes(tensors: Mapping[str, Tensor]) -> tuple[list[int], int, int]:
    """The widths at 4, 8, 16, …, the style size and the number of mapping layers of an official
    generator. Raises KeyError or IndexError where the tensors that tell them are missing."""

    def numbers(pattern: str) -> list[int]:
        return sorted(int(found[1]) for name in tensors if (found := re.match(pattern, name)))

    # The constant tells the width at 4, the second convolution of a resolution the others.
    convs = numbers(r"convs\.(\d*[13579])\.conv\.weight_orig$")
    widths = [tensors["constant_input.input"].shape[1]]
    widths += [tensors[f"convs.{index}.conv.weight_orig"].shape[1] for index in convs]
    style_size = tensors["conv1.conv.style_modulation.linear.weight_orig"].shape[1]
    return widths, style_size, len(numbers(r"style_mapping\.(\d+)\.bias$"))


def _modulated_conv(official: str, own: str) -> Table:
    return {
        f"{official}.weight_orig": Own(f"{own}.weight", before=1),
        f"{official}.style_modulation.bias": Own(f"{own}.style.bias"),
        f"{official}.style_modulation.linear.weight_orig": Own(f"{own}.style.weight"),
    }


def _styled_conv(official: str, own: str) -> Table:
    return {
        **_modulated_conv(f"{official}.conv", f"{own}.conv"),
        f"{official}.noise_injector.weight": Own(f"{own}.noise_strength"),
        f"{official}.activate.bias": Own(f"{own}.bias"),
    }


def _to_rgb(official: str, own: str) -> Table:
    return {
        **_modulated_conv(f"{official}.conv", f"{own}.conv"),
        f"{official}.bias": Own(f"{own}.bias", before=1, after=2),
    }


def discriminator_table(levels: int) -> Table:
    """StyleGAN2's discriminator from resolution 4 * 2 ** (levels - 1) down to 4."""
    table: Table = {
        "convs.0.0.conv.weight_orig": Own("from_rgb.weight"),
        "convs.0.1.bias": Own("from_rgb.bias"),
        "final_conv.0.conv.weight_orig": Own("final_conv.weight"),
        "final_conv.1.bias": Own("final_conv.bias"),
        "final_linear.0.linear.weight_orig": Own("final_linear.weight"),
        "final_linear.0.bias": Own("final_linear.bias"),
        "final_linear.1.linear.weight_orig": Own("logit.weight"),
        "final_linear.1.bias": Own("logit.bias"),
    }
    for index in range(levels - 1):
        official, own = f"convs.{index + 1}", f"blocks.{index}"
        table |= {
            f"{official}.conv1.0.conv.weight_orig": Own(f"{own}.conv.weight"),
            f"{official}.conv1.1.bias": Own(f"{own}.conv.bias"),
            f"{official}.conv2.0.kernel": Kernel(1),
            f"{official}.conv2.1.conv.weight_orig": Own(f"{own}.down.weight"),
            f"{official}.conv2.2.bias": Own(f"{own}.down.bias"),
            f"{official}.skip.0.kernel": Kernel(1),
            f"{official}.skip.1.conv.weight_orig": Own(f"{own}.skip.weight"),
        }
    return table


def degradation_encoder_table(layers: int) -> Table:
    """The degradation encoder: convolution, BatchNorm, activation a layer, then the head."""
    table = _layer("mlp.0", "projection.0") | _layer("mlp.2", "projection.2")
    for layer in range(layers):
        conv, norm = 3 * layer, 3 * layer + 1
        table |= _layer(f"E.{conv}", f"features.{conv}")
        table |= _batch_norm(f"E.{norm}", f"features.{norm}")
    return table


def _layer(official: str, own: str) -> Table:
    return {f"{official}.{part}": Own(f"{own}.{part}") for part in ("weight", "bias")}


def _batch_norm(official: str, own: str) -> Table:
    parts = ("running_mean", "running_var", "num_batches_tracked")
    return _layer(official, own) | {f"{official}.{part}": Own(f"{own}.{part}") for part in parts}


def panini_table(config: PaniniConfig) -> Table:
    """The whole restorer, without outer prefix."""
    levels = len(config.level_channels)
    prior = prior_table(len(config.prior_channels), config.mapping_layers)
    table = _below(PRIOR_PREFIX, "gan_prior.", prior) | _image_encoder_table(config)
    if config.learned_degradation:
        table["choice_vector"] = Own("learned_degradation")
    else:
        encoder = degradation_encoder_table(len(config.degradation_layers))
        table |= _below(DEGRADATION_PREFIX, "degradation_encoder.", encoder)
    table |= _layer("AFS_maskGen.mapping.0", "interpolation_predictor.hidden")
    table |= _layer("AFS_maskGen.mapping.2", "interpolation_predictor.logits")
    for level in range(levels):
        table |= _layer(f"fusion_out.{level}", f"feature_interpolation.convs.{level}")
    return table


def _below(official: str, own: str, table: Table) -> Table:
    return {
        official + name: entry._replace(name=own + entry.name) if isinstance(entry, Own) else entry
        for name, entry in table.items()
    }


def _image_encoder_table(config: PaniniConfig) -> Table:
    extractor, attention = "image_encoder.front.0", "image_encoder.front.1"
    table = _layer("encoder.0.0.conv_first", f"{extractor}.first")
    table |= _layer("encoder.0.0.conv_body", f"{extractor}.last")
    for block in range(config.extractor_blocks):
        for dense in range(3):
            for conv in range(5):
                table |= _layer(
                    f"encoder.0.0.body.{block}.rdb{dense + 1}.conv{conv + 1}",
                    f"{extractor}.trunk.{block}.blocks.{dense}.convs.{conv}",
                )
    spatial = "encoder.0.1.SpatialGate.spatial"
    table |= _layer("encoder.0.1.fea_preprocess", f"{attention}.before")
    table |= _layer("encoder.0.1.ChannelGate.mlp.1", f"{attention}.channel_gate.0")
    table |= _layer("encoder.0.1.ChannelGate.mlp.3", f"{attention}.channel_gate.2")
    table[f"{spatial}.conv.weight"] = Own(f"{attention}.spatial_gate.0.weight")
    table |= _batch_norm(f"{spatial}.bn", f"{attention}.spatial_gate.1")
    for index in range(len(config.stem)):  # an activation follows every convolution
        table |= _layer(f"encoder.0.{2 + 2 * index}", f"image_encoder.stem.convs.{index}")
    levels = len(config.level_channels)
    for index in range(1, levels):
        table |= _layer(f"encoder.{index}.0", f"image_encoder.levels.{index - 1}.convs.0")
    table |= _layer(f"encoder.{levels}.0", "image_encoder.latent_head.squeeze")
    return table | _layer(f"encoder.{levels}.3", "image_encoder.latent_head.linear")


def read_config(file: CheckpointFile, tensors: Mapping[str, Tensor]) -> PaniniConfig:
    """The configuration of an official restorer, from the shapes of its tensors.

    Strides and pools leave no trace in shapes; they follow the official layouts. Raises
    CheckpointError if a tensor that tells a size is missing or has the wrong number of axes.
    """

    def size(name: str, axis: int, axes: int) -> int:
        if name not in tensors:
            raise CheckpointError(
                file.path,
                f"expected {Layout.OFFICIAL_PANINI.value}, but {name} is missing among "
                f"{len(tensors)} tensors. The file is incomplete; get it again.",
            )
        shape = tuple(tensors[name].shape)
        if len(shape) != axes:
            raise CheckpointError(
                file.path, f"wrong shape: {name} should have {axes} axes, it is {shape}."
            )
        return shape[axis]

    def found(pattern: str) -> set[int]:
        """All i for which a name begins with the pattern (whose group is i)."""
        return {int(m[1]) for name in tensors if (m := re.match(pattern, name))}

    def up_to_last(pattern: str, first: int, step: int = 1) -> range:
        return range(first, max(found(pattern), default=-1) + 1, step)

    # Widths: output channels are the first axis, input channels the second, of a convolution.
    level_channels = tuple(
        size(f"fusion_out.{i}.weight", 1, 4) for i in up_to_last(r"fusion_out\.(\d+)\.", 0)
    )
    # The stem stands behind extractor (0) and attention (1), an activation after each convolution;
    # the first one keeps the size.
    stem = tuple(
        (size(f"encoder.0.{i}.weight", 0, 4), 1 if i == 2 else 2)
        for i in up_to_last(r"encoder\.0\.(\d+)\.weight$", 2, 2)
    )
    # Side of the finest fused level (4, 8, …: doubled a level) times the strides before it.
    input_size = resolution_of(max(len(level_channels) - 1, 0)) * 2 ** max(len(stem) - 1, 0)
    # Convolution, BatchNorm, activation; the third and the fifth convolution have stride 2. They
    # see 256 px.
    degradation_layers = tuple(
        (size(f"deg_encoder.E.{i}.weight", 0, 4), 2 if i in (6, 12) else 1)
        for i in up_to_last(r"deg_encoder\.E\.(\d+)\.weight$", 0, 3)
    )
    # The constant tells the width at 4, the second convolution of a resolution the others.
    prior_channels = (
        size("generator.constant_input.input", 1, 4),
        *(
            size(f"generator.convs.{i}.conv.weight_orig", 1, 5)
            for i in up_to_last(r"generator\.convs\.(\d+)\.conv\.weight_orig$", 1, 2)
        ),
    )
    learned = "choice_vector" in tensors
    if learned:  # no encoder: its numbers stay those of the preset
        degradation_layers = PaniniConfig.preset("official-sr").degradation_layers
    try:
        return PaniniConfig(
            input_size=input_size,
            prior_channels=prior_channels,
            style_size=size("generator.conv1.conv.style_modulation.linear.weight_orig", 1, 2),
            mapping_layers=len(found(r"generator\.style_mapping\.(\d+)\.bias$")),
            extractor_channels=size("encoder.0.0.conv_first.weight", 0, 4),
            extractor_blocks=len(found(r"encoder\.0\.0\.body\.(\d+)\.")),
            attention_hidden=size("encoder.0.1.ChannelGate.mlp.1.weight", 0, 2),
            stem=stem,
            level_channels=level_channels,
            latent_hidden=size(f"encoder.{len(level_channels)}.0.weight", 0, 4),
            degradation_size=size("AFS_maskGen.mapping.0.weight", 1, 2),
            degradation_pool=2 if learned else max(1, input_size // 256),
            degradation_layers=degradation_layers,
            learned_degradation=learned,
        )
    except (ValueError, IndexError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(
            file.path,
            f"the sizes of its tensors fit no {Layout.OFFICIAL_PANINI.value.split(' ', 1)[1]}: "
            f"{error}",
        ) from error
