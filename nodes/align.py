"""Stage one, second half: faces -> upright crops."""

from __future__ import annotations

from dataclasses import replace

from comfy_api.latest import io
from torch import Tensor

from .. import panini_core as core
from ..panini_core import DEFAULT_CROP_SIDE
from . import host
from .sockets import Faces, PaniniFaces


class AlignFaces(io.ComfyNode):
    """Cuts every face out, upright and in the framing of FFHQ."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniAlignFaces",
            menu="Stages",
            display_name="Align Faces",
            description="Cuts every face out of its image, upright and in FFHQ's framing, which "
            "GFPGAN, CodeFormer and others share. Any node may change the crops before Paste "
            "Faces puts them back.",
            aliases=["crop faces", "face crop", "warp face"],
            inputs=[
                io.Image.Input("image", tooltip="The images that the faces were found in."),
                PaniniFaces.Input("faces", tooltip="From Detect Faces or Select Faces."),
                io.Int.Input(
                    "size",
                    default=DEFAULT_CROP_SIDE,
                    min=64,
                    max=4096,
                    step=8,
                    tooltip="Side of a crop, px. 512 suits every face restorer; larger keeps "
                    "detail of large faces for other nodes.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="crops",
                    tooltip="One picture a face. Without a face: one black picture, so that the "
                    "nodes behind go on; Paste Faces ignores it.",
                ),
                PaniniFaces.Output(
                    display_name="faces",
                    tooltip="The same faces, with crops. Those that no landmarks fit are left out.",
                ),
            ],
        )

    @classmethod
    def execute(cls, image: Tensor, faces: Faces, size: int) -> io.NodeOutput:
        images = host.to_images(image)
        faces.check_images(len(images))
        scaled = faces.scaled_to(images.shape[-2], images.shape[-1])
        aligned = core.align_faces(images, scaled.faces, size=size)
        # A copy: what other nodes do to these crops must not reach those that go with the faces.
        crops = aligned.crops.clone() if len(aligned) else host.blank(size, size)
        kept = replace(scaled, faces=aligned.faces, aligned=aligned)
        return io.NodeOutput(host.to_image(crops), kept)
