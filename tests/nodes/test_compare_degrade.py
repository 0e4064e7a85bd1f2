"""Compare Images and Degrade Image."""

from __future__ import annotations

import pytest
import torch

from . import examples
from .pack import Pack


def test_pairs_of_different_sizes_and_a_single_reference(comfy_pack: Pack) -> None:
    before, after = torch.rand(1, 20, 30, 3), torch.rand(2, 40, 60, 3)
    (payload,) = comfy_pack.run("PaniniCompareImages", before=before, after=after).ui[
        "panini_compare"
    ]
    assert payload["version"] == 1
    assert payload["total"] == len(payload["pairs"]) == 2
    assert [pair["before_size"] for pair in payload["pairs"]] == [[30, 20]] * 2
    assert payload["pairs"][1]["after_size"] == [60, 40]
    assert payload["pairs"][0]["faces"] == []
    with pytest.raises(ValueError, match="expected as many, or one"):
        comfy_pack.run("PaniniCompareImages", before=before.expand(3, -1, -1, -1), after=after)


def test_faces_to_jump_between_are_in_pixels_of_before(comfy_pack: Pack) -> None:
    image = examples.photograph()
    faces = examples.detect(comfy_pack, image)
    doubled = image.repeat_interleave(2, 1).repeat_interleave(2, 2)
    boxes = []
    for before in (image, doubled):
        output = comfy_pack.run("PaniniCompareImages", before=before, after=image, faces=faces)
        boxes.append(torch.tensor(output.ui["panini_compare"][0]["pairs"][0]["faces"][0]["box"]))
    assert torch.allclose(boxes[1], boxes[0] * 2, atol=0.2)


def test_degrading_follows_the_seed_and_differs_by_image(comfy_pack: Pack) -> None:
    batch = examples.photograph().expand(2, -1, -1, -1)

    def degrade(seed: int, **inputs: object) -> torch.Tensor:
        return comfy_pack.run("PaniniDegradeImage", image=batch, seed=seed, **inputs).result[0]

    first = degrade(1)
    assert first.shape == batch.shape
    assert torch.equal(first, degrade(1))
    assert not torch.equal(first, degrade(2))
    assert not torch.equal(first[0], first[1])
    assert degrade(2**64 - 1).shape == batch.shape


def test_custom_degradations_do_what_they_say(comfy_pack: Pack) -> None:
    image = examples.photograph()
    off = {"preset": "custom", "blur": 0.0, "downscale": 1.0, "noise": 0.0, "jpeg": 0}

    def degrade(**inputs: object) -> torch.Tensor:
        return comfy_pack.run("PaniniDegradeImage", image=image, **(off | inputs)).result[0]

    assert torch.allclose(degrade(), image, atol=0.5 / 255 + 1e-6)
    noisy = degrade(noise=10.0) - image
    assert noisy.std().item() * 255 == pytest.approx(10, rel=0.15)
    assert (degrade(blur=6.0) - image).abs().mean() > (degrade(blur=2.0) - image).abs().mean()
    assert (degrade(jpeg=10) - image).abs().mean() > (degrade(jpeg=90) - image).abs().mean()
    assert (degrade(downscale=8.0) - image).abs().mean() > 0.01
