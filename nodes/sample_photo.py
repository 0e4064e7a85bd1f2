"""A photograph to begin with, so that a workflow runs before there is one of one's own."""

from __future__ import annotations

from comfy_api.latest import io

from .. import panini_core as core
from . import host
from .widgets import seed_input

CLEAN = "clean"


class SamplePhoto(io.ComfyNode):
    """A public-domain portrait, made worse."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniSamplePhoto",
            menu="Degradation",
            display_name="Sample Photo",
            description="A portrait to try things with, made worse: the astronaut Eileen Collins, "
            "photographed by NASA, in the public domain. Put Load Image in its place for a photo "
            "of your own.",
            aliases=["example image", "test image", "demo photo", "astronaut"],
            inputs=[
                io.Combo.Input(
                    "preset",
                    options=[*core.DEGRADATION_PRESETS, CLEAN],
                    default="mild",
                    tooltip="How the portrait was made worse. clean: not at all.",
                ),
                seed_input("seed", 3, "Another seed, another degradation of that kind."),
                io.Boolean.Input("grey", default=False, tooltip="As a black-and-white photograph."),
            ],
            outputs=[io.Image.Output(display_name="image", tooltip="512 x 512 px.")],
        )

    @classmethod
    def execute(cls, preset: str, seed: int, grey: bool) -> io.NodeOutput:
        worse = None if preset == CLEAN else preset
        photo = core.sample_photo(worse, seed=seed % 2**63, grey=grey)
        return io.NodeOutput(host.to_image(photo, photo.movedim(1, -1)))
