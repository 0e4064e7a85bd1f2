"""Stage two: faces -> PANINI_DEGRADATION, and how it is blended with others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io
from torch import Tensor

from .. import panini_core as core
from . import host
from .sockets import Faces, PaniniDegradation, PaniniFaces, PaniniModel
from .ui.degradation_report import describe, payload, represent, shown_numbers, write_report
from .widgets import ratio_input

if TYPE_CHECKING:
    from ..panini_core import DegradationRepresentation, FaceRestorer

MODES = ("lerp", "replace", "mean")


class ExtractDegradation(io.ComfyNode):
    """What the degradation encoder sees in each face (DR)."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniExtractDegradation",
            menu="Degradation",
            display_name="Extract Degradation",
            description="Looks at how each face is degraded (blur, noise, compression, lost "
            "resolution), not at who it is. Tells how severe it is and what it resembles.",
            aliases=["degradation representation", "quality", "severity", "UDRL"],
            is_output_node=True,
            inputs=[
                PaniniModel.Input("model", tooltip="From Load Face Restoration Model."),
                PaniniFaces.Input(
                    "faces", optional=True, tooltip="Aligned faces. Faces or crops are needed."
                ),
                io.Image.Input(
                    "crops",
                    optional=True,
                    tooltip="Square pictures in FFHQ's framing, one a face; looked at instead of "
                    "the faces' own crops.",
                ),
            ],
            outputs=[
                PaniniDegradation.Output(
                    display_name="degradation", tooltip="One vector a face (DR)."
                ),
                io.String.Output(display_name="report", tooltip="A line about each face."),
                io.Image.Output(
                    display_name="plot", tooltip="Where the faces lie among known degradations."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: host.ManagedNetwork[FaceRestorer],
        faces: Faces | None = None,
        crops: Tensor | None = None,
    ) -> io.NodeOutput:
        # Without a face the crops are Align Faces' black picture, which is nobody's.
        if crops is not None and (faces is None or len(faces)):
            aligned = core.whole_picture_faces(host.to_images(crops))
        elif faces is not None:
            aligned = faces.require_aligned()
        else:
            raise ValueError("Extract Degradation needs faces or crops: connect one of them.")
        degradation = represent(model, aligned)
        atlas, found = describe(model, degradation)
        named = faces.faces if faces is not None and len(faces) == len(aligned) else aligned.faces
        report = write_report(found, named)
        numbers = shown_numbers(named) if found else None
        return io.NodeOutput(
            degradation,
            report,
            host.to_image(core.plot_atlas(atlas, found, numbers=numbers)[None]),
            ui={**payload(atlas, found, named), "text": [report]},
        )


class BlendDegradation(io.ComfyNode):
    """Moves degradations toward others, so that faces are treated as if they were degraded so."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniBlendDegradation",
            menu="Degradation",
            display_name="Blend Degradations",
            description="Moves the degradation of each face toward another one: of the same face, "
            "of another picture, a saved or a known one. The network then treats the face as if "
            "it were degraded like that.",
            aliases=["swap degradation", "lerp degradation", "edit degradation"],
            inputs=[
                PaniniDegradation.Input("a", tooltip="The degradations to change."),
                PaniniDegradation.Input(
                    "b", tooltip="What they move toward: as many, or one for all."
                ),
                ratio_input("amount", 0.5, "0: a as it is. 1: b. replace ignores it."),
                io.Combo.Input(
                    "mode",
                    options=list(MODES),
                    default=MODES[0],
                    tooltip="lerp: each face of a toward the same face of b, or its only one. "
                    "replace: b instead of a. mean: each face of a toward the mean of b.",
                ),
            ],
            outputs=[PaniniDegradation.Output(display_name="degradation", tooltip="As many as a.")],
        )

    @classmethod
    def execute(
        cls,
        a: DegradationRepresentation,
        b: DegradationRepresentation,
        amount: float,
        mode: str,
    ) -> io.NodeOutput:
        if not len(a) or not len(b):  # nobody to treat, or nothing to move toward
            return io.NodeOutput(a)
        if mode == "mean":
            b = core.average_degradation(b)
        return io.NodeOutput(core.blend_degradations(a, b, 1.0 if mode == "replace" else amount))
