"""Aligned faces -> masks of what is face in them: not the hair, hands or glasses in front of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .checkpoints.files import CheckpointError, first_few, read_file
from .checkpoints.matching import match_tensors
from .chunks import OnChunk, run_in_chunks
from .models.face_parser import BISENET, PARSENET, FaceParser, ParserKind
from .options import DEFAULT_BATCH, DEFAULT_FEATHER
from .paste_layers import face_mask

SIGNS = {"out_mask_conv.": PARSENET, "ffm.": BISENET}  # how a name begins -> the network
BORDER = 0.01  # deviation of the blur that softens a mask, share of its side


def load_parser(path: str | PathLike[str], *, device: str | torch.device = "cpu") -> FaceParser:
    """A face parser on `device`, in eval mode: one of facexlib's networks, with the weights that
    facexlib's releases offer, `parsing_parsenet.pth` or `parsing_bisenet.pth`.

    The network is recognised by the tensors' names. facexlib is imported here, and only its
    network classes are used; nothing is downloaded and nothing in the file is executed. torch's
    random state is not touched.

    Raises ImportError without facexlib, and CheckpointError (a ValueError) if the file is missing
    or is not such a checkpoint.
    """
    file = read_file(path)
    kind = _recognise(file.tensors)
    if kind is None:
        raise CheckpointError(
            Path(path),
            "is not a face parser of facexlib (parsing_parsenet.pth or parsing_bisenet.pth): "
            f"expected tensors {' or '.join(f'{sign}*' for sign in SIGNS)}, found "
            f"{len(file.tensors)} others such as {first_few(sorted(file.tensors))}.",
        )
    with torch.random.fork_rng(devices=[]):  # the initial numbers are all replaced
        network = _build(kind)
    network.load_state_dict(match_tensors(file, file.tensors, network), strict=True)
    return FaceParser(network, kind).eval().to(device)


@torch.inference_mode()
def parse_faces(
    parser: FaceParser,
    crops: Tensor,
    *,
    batch: int = DEFAULT_BATCH,
    on_chunk: OnChunk | None = None,
) -> Tensor:
    """Masks (F, 1, M, M) in [0, 1] of crops (F, 3, S, S), RGB in [0, 1], for `paste_faces`.

    One on skin, brows, eyes, nose, mouth and ears; zero on everything else and outside the usual
    paste mask, so that nothing reaches the crop's border; soft between. M is the parser's input
    size, 512. The faces go through the network in chunks of `batch`, which are halved when the
    device runs out of memory. The masks are float32 on the crops' device.
    """
    if crops.ndim != 4 or crops.shape[1] != 3:
        raise ValueError(f"Expected crops (F, 3, S, S), got {tuple(crops.shape)}.")
    side = parser.input_size
    usual = face_mask(side, DEFAULT_FEATHER).to(crops.device)

    def parse(chunk: slice) -> Tensor:
        faces = crops[chunk].to(parser.device, torch.float32)
        if faces.shape[-2:] != (side, side):
            faces = F.interpolate(faces, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
        return _blur(parser(faces), BORDER * side).to(crops.device) * usual

    masks = [torch.empty((0, 1, side, side), device=crops.device)]
    masks += run_in_chunks(parse, len(crops), batch=batch, device=parser.device, on_chunk=on_chunk)
    return torch.cat(masks)


def _recognise(tensors: Mapping[str, Tensor]) -> ParserKind | None:
    for sign, kind in SIGNS.items():
        if any(name.startswith(sign) for name in tensors):
            return kind
    return None


def _build(kind: ParserKind) -> nn.Module:
    try:
        if kind is PARSENET:
            from facexlib.parsing.parsenet import ParseNet

            size = FaceParser.input_size
            return ParseNet(in_size=size, out_size=size, parsing_ch=len(kind.classes))
        from facexlib.parsing.bisenet import BiSeNet

        return BiSeNet(num_class=len(kind.classes))
    except ImportError as error:
        raise ImportError(
            f"Parsing faces needs facexlib's {kind.name}, which cannot be imported ({error}): "
            "`pip install facexlib`, or use the usual mask."
        ) from error


def _blur(masks: Tensor, deviation: float) -> Tensor:
    """Gaussian blur of (N, 1, S, S), `deviation` in px; values stay in [0, 1]."""
    reach = math.ceil(3 * deviation)
    distance = torch.arange(-reach, reach + 1, device=masks.device, dtype=masks.dtype)
    taps = torch.exp(-0.5 * (distance / deviation) ** 2)
    taps = (taps / taps.sum()).view(1, 1, 1, -1)
    masks = F.pad(masks, (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(masks, taps), taps.mT).clamp(0, 1)
