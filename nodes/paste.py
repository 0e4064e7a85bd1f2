"""Last stage: crops -> back into their images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from comfy_api.latest import io
from torch import Tensor

from .. import panini_core as core
from . import host
from .sockets import Faces, PaniniFaces
from .widgets import (
    paste_inputs,
    per_face,
    per_face_input,
    upscale_model_input,
    validate_per_face,
)

if TYPE_CHECKING:
    from ..panini_core import FaceSet, SpandrelDescriptor

MASK_SOURCES = ("soft", "parse", "mask")
MASK_OWNERS = ("by size", "image", "crops")
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
                io.Combo.Input(
                    "mask_source",
                    options=list(MASK_SOURCES),
                    default=MASK_SOURCES[0],
                    tooltip="soft: a rounded square. parse: skin and features only, so that hair, "
                    "hands and glasses in front stay (needs parsing_parsenet.pth or "
                    "parsing_bisenet.pth in models/facedetection, and facexlib). mask: the mask "
                    "input.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="For mask_source mask: where to draw, in the size of the images (one, "
                    "or one an image) or of the crops (one, or one a face).",
                ),
                io.Combo.Input(
                    "mask_of",
                    options=list(MASK_OWNERS),
                    default=MASK_OWNERS[0],
                    optional=True,
                    tooltip="What the mask covers: the image or the crops. by size: whichever it "
                    "fits; set it where it fits both.",
                ),
                per_face_input("face_strength", "strength"),
                upscale_model_input(),
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
        options = core.PasteOptions(strength=per_face(strength, face_strength), **choices)
        images = host.to_images(image)
        faces.check_images(len(images))
        faces = faces.scaled_to(images.shape[-2], images.shape[-1])
        if crops is None:
            none = core.align_faces(images, [])
            untouched = core.RestoredFaces(none, none.crops)
            pasted, drawn = core.paste_faces_with_mask(images, untouched, options)
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
        if mask_source == "parse":
            masks = host.parse_masks(aligned.crops)
        elif mask_source == "mask":
            masks = _given_masks(mask, mask_of, images, aligned, pictures.shape[-1])
        if masks is not None:  # never harder than the soft mask at the crop's border
            masks = masks * core.face_mask(masks.shape[-1], options.feather).to(masks.device)
        changed = _changed_rows(aligned, pictures)
        with host.borrow_upscaler(upscale_model) as upscaler:
            pasted, drawn = core.paste_faces_with_mask(
                images,
                core.RestoredFaces(aligned.select(changed), pictures[changed]),
                options,
                masks=None if masks is None else masks[changed],
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
    mask: Tensor | None, owner: str, images: Tensor, aligned: FaceSet, side: int
) -> Tensor:
    """A MASK of the images, or of the crops, as masks of the crops (F, 1, S, S).

    owner: one of MASK_OWNERS; side: of the crops that are pasted, px. Raises ValueError for a mask
    that fits neither or, by size, could be of either, and for one that is zero everywhere.
    """
    if mask is None:
        raise ValueError("mask_source is mask, but no mask is connected.")
    mask = host.to_masks(mask)
    _check_not_empty(mask, aligned)
    if _owner(mask, owner, images, aligned, side) == "image":
        pictures = mask.expand(len(images), 3, -1, -1)
        return core.align_faces(pictures, aligned.faces, size=aligned.crops.shape[-1]).crops[:, :1]
    return mask.expand(len(aligned), -1, -1, -1)


def _owner(mask: Tensor, owner: str, images: Tensor, aligned: FaceSet, side: int) -> str:
    """`image` or `crops`: what a mask (N, 1, H, W) covers."""
    height, width = mask.shape[-2:]
    of_image = mask.shape[-2:] == images.shape[-2:] and len(mask) in (1, len(images))
    of_crops = height == width and len(mask) in (1, len(aligned))
    if owner == "by size":
        if of_image and of_crops and width in (side, aligned.crops.shape[-1]):
            raise ValueError(
                f"The mask ({width} x {height} px) has the size of the images and of the crops: "
                "set mask_of to image or to crops."
            )
        owner = "image" if of_image else "crops"
    elif owner not in MASK_OWNERS:
        raise ValueError(f"mask_of is one of {', '.join(MASK_OWNERS)}, got {owner!r}.")
    if not (of_image if owner == "image" else of_crops):
        raise ValueError(
            f"The mask is {len(mask)} x {width} x {height} px; expected the size of the images "
            f"({images.shape[-1]} x {images.shape[-2]} px, 1 or {len(images)}), or square masks of "
            f"the crops (1 or {len(aligned)}), as mask_of says."
        )
    return owner


def _check_not_empty(mask: Tensor, aligned: FaceSet) -> None:
    if len(aligned) and not bool((mask > 0).any()):
        raise ValueError(
            f"The mask is empty ({mask.shape[-1]} x {mask.shape[-2]} px, zero everywhere), so "
            "that no face would be drawn. Load Image gives a mask of 64 x 64 px like that for a "
            "picture without alpha: paint one, or set mask_source to soft."
        )
