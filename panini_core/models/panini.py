"""Panini-Net: one configuration and one class that wires the parts.

A degraded face gives image features and W+ codes (image encoder) and a degradation representation
(degradation encoder). The DR decides, per level and channel, how much of the GAN prior's feature
and how much of the image's own feature the generator goes on with (DAFI).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .dafi import FeatureInterpolation, InterpolationPredictor, add_bands, interpolate_bands
from .degradation_encoder import DegradationEncoder
from .derived import Derived
from .fidelity_curve import FidelityCurve
from .image_encoder import ImageEncoder
from .levels import resolution_of
from .mobile_stylegan import MobileGenerator
from .stylegan2 import Fuse, StyleGAN2Generator
from .window import Window

MEAN_LATENT_RATE = 0.005  # share of a training batch in the running mean, as StyleGAN2 has it

Layers = tuple[tuple[int, int], ...]  # (channels, stride) a convolution
GanPrior = StyleGAN2Generator | MobileGenerator
PRIORS = ("stylegan2", "mobile")


@dataclass(frozen=True, slots=True)
class PaniniConfig:
    """Every number of the network. `PaniniConfig.preset(name)` gives the known ones."""

    input_size: int  # side of the aligned face, px

    # The GAN prior
    prior_channels: tuple[int, ...]  # width at 4, 8, 16, …
    prior: str = "stylegan2"  # or "mobile": MobileStyleGAN
    style_size: int = 512
    mapping_layers: int = 8
    detail_patch: int = 1  # p > 1: the last features give p x p pixels each; mobile: 1 or 2

    # The image encoder
    input_patch: int = 1  # p > 1: p x p pixels are folded into channels first
    extractor_channels: int = 8
    extractor_blocks: int = 2  # RRDBs; 0: no extractor
    attention_hidden: int = 4  # 0: no attention (and none without an extractor)
    stem: Layers = ((32, 1), (64, 2), (128, 2), (512, 2))  # down to the finest fused level
    level_channels: tuple[int, ...] = (512,) * 5  # of the fused levels, coarse first: 4, 8, …
    level_convs: int = 1
    latent_hidden: int = 256
    latent_rank: int = 0  # r > 0: one code and, of rank r, how each row of W+ differs from it

    # The degradation representation
    degradation_size: int = 256
    degradation_pool: int = 2
    degradation_patch: int = 1
    degradation_layers: Layers = ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1))
    degradation_discriminants: int = 0  # k > 0: the DR is confined to k discriminants (see there)
    learned_degradation: bool = False  # one learned DR for every image instead of an encoder

    # DAFI for the picture itself: its finest frequency bands, weighed by alpha like features, are
    # added to what the prior draws. What is fine already stays, noise and blocks do not pass.
    picture_bands: int = 0
    # Instead the picture is interpolated like features: alpha of the prior's band, 1 - alpha of the
    # picture's. The first of the bands is then all that is coarser than the others.
    interpolated_picture: bool = False

    def __post_init__(self) -> None:
        if self.stem[-1][0] != self.level_channels[-1]:
            raise ValueError(
                f"The stem must end with the width of the finest fused level "
                f"({self.level_channels[-1]}), got {self.stem[-1][0]}."
            )
        if len(self.level_channels) > len(self.prior_channels):
            raise ValueError(
                f"{len(self.level_channels)} fused levels need as many generator resolutions, "
                f"got {len(self.prior_channels)}."
            )
        finest = self.level_resolutions[-1]
        shrink = self.input_patch * math.prod(stride for _, stride in self.stem)
        if self.input_size != finest * shrink:
            raise ValueError(
                f"The stem's strides and input_patch shrink {shrink} times, so that "
                f"{len(self.level_channels)} fused levels (the finest {finest} px) need an "
                f"input_size of {finest * shrink}, got {self.input_size}."
            )
        if not self.learned_degradation and self.degradation_layers[-1][0] != self.degradation_size:
            raise ValueError(
                f"The last degradation layer must have {self.degradation_size} channels, "
                f"got {self.degradation_layers[-1][0]}."
            )
        if self.degradation_discriminants > self.degradation_size:
            raise ValueError(
                f"At most {self.degradation_size} discriminants fit a degradation representation "
                f"of that size, got {self.degradation_discriminants}."
            )
        halvings = self.picture_bands - self.interpolated_picture
        if halvings > 30 or (halvings > 0 and self.input_size % 2**halvings):
            raise ValueError(
                f"{halvings} picture bands need an input_size that can be halved as often, got "
                f"{self.input_size}."
            )
        if self.picture_bands and self.output_size % self.input_size:
            raise ValueError(
                f"Picture bands need an output as large as the input ({self.input_size}), "
                f"got {self.output_size}; a multiple of it serves as well."
            )
        if self.prior not in PRIORS:
            raise ValueError(f"The prior must be one of {', '.join(PRIORS)}, got {self.prior!r}.")
        if self.prior == "mobile" and self.detail_patch > 2:
            raise ValueError(
                "MobileStyleGAN gives a picture of its last resolution or twice that: detail_patch "
                f"must be 1 or 2, got {self.detail_patch}."
            )

    @property
    def output_size(self) -> int:
        """Side of the restored face, px."""
        return resolution_of(len(self.prior_channels) - 1) * self.detail_patch

    @property
    def level_resolutions(self) -> tuple[int, ...]:
        """The side of the features of every fused level, px, coarse first."""
        return tuple(resolution_of(level) for level in range(len(self.level_channels)))

    @property
    def interpolated_channels(self) -> tuple[int, ...]:
        """How many channels of alpha each level uses, coarse first."""
        return self.prior_channels[: len(self.level_channels)] + (3,) * self.picture_bands

    @classmethod
    def preset(cls, name: str) -> PaniniConfig:
        """`official-mfr`, `official-sr`, `mobile` (a real GAN prior), `compact` (the default
        weights), or for tests `tiny` and `tiny-mobile`."""
        if name not in PRESETS:
            raise ValueError(f"No preset named {name!r}; there are {', '.join(PRESETS)}.")
        return PRESETS[name]

    def to_dict(self) -> dict[str, Any]:
        """A plain dict for metadata; `from_dict` reads it back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PaniniConfig:
        """The inverse of `to_dict` (lists become tuples). Raises ValueError for unknown fields."""
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"Unknown fields in a PaniniConfig: {', '.join(sorted(unknown))}.")
        return cls(**{key: _to_tuple(value) for key, value in values.items()})


