"""Files of face parsers, in facexlib's layouts."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn

from ..models.face_parser import BISENET, PARSENET, FaceParser, ParserKind
from ..options import PARSER_FILES
from .detector import Folders
from .files import CheckpointError, first_few, read_file
from .matching import match_tensors

SIGNS = {"out_mask_conv.": PARSENET, "ffm.": BISENET}  # how a name begins -> the network


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


def find_parser(folders: Folders) -> Path | None:
    """The file of a face parser, one of PARSER_FILES, in the first folder that holds it; or None.

    Whether facexlib is there, whose network it is, is not asked.
    """
    files = (Path(folder) / name for name in PARSER_FILES for folder in folders)
    return next((file for file in files if file.is_file()), None)


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
