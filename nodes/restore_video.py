"""The whole pipeline for films, as one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from .. import panini_core as core
from ..panini_core import FILM_CODECS, FILM_SMOOTHING, FilmOptions, RestoreOptions
from . import host
from .load import default_detector, default_model, network_inputs
from .restore_image import advise_threshold, write_report
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
    from ..panini_core import (
        FaceDetector,
        FaceParser,
        FaceRestorer,
        FilmReport,
        ImageUpscaler,
        SpandrelDescriptor,
    )

AS_SOURCE = "as the video"
MOST_FACES = 50  # that the report tells of, a line each


class RestoreVideo(io.ComfyNode):
    """Detect, follow, restore and paste back, frame after frame, in bounded memory."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniRestoreVideo",
            display_name="Restore Faces in Video",
            description="Finds and follows the faces of a video, restores them and puts them "
            "back, frame after frame: a film of any length needs no more memory than a short one. "
            "Sound, times and colours stay.",
            aliases=["face restoration", "restore video", "film", "gfpgan", "codeformer"],
            inputs=[
                io.Video.Input("video", tooltip="From Load Video, or any node that makes one."),
                fidelity_input(),
                selection_input(),
                threshold_input(),
                min_size_input(),
                smoothing_input(FILM_SMOOTHING),
                *paste_inputs(),
                io.Combo.Input(
                    "codec",
                    options=[AS_SOURCE, *FILM_CODECS],
                    default=AS_SOURCE,
                    tooltip="How the frames are coded. As the video: with its codec, and half as "
                    "many bits more.",
                ),
                *network_inputs(),
                upscale_model_input(),
                per_face_input("face_fidelity", "fidelity"),
                per_face_input("face_strength", "strength"),
                mask_source_input(optional=True),
                match_grain_input(),
                regions_input(),
            ],
            outputs=[
                io.Video.Output(display_name="video", tooltip="The video, faces restored."),
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
        video: Any,
        selection: str,
        fidelity: float,
        strength: float,
        codec: str,
        model: host.ManagedNetwork[FaceRestorer] | None = None,
        detector: host.ManagedNetwork[FaceDetector] | None = None,
        upscale_model: SpandrelDescriptor | None = None,
        face_fidelity: str = "",
        face_strength: str = "",
        mask_source: str = DEFAULTS.mask_source,
        **choices: Any,
    ) -> io.NodeOutput:
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
            parser = host.load_parser(mask_source)
            if host.is_of_images(video):
                return _restore_images(video, finder, network, options, parser, upscaler)
            progress = host.FilmProgress()
            with host.film_file(video) as source:
                target = host.result_file(source)
                try:
                    report = core.restore_film(
                        finder,
                        network,
                        source,
                        target,
                        options,
                        FilmOptions(codec=None if codec == AS_SOURCE else codec),
                        parser=parser,
                        upscaler=upscaler,
                        on_image=progress.frame,
                        on_chunk=progress.keep,
                    )
                except BaseException:  # also the user's Cancel
                    host.discard_film(target)
                    raise
        return io.NodeOutput(host.video_from_file(target), _describe(report, options.threshold))


def _restore_images(
    video: Any,
    finder: FaceDetector,
    network: FaceRestorer,
    options: RestoreOptions,
    parser: FaceParser | None,
    upscaler: ImageUpscaler | None,
) -> io.NodeOutput:
    """A video that is made of images has no file to read: it is in memory already."""
    parts = video.get_components()
    result = core.restore_images_with_report(
        finder,
        network,
        host.to_images(parts.images),
        options,
        parser=parser,
        upscaler=upscaler,
        keep_faces=False,
        on_image=host.Progress(),
        on_chunk=host.Progress(preview=True),
    )
    images = host.to_image(result.images, parts.images)
    report = write_report(result, options.threshold)
    return io.NodeOutput(host.video_from_images(images, parts), report)


def _describe(report: FilmReport, threshold: float) -> str:
    """What was done, what of the source could not be kept, and who is who, a line each;
    `threshold`: the one of the detection."""
    lines = [
        f"{report.frames} frames, {report.restored} faces of {len(report.tracks)} tracks restored",
        *report.notes,
    ]
    if report.filled:
        lines.insert(1, f"{report.filled} of them filled in between frames")
    if report.left_alone:
        lines.append(f"Left alone, since no landmarks fit: {report.left_alone}.")
    elif not report.faces:
        lines.append(advise_threshold(threshold))
    for number, seen in sorted(report.faces.items())[:MOST_FACES]:
        done = "restored" if number in report.tracks else "left as it is"
        lines.append(
            f"face {number}: frames {seen.first} to {seen.last}, {seen.size:.0f} px, {done}"
        )
    if len(report.faces) > MOST_FACES:
        lines.append(f"and {len(report.faces) - MOST_FACES} more")
    return "\n".join(lines)
