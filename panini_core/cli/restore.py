"""`panini restore INPUT… -o OUTPUT`: degraded photographs in, restored photographs out."""

from __future__ import annotations

import argparse
import dataclasses
import glob
import json
from pathlib import Path
from typing import Any

from ..drawing.faces import comparison_sheet
from ..faces import RestoredFaces
from ..images import (
    ImageFile,
    check_writable,
    lost_on_writing,
    read_image,
    save_image,
    write_file,
    write_image,
)
from ..models.face_detector import FaceDetector
from ..models.panini import PaniniNet
from ..options import RestoreOptions
from ..stages.grouping import face_numbers
from .batch import Outcome, Result, Tally, run_jobs
from .console import usage_errors
from .inputs import (
    Job,
    find_others,
    find_sources,
    keeps_format,
    make_folder,
    plan_jobs,
    require_new_file,
    settle_clashes,
    sidecar,
)
from .options import (
    add_detector_arguments,
    add_format_argument,
    add_input_arguments,
    add_model_arguments,
    open_detector,
    open_model,
    suffix_of,
)
from .report import describe_face, describe_image
from .restore_arguments import add_aligned_argument, add_restore_arguments, read_options
from .restore_picture import restore_picture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_input_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="OUTPUT",
        help="a folder, where every picture keeps its name and format (formats that are not "
        "written, such as HEIC, become PNG); or a file, for a single picture",
    )
    add_format_argument(parser)
    add_aligned_argument(parser)
    add_restore_arguments(parser)
    _add_extra_arguments(parser)
    add_detector_arguments(parser)
    add_model_arguments(parser)


def _add_extra_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--compare",
        action="store_true",
        help="also write NAME.compare.png, before and after side by side, with every face enlarged",
    )
    parser.add_argument(
        "--save-faces",
        action="store_true",
        help="also write NAME.face0.before.png and .after.png: the network's input and output",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.json",
        help="also write what was done to every picture and face",
    )


def run(arguments: argparse.Namespace) -> int:
    with usage_errors():
        options = read_options(arguments)
    output: Path = arguments.output
    sources = find_sources(arguments.inputs, output, recursive=arguments.recursive)
    others = find_others(arguments.inputs, output, recursive=arguments.recursive)
    jobs = plan_jobs(sources, output, suffix=suffix_of(arguments))
    jobs = [_with_extras(job, arguments) for job in jobs]
    jobs = settle_clashes(jobs)
    report: Path | None = arguments.report
    if report is not None:
        taken = [path for job in jobs for path in (job.source, *job.results)]
        require_new_file(report, taken, force=arguments.force)
        make_folder(report.parent)
    restorer = _Restorer(
        open_model(arguments),
        None if arguments.aligned else open_detector(arguments),
        options,
        compare=arguments.compare,
        save_faces=arguments.save_faces,
    )
    tally = Tally("Restored", others)
    try:
        run_jobs(jobs, restorer, tally, output=output, force=arguments.force, debug=arguments.debug)
    finally:  # also on Ctrl-C
        if report is not None:
            write_file(report, json.dumps(_report(tally, options, arguments), indent=2).encode())
    return tally.exit_code


def _with_extras(job: Job, arguments: argparse.Namespace) -> Job:
    """The job with the further results that it would overwrite."""
    extras: list[Path] = []
    if arguments.compare:
        extras.append(_comparison(job))
    if arguments.save_faces:
        name = glob.escape(sidecar(job.target, "face").name)
        extras += job.target.parent.glob(f"{name}*.png")
    return dataclasses.replace(job, extras=tuple(extras))


def _comparison(job: Job) -> Path:
    return sidecar(job.target, "compare.png")


@dataclasses.dataclass(frozen=True)
class _Restorer:
    """Restores one picture; the work of `run_jobs`."""

    model: PaniniNet
    detector: FaceDetector | None  # None: the pictures are aligned faces
    options: RestoreOptions
    compare: bool
    save_faces: bool

    def __call__(self, job: Job) -> Result:
        image = read_image(job.source)
        check_writable(job.target, image)  # before the work, not after it
        result, restored, report = restore_picture(
            self.model, self.detector, image.pixels, self.options, keep_faces=self.save_faces
        )
        numbers = [index for index, done in enumerate(report.selected) if done]

        after = image.with_pixels(result)
        unchanged = not numbers and self.options.upscale == 1
        if unchanged and keeps_format(job):
            write_file(job.target, job.source.read_bytes())
        else:
            write_image(job.target, after)
        if self.compare and numbers:
            shown = {number: report.found[number] for number in numbers}
            sheet = comparison_sheet(image.pixels, after.pixels, shown)
            save_image(_comparison(job), sheet)
        if self.save_faces and restored is not None:
            _write_faces(job, restored)
        details = describe_image(job.source, image)
        details["faces"] = [
            describe_face(index, face) | {"restored": done}
            for index, (face, done) in enumerate(zip(report.found, report.selected, strict=True))
        ]
        if numbers:
            return Result(Outcome.DONE, len(numbers), report.note, _notes(job, image), details)
        reason = f"{report.note} It was {'copied' if unchanged else 'enlarged'} as it is."
        return Result(Outcome.NOTHING_TO_DO, 0, reason, _notes(job, image), details)


def _notes(job: Job, image: ImageFile) -> tuple[str, ...]:
    notes = [*image.notes]
    if not keeps_format(job):
        name = f" ({job.target.name})" if job.target.stem != job.source.stem else ""
        notes.append(f"{image.format} was written as {job.target.suffix[1:].upper()}{name}")
        if lost := lost_on_writing(job.target, image):
            notes.append(f"not kept, since that format has no place for it: {', '.join(lost)}")
    return tuple(notes)


def _write_faces(job: Job, restored: RestoredFaces) -> None:
    for row, number in enumerate(face_numbers(restored.face_set.faces)):
        for name, crops in (("before", restored.face_set.crops), ("after", restored.crops)):
            path = sidecar(job.target, f"face{number}.{name}.png")
            save_image(path, crops[row])


def _report(tally: Tally, options: RestoreOptions, arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "options": dataclasses.asdict(options),
        "model": arguments.model or "default",
        "detector": None if arguments.aligned else arguments.detector,
        "device": arguments.device,
        "dtype": arguments.dtype,
        "pictures": [
            {
                "source": str(job.source),
                "target": str(job.target),
                "outcome": result.outcome.value,
                "result": result.reason,
                "notes": result.notes,
                **result.details,
            }
            for job, result in tally.records
        ],
        "left_aside": [str(path) for path in tally.aside],
    }
