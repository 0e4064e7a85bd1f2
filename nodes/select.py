"""Stage one: which of the faces, and in which order."""

from __future__ import annotations

from comfy_api.latest import io
from torch import Tensor

from .. import panini_core as core
from ..panini_core import SORT_ORDERS
from . import host
from .sockets import Faces, PaniniFaces
from .ui import face_board
from .widgets import DEFAULTS, selection_input, validate_selection


class SelectFaces(io.ComfyNode):
    """Sorts faces, and keeps those that are named."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniSelectFaces",
            menu="Stages",
            display_name="Select Faces",
            description="Keeps the faces that you name or click, and sorts those of each image.",
            aliases=["face index", "pick faces", "filter faces", "sort faces"],
            is_output_node=True,
            inputs=[
                PaniniFaces.Input("faces", tooltip="From Detect Faces."),
                io.Combo.Input(
                    "sort",
                    options=list(SORT_ORDERS),
                    default=DEFAULTS.sort,
                    tooltip="as detected: the faces keep the numbers of Detect Faces. Another "
                    "order sorts the faces of each image, and numbers them anew. In a clip "
                    "(smoothing in Detect Faces) a face has one number in all frames.",
                ),
                selection_input(),
                io.Int.Input(
                    "max_faces",
                    default=DEFAULTS.max_faces,
                    min=0,
                    max=9999,
                    tooltip="At most so many faces of each image, the first ones. 0: no limit.",
                ),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The images that the faces were found in, for the overlay and the "
                    "face board.",
                ),
            ],
            outputs=[
                PaniniFaces.Output(display_name="faces", tooltip="The selected faces, sorted."),
                io.Int.Output(display_name="count", tooltip="How many were selected."),
                io.Image.Output(
                    display_name="overlay",
                    tooltip="The images, faces numbered, those not selected in grey. One black "
                    "picture without images.",
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, selection: str | None) -> bool | str:
        return validate_selection(selection)

    @classmethod
    def execute(
        cls, faces: Faces, sort: str, selection: str, max_faces: int, image: Tensor | None = None
    ) -> io.NodeOutput:
        size = {"height": faces.height, "width": faces.width}
        everything = faces.sorted(sort)
        chosen = {
            (face.image_index, face.number)
            for face in core.select_faces(everything.faces, selection, max_faces=max_faces, **size)
        }
        selected = [(face.image_index, face.number) in chosen for face in everything.faces]
        kept = everything.select([row for row, keep in enumerate(selected) if keep])
        if image is None:
            blank = host.blank(faces.height, faces.width)[: faces.image_count]
            return io.NodeOutput(kept, len(kept), host.to_image(blank))
        images = host.to_images(image)
        faces.check_images(len(images))
        return io.NodeOutput(
            kept,
            len(kept),
            host.to_image(face_board.draw_overlay(images, everything, selected), image),
            ui=face_board.board(images, everything, selected, sort=sort),
        )
