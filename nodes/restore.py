"""Stage three: aligned faces -> restored faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from .. import panini_core as core
from ..panini_core import FIDELITY_PRESETS
from . import host
from .sockets import Faces, PaniniDegradation, PaniniFaces, PaniniModel, PaniniWeights
from .widgets import (
    DEFAULTS,
    fidelity_input,
    per_face,
    per_face_input,
    ratio_input,
    seed_input,
    validate_per_face,
)

if TYPE_CHECKING:
    from ..panini_core import DegradationRepresentation, FaceRestorer, InterpolationWeights


class RestoreFaces(io.ComfyNode):
    """Restores every face."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniRestoreFaces",
            menu="Stages",
            display_name="Restore Aligned Faces",
            description="Restores the crops of Align Faces: a stage of Restore Faces, which does "
            "it all. Without weights the network chooses them from the faces themselves. Weights "
            "and degradations are for Panini models only.",
            aliases=["restore crops", "face restoration stage"],
            inputs=[
                PaniniModel.Input("model", tooltip="From Load Face Restoration Model."),
                PaniniFaces.Input("faces", tooltip="From Align Faces."),
                PaniniWeights.Input(
                    "weights",
                    optional=True,
                    tooltip="From the DAFI Mixer. They go before degradation.",
                ),
                PaniniDegradation.Input(
                    "degradation",
                    optional=True,
                    tooltip="Restore as if the faces were degraded so: as many, or one for all.",
                ),
                seed_input(
                    "noise_seed",
                    DEFAULTS.noise_seed,
                    "Which noise; matters if the amount is above 0.",
                ),
                ratio_input(
                    "noise_amount",
                    DEFAULTS.noise_amount,
                    "Share of fresh noise in the generator: varies pores and hair. 0: the "
                    "same result each time.",
                ),
                ratio_input(
                    "latent_pull",
                    DEFAULTS.latent_pull,
                    "How far the face is pulled toward the average face (truncation): "
                    "plainer, and safer where little can be seen. 0: not at all.",
                ),
                fidelity_input(optional=True),
                per_face_input("face_fidelity", "fidelity"),
            ],
            outputs=[
                io.Image.Output(
                    display_name="crops",
                    tooltip="The restored faces, for Paste Faces or other nodes. Without a face: "
                    "one black picture.",
                ),
                PaniniFaces.Output(display_name="faces", tooltip="The same faces."),
            ],
        )

    @classmethod
    def validate_inputs(cls, face_fidelity: str | None = None) -> bool | str:
        return validate_per_face(face_fidelity)

    @classmethod
    def execute(
        cls,
        model: host.ManagedNetwork[FaceRestorer],
        faces: Faces,
        weights: InterpolationWeights | None = None,
        degradation: DegradationRepresentation | None = None,
        fidelity: float = FIDELITY_PRESETS["balanced"],
        face_fidelity: str = "",
        **choices: Any,
    ) -> io.NodeOutput:
        aligned = faces.require_aligned()
        network, batch = host.load_restorer(model)
        if weights is None and degradation is not None:
            panini = host.require_panini(model)
            weights = core.weigh_features(panini, degradation, batch=batch).to("cpu")
        if weights is not None and len(weights) == 1 < len(aligned):
            weights = core.InterpolationWeights(weights.alpha.expand(len(aligned), -1, -1))
        if not len(aligned):
            blank = host.blank(network.output_size, network.output_size)
            return io.NodeOutput(host.to_image(blank), faces)
        restored = core.restore_faces(
            network,
            aligned,
            weights,
            core.NetworkOptions(batch=batch, fidelity=per_face(fidelity, face_fidelity), **choices),
            on_chunk=host.Progress(preview=True),
        )
        return io.NodeOutput(host.to_image(restored.crops), faces)
