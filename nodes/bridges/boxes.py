"""Faces to and from what other nodes understand: masks and boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from ... import panini_core as core
from ...panini_core import MASK_SHAPES
from .. import host
from ..sockets import Faces, PaniniDetector, PaniniFaces
from .boxed_faces import faces_in_boxes
from .foreign import KjBox, read_boxes

if TYPE_CHECKING:
    from ...panini_core import FaceDetector

CoreBoxes = io.Custom("BOUNDING_BOX")  # ComfyUI 0.15 and newer
KjBoxes = io.Custom("BBOX")  # KJNodes


class FacesToMask(io.ComfyNode):
    """Where the faces are, as a mask."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniFacesToMask",
            menu="Bridges",
            display_name="Faces to Mask",
            description="A mask of the faces, for inpainting, compositing or upscaling.",
            aliases=["face mask"],
            inputs=[
                PaniniFaces.Input("faces", tooltip="From Detect Faces or Select Faces."),
                io.Combo.Input(
                    "shape",
                    options=list(MASK_SHAPES),
                    default=MASK_SHAPES[0],
                    tooltip="crop: where Paste Faces would draw. ellipse, box: of the face's box.",
                ),
                io.Int.Input(
                    "grow",
                    default=0,
                    min=-1024,
                    max=1024,
                    tooltip="ellipse and box: grow the shape by so many px on every side.",
                ),
                io.Int.Input(
                    "blur", default=0, min=0, max=256, tooltip="Width of a soft border, px."
                ),
            ],
            outputs=[io.Mask.Output(display_name="mask", tooltip="One an image.")],
        )

    @classmethod
    def execute(cls, faces: Faces, shape: str, grow: int, blur: int) -> io.NodeOutput:
        masks = core.draw_masks(
            faces.faces,
            (faces.image_count, faces.height, faces.width),
            shape=shape,
            grow=grow,
            blur=blur,
        )
        return io.NodeOutput(host.to_mask(masks))


class FacesToBoxes(io.ComfyNode):
    """Faces -> bounding boxes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniFacesToBoxes",
            menu="Bridges",
            display_name="Faces to Boxes",
            description="The boxes of the faces, as ComfyUI's own nodes and as KJNodes take them.",
            aliases=["bbox", "bounding box"],
            inputs=[PaniniFaces.Input("faces", tooltip="From Detect Faces or Select Faces.")],
            outputs=[
                CoreBoxes.Output(
                    display_name="boxes", tooltip="For ComfyUI: a list of boxes for each image."
                ),
                KjBoxes.Output(
                    display_name="bbox", tooltip="For KJNodes: x, y, width, height of each face."
                ),
            ],
        )

    @classmethod
    def execute(cls, faces: Faces) -> io.NodeOutput:
        frames = [
            [_as_dict(face.box, face.score) for face in faces.of_image(index)]
            for index in range(faces.image_count)
        ]
        corners = [
            KjBox([box[key] for key in ("x", "y", "width", "height")], index, len(frames))
            for index, frame in enumerate(frames)
            for box in frame
        ]
        return io.NodeOutput(frames, corners)


class BoxesToFaces(io.ComfyNode):
    """Bounding boxes -> faces."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniBoxesToFaces",
            menu="Bridges",
            display_name="Boxes to Faces",
            description="Faces from boxes of other nodes. The detector finds the landmarks inside "
            "each box; where it sees no face, an upright one is assumed.",
            aliases=["bbox", "bounding box"],
            inputs=[
                io.Image.Input("image", tooltip="The images that the boxes belong to."),
                PaniniDetector.Input("detector", tooltip="From Load Face Detector."),
                CoreBoxes.Input("boxes", optional=True, tooltip="From ComfyUI's own nodes."),
                KjBoxes.Input("bbox", optional=True, tooltip="From KJNodes; boxes go first."),
            ],
            outputs=[PaniniFaces.Output(display_name="faces", tooltip="One face a box.")],
        )

    @classmethod
    def execute(
        cls,
        image: Tensor,
        detector: host.ManagedNetwork[FaceDetector],
        boxes: Any = None,
        bbox: Any = None,
    ) -> io.NodeOutput:
        if boxes is None and bbox is None:
            raise ValueError("Boxes to Faces needs boxes or bbox: connect one of them.")
        images = host.to_images(image)
        given = read_boxes(bbox if boxes is None else boxes, len(images))
        return io.NodeOutput(faces_in_boxes(detector, images, given))


def _as_dict(box: Tensor, score: float) -> dict[str, Any]:
    x0, y0, x1, y1 = (round(value) for value in box.tolist())
    return {"x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0, "label": "face", "score": score}
