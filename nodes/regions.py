"""Parts of faces as masks: eyes, brows, nose, mouth, skin."""

from __future__ import annotations

from comfy_api.latest import io

from .. import panini_core as core
from ..panini_core import REGION_FEATHER, FaceRegions
from . import host
from .sockets import Faces, PaniniFaces
from .widgets import ratio_input

EACH = ("face", "image")
WHOLE = FaceRegions()


class DrawFaceRegions(io.ComfyNode):
    """Where the parts of faces are, each at its own strength, as masks of the images."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniFaceRegions",
            menu="Stages",
            display_name="Face Regions",
            description="A mask of parts of each face, in the size of the image, from the "
            "landmarks: each part as strong as you say. In front of Paste Faces it leaves eyes as "
            "they were, or restores them more than the rest.",
            aliases=["face mask", "eyes mask", "mouth mask", "skin mask", "face parts"],
            inputs=[
                PaniniFaces.Input("faces", tooltip="From Detect Faces, Select Faces or later."),
                ratio_input("eyes", WHOLE.eyes, "Strength of the eyes with their lids, 0 to 1."),
                ratio_input("brows", WHOLE.brows, "Strength of the brows, 0 to 1."),
                ratio_input("nose", WHOLE.nose, "Strength of the nose, 0 to 1."),
                ratio_input("mouth", WHOLE.mouth, "Strength of the mouth with the lips, 0 to 1."),
                ratio_input(
                    "skin",
                    WHOLE.skin,
                    "Strength of the rest of the face, from the hair line to the chin, 0 to 1.",
                ),
                ratio_input(
                    "feather",
                    REGION_FEATHER,
                    "Width of the soft borders, as a share of the crop's side (0 to 0.5).",
                    most=0.5,
                ),
                io.Combo.Input(
                    "per",
                    options=list(EACH),
                    default=EACH[0],
                    tooltip="face: one mask a face, in their order; Paste Faces takes them. image: "
                    "one mask an image, with all of its faces.",
                ),
            ],
            outputs=[io.Mask.Output(display_name="mask", tooltip="One a face, or one an image.")],
        )

    @classmethod
    def execute(cls, faces: Faces, feather: float, per: str, **strengths: float) -> io.NodeOutput:
        size = (faces.image_count, faces.height, faces.width)
        drawn = [face for face in faces.faces if face.reliable]  # as Align Faces leaves them out
        each = per == EACH[0] and len(drawn) > 0  # without a face there is a mask to give too
        masks = core.draw_regions(drawn, size, FaceRegions(**strengths), feather=feather, each=each)
        return io.NodeOutput(host.to_mask(masks))
