"""The whole pipeline as one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from .. import panini_core as core
from ..panini_core import RestoreOptions
from . import host
from .load import default_detector, default_model, network_inputs
from .sockets import Faces
from .ui import face_board, pairs
from .widgets import (
    DEFAULTS,
    fidelity_input,
    mask_source_input,
    match_grain_input,
    min_size_input,
    paste_inputs,
    per_face,
    per_face_input,
    regions_input,
    selection_input,
    smoothing_input,
    threshold_input,
    upscale_model_input,
    validate_choices,
)

if TYPE_CHECKING:
    from ..panini_core import FaceDetector, FaceRestorer, Restoration, SpandrelDescriptor

MOST_SHOWN = 16  # images of a batch that the board and the slider show


class RestoreImage(io.ComfyNode):
    """Detect, align, restore and paste back, for every image of a batch; needs the image only."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniRestoreImage",
            display_name="Restore Faces",
            description="Photo restoration and face enhancement in one node, in the place of "
            "GFPGAN, CodeFormer or a face detailer. Finds the faces of every image, restores them "
            "and puts them back, in new and old photos and in clips of any length. Images without "
            "a face come back unchanged.",
            aliases=[
                "face restore",
                "face restoration",
                "facerestore",
                "face enhance",
                "face enhancer",
                "face detailer",
                "reactor",
                "face fix",
                "photo restoration",
                "restore old photo",
                "gfpgan",
                "codeformer",
                "restoreformer",
                "gpen",
            ],
            is_output_node=True,  # so that it runs, and shows the result, with nothing behind it
            inputs=[
                io.Image.Input("image", tooltip="One image, or a batch, such as a clip's frames."),
                fidelity_input(),
                selection_input(),
                threshold_input(),
                min_size_input(),
                smoothing_input(),
                *paste_inputs(),
                *network_inputs(),
                per_face_input("face_fidelity", "fidelity"),
                per_face_input("face_strength", "strength"),
                upscale_model_input(),
                mask_source_input(optional=True),
                match_grain_input(),
                regions_input(),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The images, faces restored."),
                io.Mask.Output(display_name="mask", tooltip="Where faces were drawn."),
                io.String.Output(display_name="report", tooltip="What was found and restored."),
            ],
        )

    @classmethod
    def validate_inputs(
        cls,
        selection: str | None,
        face_fidelity: str | None = None,
        face_strength: str | None = None,
        regions: str | None = None,
    ) -> bool | str:
        return validate_choices(selection, regions, face_fidelity, face_strength)

    @classmethod
    def execute(
        cls,
        image: Tensor,
        selection: str,
        fidelity: float,
        strength: float,
        model: host.ManagedNetwork[FaceRestorer] | None = None,
        detector: host.ManagedNetwork[FaceDetector] | None = None,
        face_fidelity: str = "",
        face_strength: str = "",
        upscale_model: SpandrelDescriptor | None = None,
        mask_source: str = DEFAULTS.mask_source,
        **choices: Any,
    ) -> io.NodeOutput:
        images = host.to_images(image)
        with host.borrow_upscaler(upscale_model) as upscaler:
            finder = (detector or default_detector()).load()
            network, batch = host.load_restorer(model or default_model())
            options = RestoreOptions(
                faces=selection,
                fidelity=per_face(fidelity, face_fidelity),
                strength=per_face(strength, face_strength),
                batch=batch,
                mask_source=mask_source,
                **choices,
            )
            result = core.restore_images_with_report(
                finder,
                network,
                images,
                options,
                upscaler=upscaler,
                keep_faces=False,
                parser=host.load_parser(mask_source),
                on_image=host.Progress(),
                on_chunk=host.Progress(preview=True),
            )
        return io.NodeOutput(
            host.to_image(result.images, image),
            host.to_mask(result.masks),
            write_report(result, options.threshold),
            ui=_show(images, result),
        )


def _show(images: Tensor, result: Restoration) -> dict[str, Any]:
    """The `ui`: a face board and a compare slider of the first images."""
    found = [face for report in result.reports for face in report.found]
    selected = [keep for report in result.reports for keep in report.selected]
    faces = Faces(tuple(found), len(images), images.shape[-2], images.shape[-1])
    return {
        **face_board.board(images, faces, selected, most=MOST_SHOWN),
        **pairs.payload(images, result.images, faces, most=MOST_SHOWN),
    }


def write_report(result: Restoration, threshold: float) -> str:
    """A line an image, and one for each of its faces; `threshold`: the one of the detection."""
    lines: list[str] = []
    for index, report in enumerate(result.reports):
        lines.append(f"image {index}: {report.note}")
        for face, selected in zip(report.found, report.selected, strict=True):
            seen = "filled in between frames" if face.filled else f"score {face.score:.2f}"
            done = "restored" if selected else "left as it is"
            done += "" if face.reliable else ", since no landmarks fit"
            lines.append(f"  face {face.number}: {face.size:.0f} px, {seen}, {done}")
    if not any(report.found for report in result.reports):
        lines.append(advise_threshold(threshold))
    return "\n".join(lines)


def advise_threshold(threshold: float) -> str:
    """What to do where no face was found."""
    return f"A threshold below {threshold:.2f} finds more faces."
