"""Last stage: crops -> back into their images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from .. import panini_core as core
from . import host
from .sockets import Faces, PaniniFaces
from .widgets import paste_inputs

if TYPE_CHECKING:
    from ..panini_core import FaceSet

MASK_SOURCES = ("soft", "parse", "mask")


class PasteFaces(io.ComfyNode):
    """Draws crops back onto the images that they were cut from."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniPasteFaces",
            display_name="Paste Faces",
            description="Puts faces back where they were cut out, under a soft mask. Every other "
            "pixel stays exactly as it was.",
            aliases=["paste back", "uncrop", "composite faces"],
            inputs=[
                io.Image.Input(
                    "image", tooltip="The images that the faces came from, or enlarged ones."
                ),
                PaniniFaces.Input("faces", tooltip="From Align Faces or Restore Faces."),
                io.Image.Input(
                    "crops",
                    tooltip="One square picture a face, of any size: from Restore Faces, or from "
                    "any node that changed the crops of Align Faces.",
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
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The images with their faces."),
                io.Mask.Output(display_name="mask", tooltip="Where faces were drawn."),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: Tensor,
        faces: Faces,
        crops: Tensor,
        mask_source: str,
        mask: Tensor | None = None,
        **choices: Any,
    ) -> io.NodeOutput:
        options = core.PasteOptions(**choices)
        images = host.to_images(image)
        faces.check_images(len(images))
        faces = faces.scaled_to(images.shape[-2], images.shape[-1])
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
            masks = _given_masks(mask, images, aligned)
        if masks is not None:  # never harder than the soft mask at the crop's border
            masks = masks * core.face_mask(masks.shape[-1], options.feather).to(masks.device)
        pasted, drawn = core.paste_faces_with_mask(
            images,
            core.RestoredFaces(aligned, pictures),
            options,
            masks=masks,
            on_image=host.Progress(),
        )
        return io.NodeOutput(host.to_image(pasted, image), host.to_mask(drawn))


def _given_masks(mask: Tensor | None, images: Tensor, aligned: FaceSet) -> Tensor:
    """A MASK of the images, or of the crops, as masks of the crops (F, 1, S, S)."""
    if mask is None:
        raise ValueError("mask_source is mask, but no mask is connected.")
    mask = mask.reshape(-1, 1, *mask.shape[-2:]).float()
    count, size = len(aligned), tuple(mask.shape[-2:])
    if size == tuple(images.shape[-2:]) and len(mask) in (1, len(images)):
        pictures = mask.expand(len(images), 3, -1, -1)
        return core.align_faces(pictures, aligned.faces, size=aligned.crops.shape[-1]).crops[:, :1]
    if size[0] == size[1] and len(mask) in (1, count):
        return mask.expand(count, -1, -1, -1)
    raise ValueError(
        f"The mask is {len(mask)} x {size[1]} x {size[0]} px; expected the size of the images "
        f"({images.shape[-1]} x {images.shape[-2]} px, 1 or {len(images)}), or square masks of the "
        f"crops (1 or {count})."
    )
