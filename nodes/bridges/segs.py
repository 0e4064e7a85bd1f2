"""Faces to and from the SEGS of the Impact Pack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from ... import panini_core as core
from .. import host
from ..sockets import Faces, PaniniDetector, PaniniFaces
from .boxed_faces import faces_in_boxes
from .foreign import Seg, read_segs

if TYPE_CHECKING:
    from ...panini_core import FaceDetector

Segs = io.Custom("SEGS")


class FacesToSegs(io.ComfyNode):
    """Faces -> the Impact Pack's SEGS."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniFacesToSegs",
            menu="Bridges",
            display_name="Faces to SEGS",
            description="Faces as SEGS, for the Impact Pack's detailers. SEGS know one image: "
            "only the faces of the first one go out.",
            aliases=["impact pack", "segs"],
            inputs=[
                PaniniFaces.Input("faces", tooltip="From Detect Faces or Select Faces."),
                io.Float.Input(
                    "crop_factor",
                    default=2.0,
                    min=1.0,
                    max=8.0,
                    step=0.1,
                    tooltip="Size of the crop region, in faces.",
                ),
            ],
            outputs=[Segs.Output(display_name="segs", tooltip="One SEG a face.")],
        )

    @classmethod
    def execute(cls, faces: Faces, crop_factor: float) -> io.NodeOutput:
        own = faces.of_image(0)
        masks = core.draw_masks(own, (1, faces.height, faces.width), shape="ellipse", each=True)
        segs = [
            Seg.around(face.box, mask[0], face.score, crop_factor)
            for face, mask in zip(own, masks, strict=True)
        ]
        return io.NodeOutput(((faces.height, faces.width), segs))


class SegsToFaces(io.ComfyNode):
    """The Impact Pack's SEGS -> faces."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniSegsToFaces",
            menu="Bridges",
            display_name="SEGS to Faces",
            description="Faces from SEGS. The detector finds the landmarks inside each box; where "
            "it sees no face, an upright one is assumed. In a batch the boxes stand for every "
            "image.",
            aliases=["impact pack", "segs"],
            inputs=[
                io.Image.Input("image", tooltip="The image of the SEGS, or an enlarged one."),
                Segs.Input("segs", tooltip="From the Impact Pack."),
                PaniniDetector.Input("detector", tooltip="From Load Face Detector."),
            ],
            outputs=[PaniniFaces.Output(display_name="faces", tooltip="One face a SEG and image.")],
        )

    @classmethod
    def execute(
        cls, image: Tensor, segs: Any, detector: host.ManagedNetwork[FaceDetector]
    ) -> io.NodeOutput:
        images = host.to_images(image)
        boxes = read_segs(segs, images.shape[-2], images.shape[-1])
        return io.NodeOutput(faces_in_boxes(detector, images, [boxes] * len(images)))
