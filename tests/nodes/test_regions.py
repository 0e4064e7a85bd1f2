"""Face Regions, and its masks in Paste Faces."""

from __future__ import annotations

import pytest
import torch

from . import examples
from .pack import Pack


def test_eyes_can_be_left_out(comfy_pack: Pack) -> None:
    image = examples.photograph()
    crops, faces = examples.align(comfy_pack, image)
    (mask,) = comfy_pack.run("PaniniFaceRegions", faces=faces, eyes=0.0).result
    assert mask.shape == (1, 256, 256)
    paste = {"image": image, "faces": faces, "crops": 1 - crops, "mask_source": "mask"}
    pasted, drawn, _ = comfy_pack.run("PaniniPasteFaces", **paste, mask=mask).result
    left_eye, right_eye, nose = faces.faces[0].landmarks[:3].floor().long().tolist()
    for x, y in (left_eye, right_eye):
        assert (pasted[0, y, x] - image[0, y, x]).abs().max() < 0.02
    assert drawn[0, nose[1], nose[0]] > 0.9
    whole = comfy_pack.run("PaniniFaceRegions", faces=faces).result[0]
    oval = comfy_pack.run("PaniniPasteFaces", **(paste | {"mask_source": "oval"})).result[1]
    of_regions = comfy_pack.run("PaniniPasteFaces", **paste, mask=whole).result[1]
    assert ((of_regions > 0.5) != (oval > 0.5)).float().mean() < 0.01


def test_each_of_several_faces_has_its_own_mask(comfy_pack: Pack) -> None:
    one = examples.photograph()
    image = torch.cat([torch.cat([one, one], 2), torch.zeros(1, 256, 512, 3)])
    crops, faces = examples.align(comfy_pack, image)
    assert (len(faces), faces.image_count) == (2, 2)
    masks = comfy_pack.run("PaniniFaceRegions", faces=faces).result[0].clone()
    joint = comfy_pack.run("PaniniFaceRegions", faces=faces, per="image").result[0]
    assert masks.shape == joint.shape == (2, 256, 512)
    assert torch.equal(joint[0], masks.amax(0))
    assert joint[1].eq(0).all()
    paste = {"image": image, "faces": faces, "crops": 1 - crops, "mask_source": "mask"}
    with pytest.raises(ValueError, match=r"as many masks .* set mask_of to image or to faces"):
        comfy_pack.run("PaniniPasteFaces", **paste, mask=masks)
    drawn = comfy_pack.run("PaniniPasteFaces", **paste, mask=masks, mask_of="faces").result[1]
    again = comfy_pack.run("PaniniPasteFaces", **paste, mask=joint, mask_of="image").result[1]
    assert (drawn - again).abs().mean() < 0.001
    masks[0] = 0  # the first face is left as it is
    only = comfy_pack.run("PaniniPasteFaces", **paste, mask=masks, mask_of="faces").result[1]
    first, second = (face.landmarks[2].floor().long().tolist() for face in faces.faces)
    assert only[0, first[1], first[0]] == 0
    assert only[0, second[1], second[0]] > 0.9
    three = torch.cat([masks, masks[:1]])
    with pytest.raises(ValueError, match="one for each of 2 faces"):
        comfy_pack.run("PaniniPasteFaces", **paste, mask=three, mask_of="faces")


def test_without_a_face_there_is_an_empty_mask_an_image(comfy_pack: Pack) -> None:
    faces = examples.detect(comfy_pack, examples.landscape())
    (mask,) = comfy_pack.run("PaniniFaceRegions", faces=faces).result
    assert mask.shape == (1, 256, 256)
    assert mask.eq(0).all()


def test_the_whole_pipeline_draws_an_oval_too(comfy_pack: Pack) -> None:
    inputs = {
        "image": examples.photograph(),
        "model": examples.tiny_model(comfy_pack),
        "detector": examples.detector(comfy_pack),
    }
    soft, oval, auto = (
        comfy_pack.run("PaniniRestoreImage", **inputs, mask_source=source).result[1]
        for source in ("soft", "oval", "auto")
    )
    assert 0.2 * soft.sum() < oval.sum() < 0.8 * soft.sum()
    assert torch.equal(auto, soft)  # no parsing file is there
    with pytest.raises(FileNotFoundError, match="mask_source parse needs"):
        comfy_pack.run("PaniniRestoreImage", **inputs, mask_source="parse")
