"""Stage one: images -> PANINI_FACES."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from comfy_api.latest import io
from torch import Tensor

from .. import panini_core as core
from ..panini_core.options import RestoreOptions
from . import face_board, host
from .degradation_report import describe, represent
from .sockets import Faces, PaniniDetector, PaniniFaces, PaniniModel

if TYPE_CHECKING:
    from ..panini_core import FaceDetector, PaniniNet

DEFAULTS = RestoreOptions()
LARGEST_SIZE = 16384  # px


def threshold_input() -> io.Float.Input:
    return io.Float.Input(
        "threshold",
        default=DEFAULTS.threshold,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip="Least score of a face, 0 to 1. Lower finds more faces, and more that are none.",
    )


def min_size_input() -> io.Int.Input:
    return io.Int.Input(
        "min_size",
        default=int(DEFAULTS.min_size),
        min=0,
        max=LARGEST_SIZE,
        tooltip="Least longer side of a face's box, px of the image. A high value saves time.",
    )


def smoothing_input() -> io.Float.Input:
    return io.Float.Input(
        "smoothing",
        default=DEFAULTS.smoothing,
        min=0.0,
        max=30.0,
        step=0.5,
        tooltip="For the frames of a clip: steadies the faces over time, in frames (2 or 3 is "
        "plenty). 0: the images are single pictures.",
    )


class DetectFaces(io.ComfyNode):
    """Finds the faces of every image of a batch."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniDetectFaces",
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
                io.Int.Input(
                    "max_size",
                    default=int(DEFAULTS.max_size),
                    min=0,
                    max=LARGEST_SIZE,
                    tooltip="Largest longer side of a face's box, px of the image. 0: no limit.",
                ),
                smoothing_input(),
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
        model: host.ManagedNetwork[PaniniNet] | None = None,
    ) -> io.NodeOutput:
        images = host.to_images(image)
        found = core.detect_faces(
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

        severities = None
        if model is not None and found:
            aligned = core.align_faces(images, found, size=model.network.config.input_size)
            _, known = describe(model, represent(model, aligned))
            severities = [description.severity for description in known]
        everything = [True] * len(faces)
        shown = face_board.draw_overlay(images, faces, everything) if overlay else images
        return io.NodeOutput(
            faces,
            len(faces),
            host.to_image(shown, image),
            ui=face_board.board(images, faces, everything, severities),
        )
