"""Faces drawn by a GAN prior from random codes: training data without end, and without a person."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from panini_core.models.panini import GanPrior
from panini_core.models.value_range import from_network


@dataclass(frozen=True, slots=True, eq=False)
class DrawnFaces:
    """Faces and what they were drawn from."""

    images: Tensor  # (N, 3, S, S) RGB in [0, 1]
    codes: Tensor  # (N, W), the same for all rows of W+
    features: dict[int, Tensor]  # resolution -> the prior's own features (N, C, r, r)


class FaceDrawer:
    """Draws faces with a frozen copy of a generator.

    Codes are moved toward the mean latent by a random share of each face (StyleGAN's truncation):
    typical faces and unusual ones.
    """

    def __init__(
        self,
        prior: GanPrior,
        mean_latent: Tensor,  # (W,)
        levels: Iterable[int],  # the resolutions whose features are kept
        *,
        truncation: tuple[float, float] = (0.5, 1.0),
        compiled: bool = False,
    ) -> None:
        self.prior = copy.deepcopy(prior).eval().requires_grad_(False)
        self.mean_latent = mean_latent
        self.levels = frozenset(levels)
        self.truncation = truncation
        if compiled:
            # Blocks share their code, and each, with each batch size, counts as a recompilation.
            dynamo: Any = import_module("torch._dynamo")
            dynamo.config.recompile_limit = 8 * len(self.prior.blocks)
            for block in self.prior.blocks.values():  # one by one: features leave between them
                block.compile(dynamic=False)

    @torch.no_grad()
    def codes(self, count: int, generator: torch.Generator) -> Tensor:
        """Random codes (N, W), float32; the generator is a CPU one."""
        z = torch.randn(count, self.prior.style_size, generator=generator)
        low, high = self.truncation
        psi = low + (high - low) * torch.rand(count, 1, generator=generator)
        codes = self.prior.mapping(z.to(self.mean_latent.device))
        return self.mean_latent + psi.to(codes.device) * (codes - self.mean_latent)

    @torch.no_grad()
    def draw(self, codes: Tensor) -> DrawnFaces:
        """The faces of codes (N, W) and the prior's features of the kept levels."""
        features: dict[int, Tensor] = {}

        def keep(resolution: int, x: Tensor) -> Tensor:
            if resolution in self.levels:
                features[resolution] = x
            return x

        w_plus = codes[:, None].expand(-1, self.prior.w_plus_rows, -1)
        images = from_network(self.prior(w_plus, fuse=keep).float())
        return DrawnFaces(images, codes, features)
