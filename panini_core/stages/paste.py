"""Last stage: restored faces -> back onto their images, under a soft mask."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..faces import RestoredFaces
from ..options import DEFAULT_FEATHER
from .chunks import OnImage
from .colour import is_grey
from .grouping import rows_of_images
from .layers import blend, face_mask, make_layer, tiles

__all__ = ["face_mask", "paste_faces", "paste_faces_with_mask", "paste_mask"]


def paste_faces(
    images: Tensor,
    restored: RestoredFaces,
    *,
    feather: float = DEFAULT_FEATHER,
    strength: float = 1.0,
    match_colour: bool = True,
    upscale: float = 1,
    masks: Tensor | None = None,
    keep_detail: float = 1.0,
    on_image: OnImage | None = None,
) -> Tensor:
    """Draw restored faces onto their images; every other pixel stays as it was, to the bit.

    images (N, 3, H, W): the ones that the faces were found in, RGB in [0, 1].
    feather: width of the mask's soft border as a share of the crop's side, 0..0.5.
    strength: share of the restored face in the result, 0..1; 0 leaves the images as they are.
    match_colour: low frequencies of colour and light come from the image.
    upscale: at least 1; the result is so many times as large, the background enlarged bicubically
    and the faces drawn from the restored crops' own pixels.
    masks (F, 1, M, M) in [0, 1], in the frame of the crops: instead of the usual mask.
    keep_detail: 0..1; where a face has more pixels in its image than in its crop, so much of the
    detail that the crop cannot hold is taken from the image. Smaller faces do not change.
    on_image(done, total): called after each image; may raise to stop.

    Where faces overlap, the nearer centre prevails, without a seam. A grey image (red, green and
    blue equal everywhere) stays grey. What a crop holds beyond the image's border is ignored.

    Returns (N, 3, upscale * H, upscale * W) in the images' type, on their device; gradients flow
    from there to images, crops and masks. Raises ValueError for values out of range and for faces
    of images that are not there.
    """
    return paste_faces_with_mask(
        images,
        restored,
        feather=feather,
        strength=strength,
        match_colour=match_colour,
        upscale=upscale,
        masks=masks,
        keep_detail=keep_detail,
        on_image=on_image,
    )[0]


def paste_mask(
    images: Tensor,
    restored: RestoredFaces,
    *,
    feather: float = DEFAULT_FEATHER,
    upscale: float = 1,
    masks: Tensor | None = None,
    on_image: OnImage | None = None,
) -> Tensor:
    """The mask (N, 1, upscale * H, upscale * W) in [0, 1] under which `paste_faces` draws when
    given the same arguments (at full strength); in the images' type, on their device."""
    return paste_faces_with_mask(
        images,
        restored,
        feather=feather,
        match_colour=False,
        upscale=upscale,
        masks=masks,
        keep_detail=0,
        on_image=on_image,
    )[1]


def paste_faces_with_mask(
    images: Tensor,
    restored: RestoredFaces,
    *,
    feather: float = DEFAULT_FEATHER,
    strength: float = 1.0,
    match_colour: bool = True,
    upscale: float = 1,
    masks: Tensor | None = None,
    keep_detail: float = 1.0,
    on_image: OnImage | None = None,
) -> tuple[Tensor, Tensor]:
    """What `paste_faces` and `paste_mask` return, in one go."""
    _check(images, restored, masks)
    _check_ranges(feather, strength, upscale, keep_detail)
    height, width = (round(side * upscale) for side in images.shape[-2:])
    result = images.new_empty((len(images), 3, height, width))
    usual = face_mask(restored.crops.shape[-1], feather)
    owned = rows_of_images(restored.face_set.faces)
    total_mask = images.new_zeros((len(images), 1, height, width))
    for index, image in enumerate(images):
        image = image[:1] if is_grey(image) else image
        picture = result[index, : len(image)]
        picture.copy_(_enlarge(image, height, width))
        layers = [
            make_layer(
                restored,
                row,
                image,
                (height, width),
                mask=usual if masks is None else masks[row],
                match_colour=match_colour,
                keep_detail=keep_detail,
            )
            for row in owned.get(index, [])
        ]
        for rows, columns, inside in tiles(layers, height, width):
            colour, mask = blend(inside, picture, rows, columns)
            total_mask[index, :, rows, columns] = mask.to(images.dtype)
            if strength > 0:
                before = picture[:, rows, columns].clone()  # the gradient of masks needs it
                drawn = torch.lerp(before.to(colour), colour, mask * strength)
                picture[:, rows, columns] = torch.where(mask > 0, drawn.to(before), before)
        if len(image) == 1:  # a grey picture is drawn once and repeated
            result[index, 1:] = picture
        if on_image is not None:
            on_image(index + 1, len(images))
    return result, total_mask


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


def _check_ranges(feather: float, strength: float, upscale: float, keep_detail: float) -> None:
    if not 0 <= feather <= 0.5:
        raise ValueError(f"The feather must lie in 0..0.5 (share of the crop), got {feather}.")
    if not 0 <= strength <= 1:
        raise ValueError(f"The strength must lie in 0..1, got {strength}.")
    if not 1 <= upscale < math.inf:
        raise ValueError(f"The upscale factor must be at least 1, got {upscale}.")
    if not 0 <= keep_detail <= 1:
        raise ValueError(f"The share of detail to keep must lie in 0..1, got {keep_detail}.")


def _enlarge(image: Tensor, height: int, width: int) -> Tensor:
    if image.shape[-2:] == (height, width):
        return image
    wide = image[None].to(torch.promote_types(image.dtype, torch.float32))
    antialias = image.device.type != "mps"  # which lacks it; here it only chooses softer weights
    return F.interpolate(wide, (height, width), mode="bicubic", antialias=antialias)[0].clamp(0, 1)