def _to_tuple(value: Any) -> Any:
    return tuple(_to_tuple(item) for item in value) if isinstance(value, (list, tuple)) else value


_COMPACT = PaniniConfig(
    input_size=512,
    prior_channels=(192, 192, 256, 224, 160, 64),
    style_size=256,
    mapping_layers=4,
    detail_patch=4,
    input_patch=4,
    extractor_blocks=0,
    attention_hidden=0,
    stem=((64, 1), (64, 1)),
    level_channels=(192, 192, 256, 192, 128, 64),
    level_convs=2,
    latent_hidden=32,
    degradation_pool=1,
    degradation_patch=4,
    degradation_layers=((48, 1), (96, 2), (128, 2), (256, 2)),
    degradation_discriminants=8,
    picture_bands=4,
)
_TINY = PaniniConfig(
    input_size=64,
    prior_channels=(12, 10, 8),
    style_size=16,
    mapping_layers=2,
    detail_patch=4,
    input_patch=4,
    extractor_blocks=0,
    attention_hidden=0,
    stem=((8, 1),),
    level_channels=(12, 10, 8),
    latent_hidden=4,
    degradation_size=16,
    degradation_pool=1,
    degradation_patch=4,
    degradation_layers=((8, 1), (16, 2)),
    picture_bands=2,
)

PRESETS = {
    "official-mfr": PaniniConfig(
        input_size=512, prior_channels=(512, 512, 512, 512, 512, 256, 128, 64, 32)
    ),
    "official-sr": PaniniConfig(
        input_size=64,
        prior_channels=(512, 512, 512, 512, 512, 256, 128, 64, 32),
        extractor_channels=64,
        extractor_blocks=23,
        attention_hidden=8,
        stem=((512, 1),),
        learned_degradation=True,
    ),
    "compact": _COMPACT,
    # The same encoders under a GAN that was trained as one.
    "mobile": dataclasses.replace(
        _COMPACT,
        prior="mobile",
        prior_channels=(512, 512, 512, 512, 512, 256, 128, 64),
        style_size=512,
        mapping_layers=8,
        detail_patch=1,
        latent_hidden=64,
        latent_rank=64,
        picture_bands=5,
        interpolated_picture=True,
    ),
    "tiny": _TINY,
    "tiny-mobile": dataclasses.replace(
        _TINY,
        prior="mobile",
        prior_channels=(12, 12, 8, 8, 8),
        detail_patch=1,
        latent_rank=4,
        picture_bands=3,
        interpolated_picture=True,
    ),
}


