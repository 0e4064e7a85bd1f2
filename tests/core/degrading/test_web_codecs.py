from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, features
from skimage import data
from torch import Tensor

from panini_core.degrading.jpeg import jpeg_compress
from panini_core.degrading.web_codecs import web_compress

CODECS = [
    False,
    pytest.param(
        True,
        marks=pytest.mark.skipif(
            "avif" not in features.get_supported_modules(), reason="Pillow has no AVIF here"
        ),
    ),
]


@pytest.fixture(scope="module")
def photograph() -> Tensor:
    """(1, 3, 203, 150): sides that are no multiples of a block."""
    return to_tensor(data.astronaut()[40:243, 150:300])


def to_tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255


def ours(images: Tensor, quality: int, avif: bool = False) -> Tensor:
    return web_compress(images, torch.tensor([quality]), torch.tensor([avif]))


@pytest.mark.parametrize("avif", CODECS)
def test_the_loss_is_that_of_a_file(photograph: Tensor, avif: bool) -> None:
    """That of a file of our quick settings; as large as with Pillow's own, more careful ones."""
    pixels = (photograph[0] * 255).round().byte().permute(1, 2, 0).numpy()

    def in_a_file(**options: int) -> Tensor:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "AVIF" if avif else "WEBP", quality=40, **options)
        return to_tensor(np.asarray(Image.open(file).convert("RGB")))

    def loss(images: Tensor) -> float:
        return float((images - photograph).abs().mean())

    result = ours(photograph, 40, avif)
    assert torch.equal(result, in_a_file(**({"speed": 10} if avif else {"method": 2})))
    assert loss(result) == pytest.approx(loss(in_a_file()), rel=0.15)


@pytest.mark.parametrize("avif", CODECS)
def test_lower_quality_loses_more(photograph: Tensor, avif: bool) -> None:
    losses = [(ours(photograph, q, avif) - photograph).abs().mean() for q in (95, 70, 40, 10)]
    assert losses == sorted(losses)
    assert losses[0] > 0


def test_webp_smooths_over_the_edges_of_blocks(photograph: Tensor) -> None:
    """Unlike JPEG at the same loss."""

    def edges_of_blocks(images: Tensor) -> float:
        steps = images.mean(dim=1).diff(dim=-1).abs().mean(dim=(0, 1))
        at_edges = torch.arange(1, len(steps) + 1) % 8 == 0
        return float(steps[at_edges].mean() / steps[~at_edges].mean())

    jpeg = jpeg_compress(photograph, torch.tensor([12]), torch.tensor([True]))
    webp = ours(photograph, 5)
    assert edges_of_blocks(jpeg) > 1.5 * edges_of_blocks(webp)


def test_without_avif_webp_takes_its_place(
    photograph: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "get_supported_modules", lambda: ["webp"])
    assert torch.equal(ours(photograph, 30, avif=True), ours(photograph, 30, avif=False))


def test_images_of_a_batch_keep_their_own_quality_and_codec(photograph: Tensor) -> None:
    quality, avif = torch.tensor([10, 80, 50]), torch.tensor([False, False, True])
    together = web_compress(photograph.repeat(3, 1, 1, 1), quality, avif)
    for i in range(3):
        alone = ours(photograph, int(quality[i]), bool(avif[i]))
        assert torch.equal(together[i : i + 1], alone)


@pytest.mark.parametrize("avif", CODECS)
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (7, 19)])
def test_any_size(size: tuple[int, int], avif: bool) -> None:
    flat = torch.full((1, 3, *size), 100 / 255)
    assert torch.allclose(ours(flat, 95, avif), flat, atol=3 / 255)


def test_result_is_what_a_file_can_hold(photograph: Tensor) -> None:
    levels = ours(photograph.double() + 0.3 / 255, 40) * 255
    assert levels.dtype == torch.float64
    assert torch.allclose(levels, levels.round(), atol=1e-4)


def test_wrong_parameters_are_refused(photograph: Tensor) -> None:
    with pytest.raises(ValueError, match=r"0\.\.100"):
        ours(photograph, 101)
    with pytest.raises(ValueError, match="must be"):
        web_compress(photograph, torch.tensor([50, 60]), torch.tensor([True, True]))
