"""Last stage: crops -> back into their images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from comfy_api.latest import io
from torch import Tensor

from .. import panini_core as core
from . import host
from .sockets import Faces, PaniniFaces
from .widgets import (
    mask_source_input,
    match_grain_input,
    paste_inputs,
    per_face,
    per_face_input,
    upscale_model_input,
    validate_per_face,
)

if TYPE_CHECKING:
    from ..panini_core import FaceSet, SpandrelDescriptor

GIVEN = "mask"  # the mask source that is an input
MASK_OWNERS = ("by size", "image", "crops", "faces")
NOTHING_TO_DRAW = (
    "No crops came, so the images are as they were: the node that restores the faces is bypassed, "
    "or `crops` is not connected."
)


class PasteFaces(io.ComfyNode):
    """Draws crops back onto the images that they were cut from."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniPasteFaces",
            menu="Stages",
            display_name="Paste Faces",
            description="Puts faces back where they were cut out, under a soft mask. Every other "
            "pixel stays exactly as it was, unless an upscale model draws the background.",
            aliases=["paste back", "uncrop", "composite faces"],
            inputs=[
                io.Image.Input(
                    "image", tooltip="The images that the faces came from, or enlarged ones."
                ),
                PaniniFaces.Input("faces", tooltip="From Align Faces or Restore Aligned Faces."),
                io.Image.Input(
                    "crops",
                    optional=True,  # a bypassed Restore Aligned Faces has nothing to hand on here
                    tooltip="One square picture a face, of any size: from Restore Aligned Faces, "
                    "or from any node that changed the crops of Align Faces. Without it, as when "
                    "that node is bypassed, the images stay as they are.",
                ),
                *paste_inputs(),
                mask_source_input(given=GIVEN),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="For mask_source mask: where to draw, in the size of the images (one, "
                    "one an image, or one a face) or of the crops (one, or one a face). Face "
                    "Regions makes one.",
                ),
                io.Combo.Input(
                    "mask_of",
                    options=list(MASK_OWNERS),
                    default=MASK_OWNERS[0],
                    optional=True,
                    tooltip="What the mask covers: the image, the crops, or faces: the image, one "
                    "mask a face. by size: whichever it fits; set it where it fits several.",
                ),
                per_face_input("face_strength", "strength"),
                upscale_model_input(),
                match_grain_input(),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The images with their faces."),
                io.Mask.Output(display_name="mask", tooltip="Where faces were drawn."),
                io.String.Output(display_name="report", tooltip="What was drawn, image by image."),
            ],
        )

    @classmethod
    def validate_inputs(cls, face_strength: str | None = None) -> bool | str:
        return validate_per_face(face_strength)

    @classmethod
    def execute(
        cls,
        image: Tensor,
        faces: Faces,
        mask_source: str,
        strength: float,
        crops: Tensor | None = None,
        mask: Tensor | None = None,
        mask_of: str = MASK_OWNERS[0],
        upscale_model: SpandrelDescriptor | None = None,
        face_strength: str = "",
        **choices: Any,
    ) -> io.NodeOutput:
        source = core.MASK_SOURCES[0] if mask_source == GIVEN else mask_source
        options = core.PasteOptions(
            strength=per_face(strength, face_strength), mask_source=source, **choices
        )
        images = host.to_images(image)
        faces.check_images(len(images))
        found_in = (faces.height, faces.width)
        faces = faces.scaled_to(images.shape[-2], images.shape[-1])
        if crops is None:
            none = core.align_faces(images, [])
            with host.borrow_upscaler(upscale_model) as upscaler:
                pasted, drawn = core.paste_faces_with_mask(
                    images,
                    core.RestoredFaces(none, none.crops),
                    replace(options, mask_source=core.MASK_SOURCES[0]),  # nothing is parsed
                    upscaler=upscaler,
                    on_image=host.Progress(),
                )
            return io.NodeOutput(host.to_image(pasted, image), host.to_mask(drawn), NOTHING_TO_DRAW)
        aligned = faces.require_aligned()
        pictures = host.to_images(crops).to(images.device) if len(faces) else aligned.crops
        if len(pictures) != len(faces) or pictures.shape[-2] != pictures.shape[-1]:
            raise ValueError(
                f"Expected {len(faces)} square crops, one a face, got {len(pictures)} of "
                f"{pictures.shape[-1]} x {pictures.shape[-2]} px: the node in between must keep "
                "their number and shape."
            )
        masks = None
        if mask_source == GIVEN:
            masks = _given_masks(mask, mask_of, images, aligned, pictures.shape[-1], found_in)
            # Never harder than the soft mask at the crop's border.
            masks = masks * core.face_mask(masks.shape[-1], options.feather).to(masks.device)
        changed = _changed_rows(aligned, pictures)
        with host.borrow_upscaler(upscale_model) as upscaler:
            pasted, drawn = core.paste_faces_with_mask(
                images,
                core.RestoredFaces(aligned.select(changed), pictures[changed]),
                options,
                masks=None if masks is None else masks[changed],
                parser=host.load_parser(mask_source),
                upscaler=upscaler,
                on_image=host.Progress(),
            )
        report = write_report(faces, changed, options.strength)
        return io.NodeOutput(host.to_image(pasted, image), host.to_mask(drawn), report)