def build_gan_prior(config: PaniniConfig) -> GanPrior:
    """The generator of a configuration, untrained."""
    channels = {resolution_of(level): width for level, width in enumerate(config.prior_channels)}
    if config.prior == "mobile":
        return MobileGenerator(channels, config.style_size, config.mapping_layers)
    return StyleGAN2Generator(
        channels, config.style_size, config.mapping_layers, detail_patch=config.detail_patch
    )


def _is_anything(values: Tensor) -> Tensor:
    """Whether any of the values is not zero; in the computer's own memory."""
    return values.any().cpu()


class PaniniNet(nn.Module):
    """The whole network of the paper; `config` says which: restoration, super-resolution or ours.

    Images are RGB in [-1, 1]. Samples are independent in eval mode.
    """

    def __init__(self, config: PaniniConfig) -> None:
        super().__init__()
        self.config = config
        self.gan_prior = build_gan_prior(config)
        self.image_encoder = ImageEncoder(
            patch=config.input_patch,
            extractor_channels=config.extractor_channels,
            extractor_blocks=config.extractor_blocks,
            attention_hidden=config.attention_hidden,
            stem=config.stem,
            level_channels=config.level_channels,
            level_convs=config.level_convs,
            latent_hidden=config.latent_hidden,
            latent_rank=config.latent_rank,
            w_plus_rows=self.gan_prior.w_plus_rows,
            style_size=config.style_size,
        )
        shape = (self.gan_prior.w_plus_rows, config.style_size)
        self.register_buffer("mean_latent", torch.zeros(shape))  # all zero: not known
        self.mean_latent: Tensor
        self._has_mean_latent = Derived(_is_anything)
        self.degradation_encoder: DegradationEncoder | None = None
        if config.learned_degradation:
            self.learned_degradation = nn.Parameter(torch.randn(1, config.degradation_size))
        else:
            self.degradation_encoder = DegradationEncoder(
                config.degradation_layers,
                pool=config.degradation_pool,
                patch=config.degradation_patch,
                discriminants=config.degradation_discriminants,
            )
        channels = config.interpolated_channels
        self.interpolation_predictor = InterpolationPredictor(
            config.degradation_size, len(channels), max(channels)
        )
        self.feature_interpolation = FeatureInterpolation(
            config.level_channels, config.prior_channels[: len(config.level_channels)]
        )
        self.fidelity_curve: FidelityCurve | None = None  # calibrated for trained weights
        # Whether batches are filled up to few sizes: each size is a CUDA graph of its own.
        self.fills_batches = False
        if config.picture_bands and not config.interpolated_picture:
            self.gan_prior.silence()  # begin with the picture as it is

    @property
    def name(self) -> str:
        return "Panini"

    @property
    def input_size(self) -> int:
        """Side of the aligned faces that it takes, px."""
        return self.config.input_size

    @property
    def output_size(self) -> int:
        """Side of the restored faces, px."""
        return self.config.output_size

    @property
    def device(self) -> torch.device:
        return self.gan_prior.constant.device

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the features; inputs are converted to it."""
        return self.gan_prior.constant.dtype

    def encode_degradation(self, images: Tensor) -> Tensor:
        """Images (N, 3, S, S) in [-1, 1] -> DR (N, D), float32: UDRL's encoder without its head.

        A network with a learned DR (super-resolution) gives the same one for every image.
        """
        self._check(images)
        if self.degradation_encoder is None:
            return self.learned_degradation.float().expand(images.shape[0], -1)
        return self.degradation_encoder(images)

    def predict_alpha(self, degradation: Tensor) -> Tensor:
        """DR (N, D) -> alpha (N, L, C) in [0, 1], the prior's share; levels coarse first.

        Level l uses the first `config.interpolated_channels[l]` channels. After the feature levels
        come `config.picture_bands` levels of the picture's frequency bands, a weight per colour.
        """
        size = self.config.degradation_size
        if degradation.ndim != 2 or degradation.shape[1] != size:
            raise ValueError(
                f"A degradation representation must be (N, {size}), got "
                f"{tuple(degradation.shape)}; it may come from another model."
            )
        return self.interpolation_predictor(degradation)

    def forward(
        self,
        images: Tensor,  # (N, 3, S, S) RGB in [-1, 1], S = config.input_size
        alpha: Tensor | None = None,  # (N, L, C); None = predicted from the images
        *,
        noise: Sequence[Tensor] | None = None,  # a noise image a styled convolution; None = stored
        latent_pull: float = 0.0,  # how far W+ is moved toward the mean latent, 0..1
        size: int | None = None,  # of the result, px, if the prior can; None = config.output_size
    ) -> Tensor:  # (N, 3, R, R) nominally in [-1, 1], not clamped, float32
        self._check(images)

        # Degradation representation and interpolation weights (sections 3.1 and 3.2)
        if alpha is None:
            alpha = self.predict_alpha(self.encode_degradation(images))
        self._check_alpha(alpha, images.shape[0])

        # Image features of every level, and where the image lies in the prior's W+ space
        image_features, w_plus = self.image_encoder(images.to(self.dtype))
        if self.training:
            self.follow_latents(w_plus.detach())
        if latent_pull:
            w_plus = self._pull_latents(w_plus, latent_pull)

        # The prior's own features, each level interpolated before the next one consumes it
        fuse = self.fusion(image_features, alpha)
        size = size or self.config.output_size
        drawn = self.gan_prior(w_plus, size=size, noise=noise, fuse=fuse)

        # The picture's own frequency bands, as far as the degradation left them
        return self.mix_picture(drawn, images, alpha)

    def fusion(
        self, image_features: Sequence[Tensor], alpha: Tensor, window: Window | None = None
    ) -> Fuse:
        """What the generator calls after each level: interpolation with the image's features
        (section 3.2), cut to the `window` from its resolution on."""

        def fuse(resolution: int, prior: Tensor) -> Tensor:
            level = self.gan_prior.resolutions.index(resolution)
            if level >= len(image_features):
                return prior
            image = image_features[level]
            if window is not None and resolution > window.resolution:
                image = window.cut(image)
            return self.feature_interpolation(level, prior, image, alpha)

        return fuse

    def mix_picture(self, drawn: Tensor, images: Tensor, alpha: Tensor) -> Tensor:
        """What the prior drew (N, 3, R, R) with the bands of the picture (N, 3, S, S).

        The picture has nothing to say about detail beyond its own grid: that stays as drawn.
        Raises ValueError unless R is S or a multiple of it.
        """
        config = self.config
        if not config.picture_bands:
            return drawn
        share = alpha[:, -config.picture_bands :, :3]
        mix = interpolate_bands if config.interpolated_picture else add_bands
        factor, rest = divmod(drawn.shape[-1], images.shape[-1])
        if rest or not factor:
            raise ValueError(
                f"What is drawn must have the picture's {images.shape[-1]} px or a multiple of it, "
                f"got {drawn.shape[-1]} px; ask for another size."
            )
        if factor == 1:
            return mix(drawn, images, share)
        coarse = F.avg_pool2d(drawn, factor)
        change = mix(coarse, images, share) - coarse
        return drawn + F.interpolate(change, scale_factor=factor, mode="nearest")

    @torch.no_grad()
    def follow_latents(self, w_plus: Tensor) -> None:
        """Keep the mean latent while training, as BatchNorm keeps its means (forward does it)."""
        known = self.gan_prior.mean_latent
        if known is not None and known.any():  # that of the GAN itself, which is better
            self.mean_latent.copy_(known.expand_as(self.mean_latent))
            return
        rate = torch.where(self.mean_latent.any(), MEAN_LATENT_RATE, 1.0)  # the first batch whole
        self.mean_latent.lerp_(w_plus.to(self.mean_latent.dtype).mean(0), rate.to(w_plus.device))

    def _pull_latents(self, w_plus: Tensor, amount: float) -> Tensor:
        """Truncation as in StyleGAN, by 1 - amount: toward the mean latent."""
        if not self._has_mean_latent(self.mean_latent):  # looked at once: it waits for the device
            raise ValueError(
                "This model has no mean latent, since it was trained without one and its prior "
                "was not a GAN by itself; set latent_pull to 0."
            )
        return torch.lerp(w_plus, self.mean_latent.to(w_plus), amount)

    def _check(self, images: Tensor) -> None:
        size = self.config.input_size
        if images.ndim != 4 or images.shape[1:] != (3, size, size):
            raise ValueError(
                f"PaniniNet expects aligned faces (N, 3, {size}, {size}) in [-1, 1], "
                f"got {tuple(images.shape)}; align or resize them first."
            )

    def _check_alpha(self, alpha: Tensor, count: int) -> None:
        channels = self.config.interpolated_channels
        expected = (count, len(channels), max(channels))
        if alpha.shape != expected:
            raise ValueError(
                f"alpha must be (N, L, C) = {expected} for this model, got {tuple(alpha.shape)}."
            )
