"""Last stage: restored faces -> back onto their images, under a soft mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..faces import RestoredFaces
from ..models.face_parser import FaceParser
from ..models.image_upscaler import ImageUpscaler
from ..options import PasteOptions
from .chunks import OnImage
from .colour import is_grey
from .enlarge import enlarge
from .grouping import rows_of_images
from .layers import FaceLayer, blend, face_mask, make_layer, tiles
from .paste_masks import paste_masks
from .per_face import values_of_faces


def paste_faces(
    images: Tensor,
    restored: RestoredFaces,
    options: PasteOptions | None = None,
    *,
    masks: Tensor | None = None,
    upscaler: ImageUpscaler | None = None,
    parser: FaceParser | None = None,
    on_image: OnImage | None = None,
    **choices: Any,
) -> Tensor:
    """Draw restored faces onto their images; every other pixel stays as it was, to the bit, unless
    there is an upscaler.

    images (N, 3, H, W): the ones that the faces were found in, RGB in [0, 1].
    options: how they are pasted; None: the defaults. `choices` replace some of them by name:
    - strength: share of the restored face in the result, 0..1; 0 leaves the images as they are. A
      text such as `0.8; 2: 0.5` gives some faces another one (see `parse_per_face`).
    - upscale: at least 1; the result is so many times as large, the background enlarged bicubically
      and the faces drawn from the restored crops' own pixels.
    - feather: width of the mask's soft border as a share of the crop's side, 0..0.5.
    - match_colour: low frequencies of colour and light come from the image.
    - keep_detail: 0..1; where a face has more pixels in its image than in its crop, so much of the
      detail that the crop cannot hold is taken from the image. Smaller faces do not change.
    - match_grain: what a face lacks of the photograph's grain beside it, in strength, colour and
      size, is put back as noise. It depends on the photograph's pixels: a picture always gets the
      same, each frame of a clip its own. Without grain around, or with an upscaler, nothing
      changes, to the bit.
    - mask_source: `soft`, a rounded square around the face; `oval`, from the hair line to the chin,
      as the landmarks say; `parse`, skin and features only, as the parser sees them; `auto`, that
      if there is a parser, else soft.
    masks (F, 1, M, M) in [0, 1], in the frame of the crops: instead of what mask_source says.
    parser: for mask_source `parse` and `auto`.
    upscaler: draws the background of every image, also of those without faces, so that it is not
    softer than the faces. The size of the result is still `upscale`, to which its picture is shrunk
    or enlarged.
    on_image(done, total): called after each image; may raise to stop.

    Where faces overlap, the nearer centre prevails, without a seam. Where the photograph around a
    face is grey or has one tone, such as sepia, the face gets that tone, whatever colours there
    are elsewhere. What a crop holds beyond the image's border is ignored.

    Returns (N, 3, upscale * H, upscale * W) in the images' type, on their device; gradients flow
    from there to images, crops and masks. Raises ValueError for values out of range and for faces
    of images that are not there or `parse` without a parser, TypeError for a choice that there is
    not.
    """
    return paste_faces_with_mask(
        images,
        restored,
        options,
        masks=masks,
        parser=parser,
        upscaler=upscaler,
        on_image=on_image,
        **choices,
    )[0]


def paste_faces_with_mask(
    images: Tensor,
    restored: RestoredFaces,
    options: PasteOptions | None = None,
    *,
    masks: Tensor | None = None,
    upscaler: ImageUpscaler | None = None,
    parser: FaceParser | None = None,
    on_image: OnImage | None = None,
    **choices: Any,
) -> tuple[Tensor, Tensor]:
    """What `paste_faces` returns, and the mask (N, 1, upscale * H, upscale * W) in [0, 1] under
    which it draws (at full strength); in the images' type, on their device."""
    options = replace(options or PasteOptions(), **choices)
    _check(images, restored, masks)
    if masks is None:
        masks = paste_masks(restored.face_set, restored.crops.shape[-1], options, parser)
    height, width = (round(side * options.upscale) for side in images.shape[-2:])
    result = images.new_empty((len(images), 3, height, width))
    total_mask = images.new_empty((len(images), 1, height, width))
    rows = rows_of_images(restored.face_set.faces)
    for index, image in enumerate(images):
        own, into = rows.get(index, []), (result[index], total_mask[index])
        paste_onto_image(image, restored, own, options, masks=masks, upscaler=upscaler, into=into)
        if on_image is not None:
            on_image(index + 1, len(images))
    return result, total_mask


