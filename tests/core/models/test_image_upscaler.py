from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from panini_core.models.image_upscaler import upscaler_of


class Named:
    """Something of which only the name counts."""

    def __init__(self, name: str) -> None:
        self.id = self.name = name


class Descriptor:
    """What spandrel gives for an upscaler; its network gives pictures back twice as bright."""

    def __init__(self, **values: Any) -> None:
        self.architecture = Named("Brightener")
        self.purpose, self.scale, self.tiling = "SR", 1, Named("SUPPORTED")
        self.input_channels = self.output_channels = 3
        self.supports_half = self.supports_bfloat16 = True
        self.model = nn.Conv2d(3, 3, 1).bfloat16()
        self.seen = torch.empty(0)
        for name, value in values.items():
            setattr(self, name, value)

    def __call__(self, image: Tensor) -> Tensor:
        self.seen = image
        return image * 2


def test_pictures_are_computed_in_the_networks_precision_and_stay_in_range() -> None:
    descriptor = Descriptor()
    upscaler = upscaler_of(descriptor)
    drawn = upscaler(torch.tensor([0.25, 0.75]).view(1, 1, 1, 2).expand(1, 3, 2, 2))
    assert descriptor.seen.dtype is torch.bfloat16 and drawn.dtype is torch.float32
    assert torch.equal(drawn[0, 0, 0], torch.tensor([0.5, 1.0]))
    assert (upscaler.name, upscaler.scale, upscaler.tiled) == ("Brightener", 1, True)
    assert upscaler.device == torch.device("cpu") and not descriptor.model.training


def test_models_that_cut_pictures_themselves_are_known() -> None:
    assert not upscaler_of(Descriptor(tiling=Named("INTERNAL"))).tiled


def test_face_restorers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"found a face restorer \(Brightener\)"):
        upscaler_of(Descriptor(purpose="FaceSR"))


def test_models_that_do_not_take_rgb_are_refused() -> None:
    with pytest.raises(ValueError, match="Brightener has 1 -> 3"):
        upscaler_of(Descriptor(input_channels=1))
