"""Degraded pictures for tests, training pairs and comparisons."""

from __future__ import annotations

from comfy_api.latest import io
from torch import Tensor

from .. import panini_core as core
from . import host
from .widgets import seed_input

CUSTOM = "custom"


class DegradeImage(io.ComfyNode):
    """Blur, loss of resolution, noise and JPEG, drawn from a preset or as set."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniDegradeImage",
            menu="Degradation",
            display_name="Degrade Image",
            description="Makes good pictures bad, in the way of the networks' training: blur, "
            "fewer pixels, noise and JPEG. Every image of a batch is degraded differently.",
            aliases=["blur", "jpeg artifacts", "add noise", "low quality"],
            inputs=[
                io.Image.Input("image", tooltip="One image, or a batch."),
                io.Combo.Input(
                    "preset",
                    options=[*core.DEGRADATION_PRESETS, CUSTOM],
                    default="medium",
                    tooltip="What the degradation is drawn from. custom: the values below.",
                ),
                seed_input("seed", 0, "The same seed gives the same degradation."),
                io.Float.Input(
                    "blur",
                    default=2.0,
                    min=0.0,
                    max=20.0,
                    step=0.1,
                    tooltip="custom: standard deviation of a Gaussian blur, px of a 512 px "
                    "picture (it grows with the picture).",
                ),
                io.Float.Input(
                    "downscale",
                    default=4.0,
                    min=1.0,
                    max=32.0,
                    step=0.1,
                    tooltip="custom: how many times the picture is made smaller, then enlarged.",
                ),
                io.Float.Input(
                    "noise",
                    default=5.0,
                    min=0.0,
                    max=100.0,
                    step=0.5,
                    tooltip="custom: standard deviation of Gaussian noise, of 255.",
                ),
                io.Int.Input(
                    "jpeg",
                    default=70,
                    min=0,
                    max=100,
                    tooltip="custom: JPEG quality, 1 to 100. 0: no compression.",
                ),
            ],
            outputs=[io.Image.Output(display_name="image", tooltip="Degraded, of the same size.")],
        )

    @classmethod
    def execute(
        cls,
        image: Tensor,
        preset: str,
        seed: int,
        blur: float,
        downscale: float,
        noise: float,
        jpeg: int,
    ) -> io.NodeOutput:
        ranges = (
            core.exact_degradation(blur=blur, downscale=downscale, noise=noise, jpeg=jpeg)
            if preset == CUSTOM
            else preset
        )
        images = host.to_images(image)
        progress = host.Progress()
        degraded = images.new_empty(images.shape)
        for index in range(len(images)):
            # torch seeds are signed
            own_seed = (seed + index) % 2**63
            degraded[index : index + 1] = core.degrade_images(
                images[index : index + 1], ranges, seed=own_seed
            )
            progress(index + 1, len(images))
        return io.NodeOutput(host.to_image(degraded, image))
