"""Aligned faces -> masks of what is face in them: not the hair, hands or glasses in front of it."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models.face_parser import FaceParser
from ..models.transfer import to_device
from ..options import DEFAULT_FEATHER
from .chunks import OnChunk, run_in_chunks
from .layers import face_mask

BORDER = 0.01  # std of the blur that softens a mask, ratio of its side


@torch.no_grad()
def parse_faces(
    parser: FaceParser,
    crops: Tensor,
    *,
    batch: int | None = None,
    on_chunk: OnChunk | None = None,
) -> Tensor:
    """Masks (F, 1, M, M) in [0, 1] of crops (F, 3, S, S), RGB in [0, 1], for `paste_faces`.

    One on skin, brows, eyes, nose, mouth and ears; zero on everything else and outside the usual
    paste mask, so that nothing reaches the crop's border; soft between. M is the parser's input
    size, 512. The faces go through the network in chunks of `batch`, None: as suits the device (see
    `default_batch`), which are halved when it runs out of memory. The masks are float32 on the
    crops' device.
    """
    if crops.ndim != 4 or crops.shape[1] != 3:
        raise ValueError(f"Expected crops (F, 3, S, S), got {tuple(crops.shape)}.")
    side = parser.input_size
    usual = face_mask(side, DEFAULT_FEATHER, crops.device)

    def parse(chunk: slice) -> Tensor:
        faces = to_device(crops[chunk], parser.device, torch.float32)
        if faces.shape[-2:] != (side, side):
            faces = F.interpolate(faces, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
        return _blur(parser(faces), BORDER * side).to(crops.device) * usual

    masks = [torch.empty((0, 1, side, side), device=crops.device)]
    masks += run_in_chunks(parse, len(crops), batch=batch, device=parser.device, on_chunk=on_chunk)
    return torch.cat(masks)


def _blur(masks: Tensor, std: float) -> Tensor:
    """Gaussian blur of (N, 1, S, S), `std` in px; values stay in [0, 1]."""
    reach = math.ceil(3 * std)
    distance = torch.arange(-reach, reach + 1, device=masks.device, dtype=masks.dtype)
    taps = torch.exp(-0.5 * (distance / std) ** 2)
    taps = (taps / taps.sum()).view(1, 1, 1, -1)
    masks = F.pad(masks, (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(masks, taps), taps.mT).clamp(0, 1)
