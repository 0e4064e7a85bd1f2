"""Another restorer's network between Align Faces and Paste Faces."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io
from torch import Tensor

from .. import host


class ApplyFaceModel(io.ComfyNode):
    """Runs a model of ComfyUI's upscale model loader on face crops."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniApplyFaceModel",
            menu="Bridges",
            display_name="Restore Crops with Other Model",
            description="Runs any model of Load Upscale Model on the crops of Align Faces, also "
            "GFPGAN or RestoreFormer, whose range of values Upscale Image (using Model) does not "
            "know. For a face restorer's file the straight way is Load Face Restoration Model and "
            "Restore Faces, or Restore Aligned Faces.",
            aliases=["gfpgan", "restoreformer", "upscale model"],
            inputs=[
                io.UpscaleModel.Input("upscale_model", tooltip="From Load Upscale Model."),
                io.Image.Input("crops", tooltip="From Align Faces; face models want 512 px."),
            ],
            outputs=[io.Image.Output(display_name="crops", tooltip="One picture a face.")],
        )

    @classmethod
    def execute(cls, upscale_model: Any, crops: Tensor) -> io.NodeOutput:
        pictures = host.apply_image_model(upscale_model, host.to_images(crops))
        return io.NodeOutput(host.to_image(pictures, crops))
