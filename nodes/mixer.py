"""Stage two, second half: PANINI_DEGRADATION -> PANINI_WEIGHTS, and their edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from .. import panini_core as core
from ..panini_core import FIDELITY_PRESETS
from . import host
from .sockets import PaniniDegradation, PaniniModel, PaniniWeights

if TYPE_CHECKING:
    from ..panini_core import (
        DegradationRepresentation,
        FaceRestorer,
        LevelStatistics,
        PaniniConfig,
        PaniniNet,
    )

PAYLOAD_VERSION = 1
# px, of the levels that have a fader, and what each mostly decides, as is known of StyleGAN
LEVELS = {
    4: "pose and the shape of the head",
    8: "the shape of the face, hair",
    16: "the shapes of eyes, nose and mouth",
    32: "the details of eyes, nose and mouth",
    64: "edges, wrinkles, strands of hair",
    128: "fine texture of skin and hair",
}
MODES = ("bias", "override")


def _fader(name: str, meaning: str) -> io.Float.Input:
    return io.Float.Input(
        name,
        default=0.0,
        min=-1.0,
        max=1.0,
        step=0.01,
        tooltip=f"{meaning} bias: 0 leaves what the network chose, toward +1 the prior, its own "
        "idea of faces (prettier, more invented), toward -1 the picture (more faithful). override: "
        "+1 is all prior, 0 half and half, -1 all picture. Ignored if the model has no such level.",
    )


class DafiMixer(io.ComfyNode):
    """How much of the GAN prior, and how much of the picture, on every level (DAFI)."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniFusionWeights",
            menu="Degradation",
            display_name="DAFI Mixer",
            description="From the degradation the network chooses, level by level, how much of "
            "its prior (its own idea of faces) and how much of the picture to use. Here the choice "
            "can be moved, or replaced.",
            aliases=["fusion weights", "fidelity", "alpha", "interpolation", "DAFI"],
            is_output_node=True,
            inputs=[
                PaniniModel.Input("model", tooltip="From Load Face Restoration Model."),
                PaniniDegradation.Input("degradation", tooltip="One vector a face."),
                io.Combo.Input(
                    "preset",
                    options=list(FIDELITY_PRESETS),
                    default="balanced",
                    tooltip="balanced: as the network chose. faithful: closer to the picture. "
                    "beautiful: closer to the prior. The faders act on top.",
                ),
                io.Combo.Input(
                    "mode",
                    options=list(MODES),
                    default=MODES[0],
                    tooltip="bias: the faders move what the network chose. override: they replace "
                    "it, on every level.",
                ),
                *(
                    _fader(f"level_{side}", f"Features of {side} x {side}: mostly {what}.")
                    for side, what in LEVELS.items()
                ),
                _fader(
                    "picture",
                    "The picture itself, where the model uses it: its fine detail, or all of it.",
                ),
            ],
            outputs=[
                PaniniWeights.Output(display_name="weights", tooltip="Alpha per face and level."),
                io.Image.Output(display_name="plot", tooltip="Alpha per level, before and after."),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: host.ManagedNetwork[FaceRestorer],
        degradation: DegradationRepresentation,
        preset: str,
        mode: str,
        picture: float,
        **levels: float,
    ) -> io.NodeOutput:
        network, batch = host.load_panini(model)
        chosen = core.weigh_features(network, degradation, batch=batch).to("cpu")
        edited = core.apply_fidelity(chosen, FIDELITY_PRESETS[preset], network.fidelity_curve)
        faders = _faders(network.config, levels, picture)
        if mode == "override":
            edited = core.override_levels(edited, [(position + 1) / 2 for position in faders])
        else:
            edited = core.move_levels(edited, faders)

        before, after = (core.alpha_statistics(w, network.config) for w in (chosen, edited))
        return io.NodeOutput(
            edited,
            host.to_image(core.plot_alpha(before, after)[None]),
            ui=_payload(before, after, len(edited), _presets(network, len(before))),
        )


def _faders(config: PaniniConfig, levels: dict[str, float], picture: float) -> list[float]:
    """The fader of each of the model's levels, coarse first; a level without one stays."""
    faders = [levels.get(f"level_{side}", 0.0) for side in config.level_resolutions]
    return faders + [picture] * config.picture_bands


def _presets(network: PaniniNet, levels: int) -> list[dict[str, float]]:
    """For each shown level where every preset takes it: 0 to the prior, 1 to the picture."""
    curve = network.fidelity_curve
    return [
        {
            name: fidelity if curve is None else curve.at(fidelity)[level]
            for name, fidelity in FIDELITY_PRESETS.items()
        }
        for level in range(levels)  # all of the picture's bands are shown as one
    ]


def _payload(
    chosen: Sequence[LevelStatistics],
    edited: Sequence[LevelStatistics],
    faces: int,
    presets: Sequence[dict[str, float]],
) -> dict[str, Any]:
    """The `ui` of the mixer: the distribution of alpha behind every fader."""
    levels = [
        {
            "widget": before.name if before.name == "picture" else f"level_{before.name}",
            "name": before.name,
            "channels": before.channels,
            "chosen": asdict(before),
            "edited": asdict(after),
            "presets": places,
        }
        for before, after, places in zip(chosen, edited, presets, strict=True)
    ]
    return {"panini_alpha": [{"version": PAYLOAD_VERSION, "faces": faces, "levels": levels}]}
