"""The node that a first workflow begins with."""

from __future__ import annotations

import torch

from panini_core import sample_photo

from .pack import Pack


def test_a_photo_comes_without_anything_connected(comfy_pack: Pack) -> None:
    (image,) = comfy_pack.run("PaniniSamplePhoto", preset="clean", seed=0, grey=False).result
    assert torch.equal(image, sample_photo().movedim(1, -1))
    (worse,) = comfy_pack.run(
        "PaniniSamplePhoto", preset="heavy", seed=2**64 - 1, grey=False
    ).result
    assert worse.shape == image.shape
    assert not torch.equal(worse, image)