def paste_onto_image(
    image: Tensor,  # (3, H, W)
    restored: RestoredFaces,
    rows: Sequence[int],  # of the restored faces, those of the image
    options: PasteOptions,
    *,
    upscaler: ImageUpscaler | None = None,
    masks: Tensor | None = None,  # (F, 1, M, M), of all restored faces; None: the usual one
    into: tuple[Tensor, Tensor] | None = None,  # tensors for the result; None: new ones
) -> tuple[Tensor, Tensor]:
    """One image with its faces (3, upscale * H, upscale * W), and where they were drawn (1, …).

    With `into` a large picture is not held twice.
    """
    height, width = (round(side * options.upscale) for side in image.shape[-2:])
    if into is None:
        into = image.new_empty((3, height, width)), image.new_empty((1, height, width))
    result, total_mask = into
    grey = is_grey(image)
    image = image[:1] if grey else image  # drawn once, and repeated
    picture = torch.empty_like(result[:1]) if grey else result
    picture.copy_(enlarge(image, (height, width), upscaler))
    total_mask.zero_()
    if upscaler is not None:  # most of which leave no grain beside the face
        options = replace(options, match_grain=False)
    layers = _make_layers(image, restored, rows, options, masks, (height, width)) if rows else []
    for down, across, inside in tiles(layers, height, width):
        colour, mask, strength, noise = blend(inside, picture, down, across)
        total_mask[:, down, across] = mask.to(image.dtype)
        if any(layer.strength > 0 for layer in inside):
            before = picture[:, down, across].clone()  # the gradient of masks needs it
            share = mask * strength
            drawn = torch.lerp(before.to(colour), colour, share)
            if noise is not None:
                grainy = (drawn + noise * _lost_grain(share)).clamp(0, 1)
                drawn = torch.where(drawn.isfinite(), grainy, drawn)  # what is not, stays so
            picture[:, down, across] = torch.where(mask > 0, drawn.to(before), before)
    if grey:
        result.copy_(picture.expand(3, -1, -1))
    return into


def _make_layers(
    image: Tensor,
    restored: RestoredFaces,
    rows: Sequence[int],
    options: PasteOptions,
    masks: Tensor | None,
    size: tuple[int, int],
) -> list[FaceLayer]:
    """The faces of one image (C, H, W), to be drawn onto a picture of this height and width."""
    if masks is None:
        usual = face_mask(restored.crops.shape[-1], options.feather)
        masks = usual.expand(len(restored.crops), -1, -1, -1)
    strengths = values_of_faces(options.strength, restored.face_set.faces)
    return [
        make_layer(
            restored,
            row,
            image,
            size,
            mask=masks[row],
            strength=strengths[row],
            match_colour=options.match_colour,
            keep_detail=options.keep_detail,
            match_grain=options.match_grain,
        )
        for row in rows
    ]


def _lost_grain(share: Tensor) -> Tensor:
    """The std of what mixing leaves out of the photograph's grain: (1 - share)² of its energy
    stays."""
    return (share * (2 - share)).clamp(min=1e-12).sqrt()  # at zero it would have no slope


def _check(images: Tensor, restored: RestoredFaces, masks: Tensor | None) -> None:
    if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
        raise ValueError(
            f"Expected float images (N, 3, H, W), got {images.dtype} {tuple(images.shape)}."
        )
    owners = [face.image_index for face in restored.face_set.faces]
    if owners and not 0 <= min(owners) <= max(owners) < len(images):
        raise ValueError(
            f"The faces belong to images {min(owners)} to {max(owners)}, but there are "
            f"{len(images)} images (from 0)."
        )
    count = len(owners)
    if masks is not None and (masks.ndim != 4 or masks.shape[:2] != (count, 1)):
        raise ValueError(
            f"Expected masks ({count}, 1, M, M) for {count} faces, got {tuple(masks.shape)}."
        )
