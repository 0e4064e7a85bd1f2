from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from panini_core.degrading.resizing import FILTERS, resize


@pytest.mark.parametrize("method", FILTERS)
def test_resizing_keeps_flat_and_straight_what_is(method: str) -> None:
    ramp = torch.linspace(0.2, 0.8, 60).expand(1, 3, 60, 60)
    small = resize(ramp, (60, 20), method)
    assert small.shape == (1, 3, 60, 20)
    inside = small[0, 0, 30, 3:-3]
    # Nearest takes the left of three pixels, which is a third of a step away.
    assert torch.allclose(inside, ramp[0, 0, 0, 1::3][3:-3], atol=0.011)
    assert float(resize(torch.full((1, 3, 9, 9), 0.4), (31, 5), method).std()) < 1e-6


def test_an_unknown_filter_is_refused() -> None:
    with pytest.raises(ValueError, match="lanczos"):
        resize(torch.rand(1, 3, 8, 8), (4, 4), "lanczos")


@pytest.mark.parametrize("size", [(90, 130), (203, 40), (500, 331), (7, 450), (1, 1)])
def test_lanczos_is_that_of_pillow(size: tuple[int, int]) -> None:
    pixels = data.astronaut()[40:243, 150:300]
    height, width = size
    expected = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))
    images = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float()
    ours = resize(images, size, "lanczos3").round().clamp(0, 255)[0].permute(1, 2, 0)
    # Pillow rounds and clips between rows and columns too.
    difference = (ours - torch.from_numpy(expected.copy())).abs()
    assert difference.mean() < 0.3
    assert difference.max() <= 12


def test_lanczos_rings_at_edges() -> None:
    edge = torch.tensor([0.2, 0.8]).repeat_interleave(20).expand(1, 1, 40, 40)
    row = resize(edge, (160, 160), "lanczos3")[0, 0, 80]
    assert float(row.max()) > 0.83
    assert float(row.min()) < 0.17
    # A second lobe goes the other way.
    assert 0.7 < float(row[80:][int(row[80:].argmax()) :].min()) < 0.799
