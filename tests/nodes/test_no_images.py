"""Batches of no image: other nodes may give one, and nothing has to be done."""

from __future__ import annotations

import pytest
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


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_no_image_goes_through_the_nodes_around_them(comfy_pack: Pack, channels: int) -> None:
    none = torch.zeros(0, 256, 256, channels)
    network = examples.tiny_model(comfy_pack)
    larger = whole(comfy_pack, none, network, upscale=1.5).result[0]
    assert larger.shape == (0, 384, 384, 4 if channels == 4 else 3)

    crops, faces = examples.align(comfy_pack, none, size=64)
    paste = {"image": none, "faces": faces, "crops": crops, "mask_source": "mask"}
    for mask in (torch.zeros(0, 256, 256), torch.zeros(1, 64, 64)):
        assert len(comfy_pack.run("PaniniPasteFaces", **paste, mask=mask).result[0]) == 0
    for image in (none, None):
        assert len(comfy_pack.run("PaniniSelectFaces", faces=faces, image=image).result[2]) == 0
    assert len(comfy_pack.run("PaniniFacesToMask", faces=faces, blur=9).result[0]) == 0
    assert comfy_pack.run("PaniniFacesToBoxes", faces=faces).result == ([], [])
    run = {"image": none, "detector": examples.detector(comfy_pack)}
    assert len(comfy_pack.run("PaniniBoxesToFaces", boxes=[], **run).result[0]) == 0
    assert len(comfy_pack.run("PaniniDegradeImage", image=none).result[0]) == 0
    (payload,) = comfy_pack.run("PaniniCompareImages", before=none, after=none).ui["panini_compare"]
    assert payload["pairs"] == []