def write_report(faces: Faces, changed: Sequence[int], strength: float | str) -> str:
    """A line an image. changed: the rows of the faces that were drawn."""
    share = [] if strength == 1 else [f"strength {strength}"]
    drawn = Counter(faces.faces[row].image_index for row in changed)
    lines: list[str] = []
    for index in range(faces.image_count):
        left = len(faces.of_image(index)) - drawn[index]
        parts = [f"faces drawn: {drawn[index]}", *share] if drawn[index] else []
        parts += [f"left as they were, for their crops are: {left}"] if left else []
        lines.append(f"image {index}: {', '.join(parts) or 'no face'}")
    return "\n".join(lines)


def _changed_rows(aligned: FaceSet, pictures: Tensor) -> list[int]:
    """The faces whose pictures are not the crops as they were cut out. Those come back when the
    node in between is bypassed, and to draw them would only resample them."""
    if pictures.shape != aligned.crops.shape:
        return list(range(len(aligned)))
    cut_out = aligned.crops.to(pictures)
    return [row for row in range(len(aligned)) if not torch.equal(pictures[row], cut_out[row])]


def _given_masks(
    mask: Tensor | None,
    owner: str,
    images: Tensor,
    aligned: FaceSet,
    side: int,
    found_in: tuple[int, int],
) -> Tensor:
    """A MASK of the images, or of the crops, as masks of the crops (F, 1, S, S).

    owner: one of MASK_OWNERS; side: of the crops that are pasted, px; found_in: height and width of
    the images that the faces were found in, which may have been enlarged since. Raises ValueError
    for a mask that fits none or, by size, could be of several, and for one that is zero everywhere.
    """
    if mask is None:
        raise ValueError("mask_source is mask, but no mask is connected.")
    mask = host.to_masks(mask)
    _check_not_empty(mask, aligned)
    owner = _owner(mask, owner, images, aligned, side, found_in)
    size = aligned.crops.shape[-1]
    if owner == "image":
        pictures = mask.expand(len(images), 3, -1, -1)
        return core.align_faces(pictures, aligned.faces, size=size).crops[:, :1]
    if owner == "faces":
        faces = [replace(face, image_index=row) for row, face in enumerate(aligned.faces)]
        return core.align_faces(mask.expand(-1, 3, -1, -1), faces, size=size).crops[:, :1]
    return mask.expand(len(aligned), -1, -1, -1)


def _owner(
    mask: Tensor,
    owner: str,
    images: Tensor,
    aligned: FaceSet,
    side: int,
    found_in: tuple[int, int],
) -> str:
    """`image`, `faces` or `crops`: what a mask (N, 1, H, W) covers."""
    height, width = mask.shape[-2:]
    as_large = mask.shape[-2:] == images.shape[-2:]
    fits = {
        "image": as_large and len(mask) in (1, len(images)),
        "faces": as_large and len(mask) == len(aligned),
        "crops": height == width and len(mask) in (1, len(aligned)),
    }
    if owner == "by size":
        of_image = fits["image"] or fits["faces"]
        if of_image and fits["crops"] and width in (side, aligned.crops.shape[-1]):
            raise ValueError(
                f"The mask ({width} x {height} px) has the size of the images and of the crops: "
                "set mask_of to image or to crops."
            )
        if fits["crops"] and not of_image and (height, width) == found_in:
            raise ValueError(
                f"The mask ({width} x {height} px) has the size of the images that the faces were "
                f"found in, which have {images.shape[-1]} x {images.shape[-2]} px now: enlarge it "
                "with them, or set mask_of to crops if it is one of the crops."
            )
        if fits["image"] and fits["faces"] and not _one_face_an_image(aligned):
            raise ValueError(
                f"There are as many masks ({len(mask)}) as images and as faces: set mask_of to "
                "image or to faces."
            )
        owner = next((name for name, fit in fits.items() if fit), "crops")
    elif owner not in MASK_OWNERS:
        raise ValueError(f"mask_of is one of {', '.join(MASK_OWNERS)}, got {owner!r}.")
    if not fits[owner]:
        raise ValueError(
            f"The mask is {len(mask)} x {width} x {height} px; expected the size of the images "
            f"({images.shape[-1]} x {images.shape[-2]} px, 1, {len(images)} or one for each of "
            f"{len(aligned)} faces), or square masks of the crops (1 or {len(aligned)}), as "
            "mask_of says."
        )
    return owner


def _one_face_an_image(aligned: FaceSet) -> bool:
    """Whether the mask of an image is that of its face, so that the two need no telling apart."""
    return [face.image_index for face in aligned.faces] == list(range(len(aligned)))


def _check_not_empty(mask: Tensor, aligned: FaceSet) -> None:
    if len(aligned) and not bool((mask > 0).any()):
        raise ValueError(
            f"The mask is empty ({mask.shape[-1]} x {mask.shape[-2]} px, zero everywhere), so "
            "that no face would be drawn. Load Image gives a mask of 64 x 64 px like that for a "
            "picture without alpha: paint one, or set mask_source to soft."
        )
