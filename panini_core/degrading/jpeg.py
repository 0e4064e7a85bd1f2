"""JPEG compression as tensor operations: what a file loses, batched, one quality per sample.

Follows the baseline coder as libjpeg runs it: YCbCr, 4:4:4 or 4:2:0, 8x8 DCT, the tables of
Annex K of ITU-T T.81 scaled by quality, and smooth ("fancy") chroma up-sampling in the decoder.
Entropy coding loses nothing and is left out. Not differentiable: values are truly rounded.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..models.dct import dct_matrix
from ..models.luma import LUMA

_BLOCK = 8

_LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
)
# JFIF: full-range BT.601. Chroma is kept centred on 0, as the DCT wants it.
_TO_YCBCR = (
    LUMA,
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
_TO_RGB = (
    (1.0, 0.0, 1.402),
    (1.0, -0.344136286, -0.714136286),
    (1.0, 1.772, 0.0),
)


def quantisation_tables(quality: Tensor) -> tuple[Tensor, Tensor]:
    """The luma and chroma tables, each (N, 8, 8) float, that libjpeg writes at `quality` (N,).

    Qualities are whole numbers in 1..100. Rows are vertical frequencies.
    """
    quality = quality.to(torch.float32)
    scale = torch.where(quality < 50, torch.floor(5000 / quality), 200 - 2 * quality)
    tables = [
        torch.tensor(table, dtype=torch.float32, device=quality.device)
        for table in (_LUMA_TABLE, _CHROMA_TABLE)
    ]
    luma, chroma = (
        torch.floor((table * scale[:, None, None] + 50) / 100).clamp_(1, 255) for table in tables
    )
    return luma, chroma


def jpeg_compress(images: Tensor, quality: Tensor, subsample: Tensor) -> Tensor:
    """What `images` look like after they were saved as JPEG and read again.

    images: (N, 3, H, W) RGB in [0, 1]; rounded to 8 bits first. quality: (N,) whole numbers in
    1..100. subsample: (N,) bool, True for 4:2:0 chroma, False for 4:4:4. quality and subsample
    may stay on the CPU. Returns (N, 3, H, W) in [0, 1], multiples of 1/255, in the dtype of
    `images`.
    """
    count, _, height, width = images.shape
    if quality.shape != (count,) or subsample.shape != (count,):
        raise ValueError(
            f"quality and subsample must be ({count},) for {count} images, "
            f"got {tuple(quality.shape)} and {tuple(subsample.shape)}."
        )
    if bool(((quality < 1) | (quality > 100)).any()):
        raise ValueError(f"JPEG quality must lie in 1..100, got {quality.tolist()}.")
    luma_table, chroma_table = (
        table.to(images.device, non_blocking=True) for table in quantisation_tables(quality)
    )

    pixels = (images.float() * 255).round_().clamp_(0, 255)
    ycbcr = _mix_channels(_pad_to_blocks(pixels, 2 * _BLOCK), _TO_YCBCR).round_()
    luma = _quantise_blocks(ycbcr[:, :1] - 128, luma_table) + 128
    chroma = _compress_chroma(ycbcr[:, 1:], chroma_table, subsample)
    decoded = torch.cat([luma.round_().clamp_(0, 255), chroma], dim=1)
    rgb = _mix_channels(decoded, _TO_RGB)[..., :height, :width]
    return rgb.round().clamp_(0, 255).div_(255).to(images.dtype)


def shifted_jpeg_compress(
    images: Tensor, quality: Tensor, subsample: Tensor, origin: Tensor
) -> Tensor:
    """`jpeg_compress` with a grid of blocks that begins left of and above the picture.

    So it is in a picture that was cut out of a file. origin: (N, 2) whole numbers in 0..15, the
    picture's x and y in the first block of 16 px (two of luma) of that file.
    """
    count, _, height, width = images.shape
    if origin.shape != (count, 2) or bool(((origin < 0) | (origin >= 2 * _BLOCK)).any()):
        raise ValueError(
            f"origin must be ({count}, 2) numbers in 0..{2 * _BLOCK - 1} for {count} images, "
            f"got {origin.tolist()}."
        )
    margin = 2 * _BLOCK - 1
    padded = F.pad(images, (margin, margin, margin, margin), mode="replicate")
    origins: list[tuple[int, int]] = [(int(x), int(y)) for x, y in origin.tolist()]
    # One size for all, with the picture's corner at its origin.
    whole = torch.stack(
        [
            one[:, margin - y : 2 * margin - y + height, margin - x : 2 * margin - x + width]
            for one, (x, y) in zip(padded, origins, strict=True)
        ]
    )
    compressed = jpeg_compress(whole, quality, subsample)
    return torch.stack(
        [
            one[:, y : y + height, x : x + width]
            for one, (x, y) in zip(compressed, origins, strict=True)
        ]
    )


def _compress_chroma(chroma: Tensor, table: Tensor, subsample: Tensor) -> Tensor:
    """Chroma planes (N, 2, H, W) centred on 0, coded at half or at full resolution per sample."""
    if bool(subsample.all()):
        halved = F.avg_pool2d(chroma, 2).round_()
        decoded = _quantise_blocks(halved, table).round_().clamp_(-128, 127)
        # libjpeg's triangle filter has the weights 9:3:3:1, which is bilinear at factor 2.
        upsampled = F.interpolate(decoded, scale_factor=2, mode="bilinear", align_corners=False)
        return upsampled.round_()
    if not bool(subsample.any()):
        return _quantise_blocks(chroma, table).round_().clamp_(-128, 127)
    result = torch.empty_like(chroma)
    for chosen in (subsample, ~subsample):
        index = chosen.nonzero().flatten()
        here = index.to(chroma.device)
        result[here] = _compress_chroma(chroma[here], table[here], subsample[index])
    return result


def _quantise_blocks(planes: Tensor, table: Tensor) -> Tensor:
    """8x8 DCT of (N, C, H, W), division by (N, 8, 8), rounding, and the way back."""
    dct = dct_matrix(_BLOCK).float().to(planes.device)
    channels = planes.shape[1]
    # Strips of one row of blocks: y becomes the vertical frequency u, then x the horizontal v.
    strips = dct @ rearrange(planes, "n c (row y) width -> n (c row) y width", y=_BLOCK)
    blocks = rearrange(strips, "n strip u (column x) -> n strip u column x", x=_BLOCK) @ dct.T
    steps = rearrange(table, "n u v -> n 1 u 1 v")
    blocks = (blocks / steps).round_().mul_(steps)
    strips = rearrange(blocks @ dct, "n strip u column x -> n strip u (column x)")
    return rearrange(dct.T @ strips, "n (c row) y width -> n c (row y) width", c=channels)


def _mix_channels(images: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    """A 3x3 matrix applied to the channels of (N, 3, H, W)."""
    weights = torch.tensor(matrix, dtype=images.dtype, device=images.device)
    return (weights @ images.flatten(2)).view_as(images)


def _pad_to_blocks(images: Tensor, multiple: int) -> Tensor:
    """Repeats the last row and column until both sides are multiples, as libjpeg does."""
    right = -images.shape[3] % multiple
    bottom = -images.shape[2] % multiple
    if right == 0 and bottom == 0:
        return images
    return F.pad(images, (0, right, 0, bottom), mode="replicate")
