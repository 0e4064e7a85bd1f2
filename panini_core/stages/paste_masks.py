"""The masks under which faces are pasted, as `PasteOptions.mask_source` names them."""

from __future__ import annotations

from torch import Tensor

from ..faces import FaceSet
from ..models.face_parser import FaceParser
from ..models.transfer import to_device
from ..options import PasteOptions
from .layers import face_mask
from .parse import parse_faces
from .regions import oval_masks


def paste_masks(
    faces: FaceSet, size: int, options: PasteOptions, parser: FaceParser | None = None
) -> Tensor | None:
    """Masks (F, 1, M, M) in [0, 1] in the frame of the faces' crops; None: the usual one, `soft`.

    size: px, M of `oval`; that of `parse` is the parser's. None is harder at the crop's border than
    the usual mask. Raises ValueError for `parse` without a parser; `auto` is `soft` without one.
    """
    source = options.mask_source
    if source == "auto":
        source = "soft" if parser is None else "parse"
    if source == "soft":
        return None
    if source == "oval":
        masks = to_device(oval_masks(faces, size, options.feather), faces.crops.device)
    elif parser is None:
        raise ValueError(
            "mask_source parse needs a face parser, and none was given: load one with load_parser, "
            "or choose auto, oval or soft."
        )
    else:
        masks = parse_faces(parser, faces.crops)
    return masks * face_mask(masks.shape[-1], options.feather, masks.device)
