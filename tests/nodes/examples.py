"""Small inputs for the nodes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .pack import Pack


@cache
def photograph() -> Tensor:
    """IMAGE (1, 256, 256, 3) with one face: the astronaut of scikit-image, head and shoulders."""
    from skimage import data

    pixels = torch.from_numpy(np.asarray(data.astronaut()))[0:256, 96:352]
    return (pixels.float() / 255)[None]


def landscape() -> Tensor:
    """IMAGE (1, 256, 256, 3) without a face."""
    across = torch.linspace(0, 1, 256).expand(256, 256)
    return torch.stack([across, across.T, across.flip(1)], -1)[None]


def tiny_model(pack: Pack, preset: str = "tiny") -> Any:
    """PANINI_MODEL: a small network with random weights that changes its input."""
    torch.manual_seed(0)
    network = pack.core.PaniniNet(pack.core.PaniniConfig.preset(preset)).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
        network.mean_latent.normal_(generator=generator)
    return pack.part("nodes.host").manage(network, Path(f"{preset}.safetensors"))


def detector(pack: Pack) -> Any:
    """PANINI_DETECTOR: the bundled one."""
    (found,) = pack.run("PaniniLoadDetector").result
    return found


def model(pack: Pack) -> Any:
    """PANINI_MODEL: the bundled one."""
    (found,) = pack.run("PaniniLoadModel").result
    return found


def detect(pack: Pack, image: Tensor, **inputs: Any) -> Any:
    """PANINI_FACES of an IMAGE."""
    return pack.run("PaniniDetectFaces", image=image, detector=detector(pack), **inputs).result[0]


def align(pack: Pack, image: Tensor, **inputs: Any) -> tuple[Tensor, Any]:
    """Crops and aligned PANINI_FACES of an IMAGE."""
    found = detect(pack, image)
    return pack.run("PaniniAlignFaces", image=image, faces=found, **inputs).result


class Darken(torch.nn.Module):
    """Pictures twice as large, half as bright."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(0.5), requires_grad=False)

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.repeat_interleave(2, -1).repeat_interleave(2, -2) * self.gain


class UpscaleModel:
    """UPSCALE_MODEL: what spandrel's descriptors offer, around a network x2."""

    class architecture:
        id = name = "Darken"

    purpose, scale, tiling = "SR", 2, None
    input_channels = output_channels = 3
    supports_half = supports_bfloat16 = True

    def __init__(self) -> None:
        self.model = Darken()

    def __call__(self, image: Tensor) -> Tensor:
        return self.model(image)


def upscale_model() -> Any:
    return UpscaleModel()
