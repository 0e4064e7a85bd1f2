"""Batches of no image: other nodes may give one, and nothing has to be done."""

from __future__ import annotations

import torch

from . import examples
from .pack import Pack
from .test_pipeline import chain, whole

NONE = torch.zeros(0, 256, 256, 3)


def test_no_image_goes_through_every_stage(comfy_pack: Pack) -> None:
    network = examples.tiny_model(comfy_pack)
    for image, mask in (chain(comfy_pack, NONE, network), whole(comfy_pack, NONE, network)[:2]):
        assert image.shape == NONE.shape
        assert mask.shape == NONE.shape[:3]
    faces = examples.detect(comfy_pack, NONE)
    assert len(faces) == 0
