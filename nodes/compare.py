"""Before and after, side by side."""

from __future__ import annotations

from comfy_api.latest import io
from torch import Tensor

from . import host
from .sockets import Faces, PaniniFaces
from .ui import pairs


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
        return io.NodeOutput(ui=pairs.payload(old, new, faces))
