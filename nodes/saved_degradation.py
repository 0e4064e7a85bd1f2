"""Known degradations, and files of others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from comfy_api.latest import io

from .. import panini_core as core
from ..panini_core import KNOWN_DEGRADATIONS
from . import host
from .sockets import PaniniDegradation, PaniniModel

if TYPE_CHECKING:
    from ..panini_core import DegradationRepresentation, FaceRestorer

PRESET = "preset: "
LONGEST_NAME = 255 - len(" 99999.safetensors")  # bytes, of which a Chinese character needs three


class LoadDegradation(io.ComfyNode):
    """A known or a saved degradation."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        presets = [PRESET + name for name in KNOWN_DEGRADATIONS]
        return host.schema(
            node_id="PaniniLoadDegradation",
            menu="Degradation",
            display_name="Load Degradation",
            description="A degradation that the network knows (as of heavy blur), or one that "
            "Save Degradation wrote.",
            aliases=["degradation preset"],
            inputs=[
                PaniniModel.Input("model", tooltip="The network that is to use it."),
                io.Combo.Input(
                    "source",
                    options=[*presets, *host.list_files(host.DEGRADATION_FOLDER)],
                    default=presets[0],
                    tooltip="A known degradation, or a file of output/panini_degradations.",
                ),
            ],
            outputs=[
                PaniniDegradation.Output(
                    display_name="degradation", tooltip="One for all faces, or as many as saved."
                )
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, model: None, source: str) -> str:
        known = source.startswith(PRESET)
        return source if known else host.fingerprint(host.DEGRADATION_FOLDER, source)

    @classmethod
    def execute(cls, model: host.ManagedNetwork[FaceRestorer], source: str) -> io.NodeOutput:
        network = host.require_panini(model)
        if not source.startswith(PRESET):
            path = host.find_file(host.DEGRADATION_FOLDER, source)
            return io.NodeOutput(core.load_degradation(path, network))
        atlas = core.load_atlas(network, model.source)
        if atlas is None:
            raise ValueError(
                f"Nothing is known about degradations as {model.source.name} sees them (it has no "
                "atlas): take a bundled model, make one with `panini atlas`, or load a saved "
                "degradation."
            )
        return io.NodeOutput(core.preset_degradation(atlas, source.removeprefix(PRESET)))


class SaveDegradation(io.ComfyNode):
    """Writes degradations to a file."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniSaveDegradation",
            menu="Degradation",
            display_name="Save Degradation",
            description="Writes degradations to output/panini_degradations, for Load Degradation.",
            is_output_node=True,
            inputs=[
                PaniniModel.Input("model", tooltip="The network that they come from."),
                PaniniDegradation.Input("degradation", tooltip="From Extract Degradation."),
                io.String.Input(
                    "filename",
                    default="degradation",
                    tooltip="Letters, digits, spaces, dots, - and _. A file of that name is kept: "
                    "the new one gets a number.",
                ),
            ],
            outputs=[],
        )

    @classmethod
    def validate_inputs(cls, filename: str | None) -> bool | str:
        if filename is None:
            return True
        if not re.fullmatch(r"[\w. -]*\w[\w. -]*", filename):
            return f"A file name has letters, digits, spaces, dots, - and _; got {filename!r}."
        size = len(filename.encode("utf-8"))
        if size > LONGEST_NAME:
            return f"A file name has at most {LONGEST_NAME} bytes of UTF-8; this one has {size}."
        return True

    @classmethod
    def execute(
        cls,
        model: host.ManagedNetwork[FaceRestorer],
        degradation: DegradationRepresentation,
        filename: str,
    ) -> io.NodeOutput:
        fingerprint = core.encoder_fingerprint(host.require_panini(model))
        folder = host.degradation_folder()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{filename}.safetensors"
        number = 2
        while path.exists():
            path = folder / f"{filename} {number}.safetensors"
            number += 1
        core.save_degradation(path, degradation, fingerprint)
        return io.NodeOutput(ui={"text": [f"Saved as {path.name}"]})
