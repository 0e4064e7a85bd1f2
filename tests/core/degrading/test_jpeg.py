from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from panini_core.degrading.jpeg import (
    jpeg_compress,
    quantisation_tables,
    shifted_jpeg_compress,
)


@pytest.fixture(scope="module")
def photograph() -> Tensor:
    """(1, 3, 203, 150): sides that are no multiples of a block."""
    return to_tensor(data.astronaut()[40:243, 150:300])


def to_tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255


def pillow_round_trip(images: Tensor, quality: int, subsample: bool) -> Tensor:
    pixels = (images[0] * 255).round().byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=2 if subsample else 0)
    return to_tensor(np.asarray(Image.open(file)))


def ours(images: Tensor, quality: int, subsample: bool) -> Tensor:
    return jpeg_compress(images, torch.tensor([quality]), torch.tensor([subsample]))


@pytest.mark.parametrize("quality", [1, 10, 25, 49, 50, 51, 75, 90, 95, 100])
def test_tables_are_those_of_libjpeg(quality: int) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
    with Image.open(file) as picture:
        expected = picture.quantization
    luma, chroma = quantisation_tables(torch.tensor([quality]))
    assert luma.flatten().int().tolist() == list(expected[0])
    assert chroma.flatten().int().tolist() == list(expected[1])


@pytest.mark.parametrize("subsample", [False, True])
@pytest.mark.parametrize("quality", [10, 30, 50, 75, 90, 97])
def test_pixels_are_those_of_pillow(photograph: Tensor, quality: int, subsample: bool) -> None:
    expected = pillow_round_trip(photograph, quality, subsample)
    difference = (ours(photograph, quality, subsample) - expected).abs().mean() * 255
    loss = (photograph - expected).abs().mean() * 255
    assert difference < 0.75
    assert difference < 0.5 * loss


def test_the_other_subsampling_is_farther_from_pillow(photograph: Tensor) -> None:
    for subsample in (False, True):
        expected = pillow_round_trip(photograph, 75, subsample)
        same = (ours(photograph, 75, subsample) - expected).abs().mean()
        other = (ours(photograph, 75, not subsample) - expected).abs().mean()
        assert same < 0.5 * other


def test_result_is_what_a_file_can_hold(photograph: Tensor) -> None:
    levels = ours(photograph, 40, True) * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)
    assert levels.min() >= 0
    assert levels.max() <= 255


def test_lower_quality_loses_more(photograph: Tensor) -> None:
    losses = [(ours(photograph, q, True) - photograph).abs().mean() for q in (95, 75, 50, 30, 10)]
    assert losses == sorted(losses)


def test_samples_of_a_batch_keep_their_own_quality_and_subsampling(photograph: Tensor) -> None:
    quality, subsample = torch.tensor([20, 90, 60, 60]), torch.tensor([True, False, True, False])
    together = jpeg_compress(photograph.repeat(4, 1, 1, 1), quality, subsample)
    for i in range(4):
        alone = ours(photograph, int(quality[i]), bool(subsample[i]))
        # One level, where the order of the sums tips a rounding.
        assert (together[i] - alone[0]).abs().mean() < 0.01 / 255


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (7, 19)])
def test_any_size(size: tuple[int, int]) -> None:
    flat = torch.full((1, 3, *size), 100 / 255)
    assert torch.allclose(ours(flat, 95, True), flat, atol=1.5 / 255)


def test_grey_stays_grey(photograph: Tensor) -> None:
    grey = photograph.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    result = ours(grey, 30, True)
    assert torch.equal(result[:, 0], result[:, 1])
    assert torch.equal(result[:, 0], result[:, 2])


@pytest.mark.parametrize("quality", [0, 101])
def test_quality_outside_1_to_100_is_refused(photograph: Tensor, quality: int) -> None:
    with pytest.raises(ValueError, match=r"1\.\.100"):
        ours(photograph, quality, True)


def test_one_quality_per_image_is_demanded(photograph: Tensor) -> None:
    with pytest.raises(ValueError, match="must be"):
        jpeg_compress(photograph, torch.tensor([50, 60]), torch.tensor([True, True]))


# --- a picture cut out of a file ---


def cut_out(images: Tensor, quality: int, subsample: bool, x: int, y: int) -> Tensor:
    return shifted_jpeg_compress(
        images, torch.tensor([quality]), torch.tensor([subsample]), torch.tensor([[x, y]])
    )


@pytest.mark.parametrize("subsample", [False, True])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (3, 5), (15, 8)])
def test_shifted_blocks_are_those_of_the_larger_file(
    photograph: Tensor, subsample: bool, x: int, y: int
) -> None:
    whole = ours(photograph, 30, subsample)[..., y:, x:]
    cut = cut_out(photograph[..., y:, x:], 30, subsample, x, y)
    # The first blocks hold what the cut took away.
    inner = (..., slice(17, None), slice(17, None))
    assert (cut[inner] - whole[inner]).abs().mean() < 0.01 / 255
    unshifted = ours(photograph[..., y:, x:], 30, subsample)
    if (x, y) != (0, 0):
        assert (unshifted[inner] - whole[inner]).abs().mean() > 1 / 255


@pytest.mark.parametrize(("x", "y"), [(0, 0), (2, 7), (13, 4)])
def test_the_grid_of_blocks_lies_where_its_origin_says(photograph: Tensor, x: int, y: int) -> None:
    result = cut_out(photograph, 8, False, x, y).mean(dim=(0, 1))
    for plane, start in ((result, x), (result.T, y)):
        steps = plane.diff(dim=1).abs().mean(dim=0)[: 8 * 17]
        by_phase = steps.view(-1, 8).mean(dim=0)
        # The step from pixel i to i + 1 crosses an edge where i + 1 + start is a multiple of 8.
        assert int(by_phase.argmax()) == (-1 - start) % 8


def test_cut_out_pictures_of_a_batch_have_their_own_origin(photograph: Tensor) -> None:
    origin = torch.tensor([[1, 2], [9, 4]])
    together = shifted_jpeg_compress(
        photograph.repeat(2, 1, 1, 1), torch.tensor([40, 40]), torch.tensor([True, True]), origin
    )
    for i, (x, y) in enumerate(origin.tolist()):
        alone = cut_out(photograph, 40, True, x, y)
        assert (together[i] - alone[0]).abs().mean() < 0.01 / 255


def test_an_origin_outside_the_first_block_is_refused(photograph: Tensor) -> None:
    with pytest.raises(ValueError, match=r"0\.\.15"):
        cut_out(photograph, 40, True, 16, 0)
