"""Before and after, side by side."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io
from torch import Tensor

from .. import panini_core as core
from . import host
from .sockets import Faces, PaniniFaces
from .ui import face_board

PAYLOAD_VERSION = 1
MOST_PAIRS = 64  # of a batch that are sent to the browser


class CompareImages(io.ComfyNode):
    """Two batches under one slider."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniCompareImages",
            display_name="Compare Images",
            description="Before and after under a slider, image by image; with faces it jumps "
            "from face to face. The sizes may differ.",
            aliases=["before after", "image comparer", "slider", "diff"],
            is_output_node=True,
            inputs=[
                io.Image.Input("before", tooltip="One image, or a batch."),
                io.Image.Input("after", tooltip="One image, or a batch."),
                PaniniFaces.Input(
                    "faces", optional=True, tooltip="Faces of `before` to jump between."
                ),
            ],
            outputs=[],
        )

    @classmethod
    def execute(cls, before: Tensor, after: Tensor, faces: Faces | None = None) -> io.NodeOutput:
        old, new = host.to_images(before), host.to_images(after)
        if len(old) != len(new) and 1 not in (len(old), len(new)):
            raise ValueError(
                f"`before` holds {len(old)} images and `after` {len(new)}: expected as many, or "
                "one that is compared with all."
            )
        if faces is not None:
            faces = faces.scaled_to(old.shape[-2], old.shape[-1])
        total = max(len(old), len(new))
        pairs = [
            _pair(old, new, min(index, len(old) - 1), min(index, len(new) - 1), faces)
            for index in range(min(total, MOST_PAIRS))
        ]
        payload = {"version": PAYLOAD_VERSION, "total": total, "pairs": pairs}
        return io.NodeOutput(ui={"panini_compare": [payload]})


def _pair(old: Tensor, new: Tensor, left: int, right: int, faces: Faces | None) -> dict[str, Any]:
    own = [] if faces is None else faces.of_image(left)
    return {
        "before": host.save_preview(old[left]),
        "after": host.save_preview(new[right]),
        "before_size": [old.shape[-1], old.shape[-2]],
        "after_size": [new.shape[-1], new.shape[-2]],
        "faces": [
            {"number": number, "box": face_board.describe_face(number, face)["box"]}
            for number, face in zip(core.face_numbers(own), own, strict=True)
        ],
    }
