"""Stage one: images -> PANINI_FACES."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from comfy_api.latest import io
from torch import Tensor

from .. import panini_core as core
from . import host
from .sockets import Faces, PaniniDetector, PaniniFaces, PaniniModel
from .ui import face_board
from .ui.degradation_report import describe, represent_in_images
from .widgets import DEFAULTS, face_size_input, min_size_input, smoothing_input, threshold_input

if TYPE_CHECKING:
    from ..panini_core import FaceDetector, FaceRestorer


class DetectFaces(io.ComfyNode):
    """Finds the faces of every image of a batch."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniDetectFaces",
            menu="Stages",
            display_name="Detect Faces",
            description="Finds faces and numbers them from left to right. Images may differ in "
            "their number of faces, and may have none.",
            aliases=["face detection", "find faces", "retinaface", "bbox"],
            is_output_node=True,  # so that the board can be looked at before anything is restored
            inputs=[
                io.Image.Input("image", tooltip="One image, or a batch."),
                PaniniDetector.Input("detector", tooltip="From Load Face Detector."),
                threshold_input(),
                min_size_input(),
                face_size_input(
                    "max_size",
                    DEFAULTS.max_size,
                    "Largest longer side of a face's box, px of the image. 0: no limit.",
                ),
                smoothing_input(steadies="boxes and landmarks"),
                io.Boolean.Input(
                    "overlay",
                    default=True,
                    tooltip="Whether to draw the overlay. Off saves memory on long clips: the "
                    "overlay is the image then.",
                ),
                PaniniModel.Input(
                    "model",
                    optional=True,
                    tooltip="With a model, the face board also tells how degraded each face is.",
                ),
            ],
            outputs=[
                PaniniFaces.Output(display_name="faces", tooltip="Boxes, landmarks and scores."),
                io.Int.Output(display_name="count", tooltip="How many faces, of all images."),
                io.Image.Output(display_name="overlay", tooltip="The images, faces numbered."),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: Tensor,
        detector: host.ManagedNetwork[FaceDetector],
        threshold: float,
        min_size: int,
        max_size: int,
        smoothing: float,
        overlay: bool,
        model: host.ManagedNetwork[FaceRestorer] | None = None,
    ) -> io.NodeOutput:
        images = host.to_images(image)
        detect = core.detect_in_clip if smoothing else core.detect_faces
        found = detect(
            detector.load(),
            images,
            threshold=threshold,
            min_size=min_size,
            max_size=max_size or math.inf,
            on_image=host.Progress(),
        )
        if smoothing:
            found = core.smooth_faces(found, smoothing)
        faces = Faces(tuple(found), len(images), images.shape[-2], images.shape[-1])

        reliable = [face.reliable for face in found]
        severities = None
        if model is not None and any(reliable):
            _, known = describe(model, represent_in_images(model, images, found))
            told = iter(known)
            severities = [next(told).severity if one and known else None for one in reliable]
        shown = face_board.draw_overlay(images, faces, reliable) if overlay else images
        return io.NodeOutput(
            faces,
            len(faces),
            host.to_image(shown, image),
            ui=face_board.board(images, faces, reliable, severities),
        )
