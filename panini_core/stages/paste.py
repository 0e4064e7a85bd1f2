"""Last stage: restored faces -> back onto their images, under a soft mask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ..faces import RestoredFaces
from ..models.face_parser import FaceParser
from ..models.image_upscaler import ImageUpscaler
from ..models.transfer import works_ahead
from ..options import PasteOptions
from .asking import answer_together
from .chunks import OnImage
from .colour import is_grey
from .enlarge import enlarge
from .grouping import rows_of_images
from .layers import (
    FaceLayer,
    Sight,
    blend,
    face_mask,
    make_layer,
    see_faces,
    tile_side,
    tiles,
)
from .paste_masks import paste_masks
from .per_face import values_of_faces

FACES_TOGETHER = 32  # of images that are drawn together
SAMPLES_TOGETHER = 2**24  # px of faces that are held at a time, one tile's at least


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
    - regions: parts of the faces that are drawn less, such as `eyes: 0; mouth: 0.5` (see
      `parse_regions`); `skin` is all that is no other part.
    masks (F, 1, M, M) in [0, 1], in the frame of the crops: instead of what mask_source and regions
    say.
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
    paste_onto_images(
        list(images),
        restored,
        [rows.get(index, []) for index in range(len(images))],
        options,
        masks=masks,
        upscaler=upscaler,
        into=[(result[index], total_mask[index]) for index in range(len(images))],
        on_image=on_image,
    )
    return result, total_mask


def paste_onto_images(
    images: Sequence[Tensor],  # (3, H, W) each
    restored: RestoredFaces,
    rows: Sequence[Sequence[int]],  # of the restored faces, those of each image
    options: PasteOptions,
    *,
    upscaler: ImageUpscaler | None = None,
    masks: Tensor | None = None,  # (F, 1, M, M), of all restored faces; None: the usual one
    into: Sequence[tuple[Tensor, Tensor]] | None = None,  # tensors for the results; None: new ones
    on_image: OnImage | None = None,
) -> list[tuple[Tensor, Tensor]]:
    """Images with their faces (3, upscale * H, upscale * W), and where they were drawn (1, …).

    With `into` a large picture is not held twice. Where a device works ahead, images with up to
    FACES_TOGETHER faces are drawn together, so that it is hardly waited for; else one by one.
    """
    if into is None:
        into = [_blank(image, options) for image in images]
    start = 0
    while start < len(images):
        stop = _end_of_part(images, rows, start)
        part = slice(start, stop)
        _paste_together(images[part], restored, rows[part], options, upscaler, masks, into[part])
        for done in range(start + 1, stop + 1):
            if on_image is not None:
                on_image(done, len(images))
        start = stop
    return list(into)


def _blank(image: Tensor, options: PasteOptions) -> tuple[Tensor, Tensor]:
    height, width = (round(side * options.upscale) for side in image.shape[-2:])
    return image.new_empty((3, height, width)), image.new_empty((1, height, width))


def _end_of_part(images: Sequence[Tensor], rows: Sequence[Sequence[int]], start: int) -> int:
    """Where the images end that are drawn together from `start` on."""
    stop, faces = start + 1, len(rows[start])
    while (
        stop < len(images)
        and works_ahead(images[stop].device)
        and faces + len(rows[stop]) <= FACES_TOGETHER
    ):
        faces += len(rows[stop])
        stop += 1
    return stop


@dataclass(frozen=True, slots=True, eq=False)
class _Canvas:
    """An image on its way to its result."""

    image: Tensor  # (C, H, W), one channel if it is grey
    picture: Tensor  # (C, h, w), which faces are drawn onto
    result: Tensor  # (3, h, w); the picture, unless that is grey
    mask: Tensor  # (1, h, w)

    @property
    def size(self) -> tuple[int, int]:
        return self.picture.shape[-2], self.picture.shape[-1]


def _paste_together(
    images: Sequence[Tensor],
    restored: RestoredFaces,
    rows: Sequence[Sequence[int]],
    options: PasteOptions,
    upscaler: ImageUpscaler | None,
    masks: Tensor | None,
    into: Sequence[tuple[Tensor, Tensor]],
) -> None:
    if upscaler is not None:  # most of which leave no grain beside the face
        options = replace(options, match_grain=False)
    grey = answer_together([is_grey(image) for image in images])
    canvases: list[_Canvas] = []
    for image, is_one, (result, mask) in zip(images, grey, into, strict=True):
        image = image[:1] if is_one else image  # drawn once, and repeated
        picture = torch.empty_like(result[:1]) if is_one else result
        picture.copy_(enlarge(image, (result.shape[-2], result.shape[-1]), upscaler))
        canvases.append(_Canvas(image, picture, result, mask.zero_()))

    tiles_of_all: list[tuple[_Canvas, slice, slice, list[FaceLayer]]] = []
    layers = _make_layers(canvases, restored, rows, options, masks)
    for canvas, own in zip(canvases, layers, strict=True):
        side = tile_side(canvas.image.device)
        tiles_of_all += [(canvas, *tile) for tile in tiles(own, *canvas.size, side)]
    for part in _in_parts(tiles_of_all):
        places = [(canvas.picture, inside, down, across) for canvas, down, across, inside in part]
        for (canvas, down, across, _), faces in zip(part, see_faces(places), strict=True):
            _draw(canvas, faces, down, across)
    for canvas, is_one in zip(canvases, grey, strict=True):
        if is_one:
            canvas.result.copy_(canvas.picture.expand(3, -1, -1))


def _in_parts(
    drawn: Sequence[tuple[_Canvas, slice, slice, list[FaceLayer]]],
) -> Iterator[Sequence[tuple[_Canvas, slice, slice, list[FaceLayer]]]]:
    """The tiles that are sampled together: one by one, or where the device works ahead as many as
    have SAMPLES_TOGETHER px of faces, one at least."""
    start, samples = 0, 0
    for place, (canvas, down, across, inside) in enumerate(drawn):
        area = len(inside) * (down.stop - down.start) * (across.stop - across.start)
        ahead = works_ahead(canvas.image.device)
        if place > start and not (ahead and samples + area <= SAMPLES_TOGETHER):
            yield drawn[start:place]
            start, samples = place, 0
        samples += area
    if drawn:
        yield drawn[start:]


def _draw(canvas: _Canvas, faces: Sequence[Sight], down: slice, across: slice) -> None:
    """Draws the faces of a tile."""
    picture = canvas.picture
    colour, mask, strength, noise = blend(faces, down, across)
    canvas.mask[:, down, across] = mask.to(canvas.mask.dtype)
    if all(face.layer.strength == 0 for face in faces):
        return
    before = picture[:, down, across].clone()  # the gradient of masks needs it
    share = mask * strength
    drawn = torch.lerp(before.to(colour), colour, share)
    if noise is not None:
        grainy = (drawn + noise * _lost_grain(share)).clamp(0, 1)
        drawn = torch.where(drawn.isfinite(), grainy, drawn)  # what is not, stays so
    picture[:, down, across] = torch.where(mask > 0, drawn.to(before), before)


def _make_layers(
    canvases: Sequence[_Canvas],
    restored: RestoredFaces,
    rows: Sequence[Sequence[int]],
    options: PasteOptions,
    masks: Tensor | None,
) -> list[list[FaceLayer]]:
    """The faces of each image, to be drawn onto its picture."""
    if not any(rows):
        return [[] for _ in canvases]
    if masks is None:
        device = canvases[0].image.device
        usual = face_mask(restored.crops.shape[-1], options.feather, device)
        masks = usual.expand(len(restored.crops), -1, -1, -1)
    strengths = values_of_faces(options.strength, restored.face_set.faces)
    made = iter(
        answer_together(
            [
                make_layer(
                    restored,
                    row,
                    canvas.image,
                    canvas.size,
                    mask=masks[row],
                    strength=strengths[row],
                    match_colour=options.match_colour,
                    keep_detail=options.keep_detail,
                    match_grain=options.match_grain,
                )
                for canvas, own in zip(canvases, rows, strict=True)
                for row in own
            ]
        )
    )
    return [[next(made) for _ in own] for own in rows]


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
