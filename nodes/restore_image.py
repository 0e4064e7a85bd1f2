"""The whole pipeline as one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from .. import panini_core as core
from ..panini_core import RestoreOptions
from . import host
from .sockets import PaniniDetector, PaniniModel
from .widgets import (
    DEFAULTS,
    mask_source_input,
    match_grain_input,
    min_size_input,
    paste_inputs,
    ratio_input,
    selection_input,
    smoothing_input,
    threshold_input,
    validate_selection,
)

if TYPE_CHECKING:
    from ..panini_core import FaceDetector, PaniniNet, Restoration


class RestoreImage(io.ComfyNode):
    """Detect, align, restore and paste back, for every image of a batch."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniRestoreImage",
            display_name="Restore Faces in Image",
            description="Finds the faces of every image, restores them and puts them back. Images "
            "without a face come back unchanged. Clips of any length work in bounded memory.",
            aliases=["face restoration", "restore face", "gfpgan", "codeformer", "facerestore"],
            inputs=[
                io.Image.Input("image", tooltip="One image, or a batch, such as a clip's frames."),
                PaniniModel.Input("model", tooltip="From Load Panini Model."),
                PaniniDetector.Input("detector", tooltip="From Load Face Detector."),
                ratio_input(
                    "fidelity",
                    DEFAULTS.fidelity,
                    "0.5: as the network chose. Toward 1 the most faithful restoration that is "
                    "clean, toward 0 the prettiest one that is still this person.",
                ),
                selection_input(),
                threshold_input(),
                min_size_input(),
                smoothing_input(),
                *paste_inputs(),
                mask_source_input(optional=True),
                match_grain_input(),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The images, faces restored."),
                io.Mask.Output(display_name="mask", tooltip="Where faces were drawn."),
                io.String.Output(display_name="report", tooltip="What was found and restored."),
            ],
        )

    @classmethod
    def validate_inputs(cls, selection: str | None) -> bool | str:
        return validate_selection(selection)

    @classmethod
    def execute(
        cls,
        image: Tensor,
        model: host.ManagedNetwork[PaniniNet],
        detector: host.ManagedNetwork[FaceDetector],
        selection: str,
        mask_source: str = DEFAULTS.mask_source,
        **choices: Any,
    ) -> io.NodeOutput:
        finder = detector.load()
        network, batch = host.load_panini(model)
        result = core.restore_images_with_report(
            finder,
            network,
            host.to_images(image),
            RestoreOptions(faces=selection, batch=batch, mask_source=mask_source, **choices),
            keep_faces=False,
            parser=host.load_parser(mask_source),
            on_image=host.Progress(),
            on_chunk=host.Progress(preview=True),
        )
        return io.NodeOutput(
            host.to_image(result.images, image),
            host.to_mask(result.masks),
            write_report(result),
        )


def write_report(result: Restoration) -> str:
    """A line an image, and one for each of its faces."""
    lines: list[str] = []
    for index, report in enumerate(result.reports):
        lines.append(f"image {index}: {report.note}")
        for face, selected in zip(report.found, report.selected, strict=True):
            seen = "filled in between frames" if face.filled else f"score {face.score:.2f}"
            done = "restored" if selected else "left as it is"
            lines.append(f"  face {face.number}: {face.size:.0f} px, {seen}, {done}")
    return "\n".join(lines)
