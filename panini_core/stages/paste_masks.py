"""The masks under which faces are pasted, as `PasteOptions` has `mask_source` and `regions`."""

from __future__ import annotations

import torch
from torch import Tensor

from ..faces import FaceSet
from ..models.face_parser import FaceParser
from ..models.transfer import to_device
from ..options import FaceRegions, PasteOptions, parse_regions
from .layers import face_mask
from .parse import parse_faces
from .regions import oval_masks, region_strengths


def paste_masks(
    faces: FaceSet,
    size: int,
    options: PasteOptions,
    parser: FaceParser | None = None,
    *,
    border: bool = True,
) -> Tensor | None:
    """Masks (F, 1, M, M) in [0, 1] in the frame of the faces' crops; None: the usual one, `soft`
    with all of its regions.

    size: px, M of `oval` and of regions; that of `parse` is the parser's. None is harder at the
    crop's border than the usual mask, except `soft` without a `border`, which reaches up to it.
    Raises ValueError for `parse` without a parser; `auto` is `soft` without one.
    """
    source = options.mask_source
    if source == "auto":
        source = "soft" if parser is None else "parse"
    regions = parse_regions(options.regions)
    whole = regions == FaceRegions()
    device = faces.crops.device
    if source == "soft":
        if whole and border:
            return None
        masks = torch.ones(len(faces), 1, size, size, device=device)
    elif source == "oval":
        masks = to_device(oval_masks(faces, size, options.feather), device)
    elif parser is None:
        raise ValueError(
            "mask_source parse needs a face parser, and none was given: load one with load_parser, "
            "or choose auto, oval or soft."
        )
    else:
        masks = parse_faces(parser, faces.crops)
    side = masks.shape[-1]
    if not whole:
        masks = masks * to_device(region_strengths(faces, side, regions), device)
    if source == "soft" and not border:
        return masks
    return masks * face_mask(side, options.feather, device)
