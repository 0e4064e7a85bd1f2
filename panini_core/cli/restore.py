"""`panini restore INPUT… -o OUTPUT`: degraded photographs and films in, restored ones out."""

from __future__ import annotations

import argparse
import dataclasses
import glob
import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ..checkpoints.detector import find_detector
from ..drawing.faces import comparison_sheet
from ..faces import RestoredFaces
from ..images import (
    ImageFile,
    Place,
    check_writable,
    encode_file,
    lost_on_writing,
    read_images,
    save_image,
    write_file,
    write_image,
)
from ..models.face_detector import FaceDetector
from ..models.face_parser import FaceParser
from ..models.face_restorer import FaceRestorer
from ..models.image_upscaler import ImageUpscaler
from ..options import RestoreOptions
from ..pipeline import ImageReport
from ..stages.grouping import face_numbers
from .batch import Outcome, Result, Tally, run_jobs
from .console import usage_errors
from .inputs import (
    Job,
    find_others,
    find_sources,
    is_film,
    keeps_format,
    make_folder,
    plan_jobs,
    require_new_file,
    settle_clashes,
    sidecar,
)
from .opening import (
    model_of,
    open_detector,
    open_parser,
    open_restorer,
    open_upscaler,
    parser_of,
)
from .options import suffix_of
from .report import describe_face, describe_image, note_left_alone
from .restore_arguments import read_film_options, read_options
from .restore_film import FilmRestorer, can_go_on, name_network
from .restore_picture import restore_picture


def run(arguments: argparse.Namespace) -> int:
    with usage_errors():
        options = read_options(arguments)
        film_options = read_film_options(arguments, options)
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
    upscaler = open_upscaler(arguments)
    restorer = _Restorer(
        open_restorer(arguments, options),
        upscaler,
        None if arguments.aligned else open_detector(arguments),
        open_parser(arguments),
        options,
        compare=arguments.compare,
        save_faces=arguments.save_faces,
    )
    films = FilmRestorer(
        restorer.model,
        restorer.upscaler,
        restorer.detector,
        restorer.parser,
        *film_options,
        model_name=f"{model_of(arguments)} {arguments.dtype} {arguments.upscale_model}",
        detector_name="" if arguments.aligned else name_network(find_detector(arguments.detector)),
        parser_name=name_network(parser_of(arguments)),
        resume=arguments.resume,
        overwrite=arguments.force,
    )

    def restore(job: Job) -> Result:
        return films(job) if is_film(job.source) else restorer(job)

    tally = Tally("Restored", others)
    try:
        run_jobs(jobs, restore, tally, output=output, force=arguments.force, debug=arguments.debug)
    finally:  # also on Ctrl-C
        if report is not None:
            write_file(report, json.dumps(_report(tally, options, arguments), indent=2).encode())
    return tally.exit_code


def _with_extras(job: Job, arguments: argparse.Namespace) -> Job:
    """The job with the further results that it would overwrite."""
    if is_film(job.source):
        return dataclasses.replace(job, goes_on=arguments.resume and can_go_on(job))
    extras: list[Path] = []
    if arguments.compare:
        extras += [_comparison(job, None), *_existing(job, "picture*.compare.png")]
    if arguments.save_faces:
        extras += _existing(job, "face*.png") + _existing(job, "picture*.face*.png")
    return dataclasses.replace(job, extras=tuple(extras))


def _existing(job: Job, pattern: str) -> list[Path]:
    """The extra files of an earlier run whose endings match."""
    name = sidecar(job.target, "").name
    return list(job.target.parent.glob(glob.escape(name) + pattern))


def _comparison(job: Job, place: Place | None) -> Path:
    return sidecar(job.target, f"{_of_picture(place)}compare.png")


def _of_picture(place: Place | None) -> str:
    """The part of an extra file's name that tells the pictures of one file apart."""
    return "" if place is None else f"picture{place.index}."


@dataclasses.dataclass(frozen=True)
class _Restorer:
    """Restores one picture; the work of `run_jobs`."""

    model: FaceRestorer
    upscaler: ImageUpscaler | None
    detector: FaceDetector | None  # None: the pictures are aligned faces
    parser: FaceParser | None
    options: RestoreOptions
    compare: bool
    save_faces: bool

    @property
    def keeps_backgrounds(self) -> bool:
        """Whether pictures stay as they are where no face is restored."""
        return self.options.upscale == 1 and self.upscaler is None

    def __call__(self, job: Job) -> Result:
        pictures = read_images(job.source)
        first = next(pictures)
        check_writable(job.target, first)  # before the work, not after it
        if first.place is not None:
            return self._restore_several(job, chain([first], pictures))
        after, report = self._restore(job, first)
        numbers = [index for index, done in enumerate(report.selected) if done]
        unchanged = not numbers and self.keeps_backgrounds
        if unchanged and keeps_format(job):
            write_file(job.target, job.source.read_bytes())
        else:
            write_image(job.target, after)
        details = describe_image(job.source, first) | {"faces": _describe(report)}
        notes = _notes(job, first, first.notes)
        if numbers:
            notes += note_left_alone(details["faces"])
            return Result(Outcome.DONE, len(numbers), report.note, notes, details)
        return Result(Outcome.NOTHING_TO_DO, 0, self._other(report.note), notes, details)

    def _restore_several(self, job: Job, pictures: Iterator[ImageFile]) -> Result:
        """The pages of a TIFF, the frames of an animation: each by itself."""
        details: dict[str, Any] = {}
        faces: list[dict[str, Any]] = []
        notes: dict[str, None] = {}
        count = 0
        last: ImageFile | None = None

        def restored() -> Iterator[ImageFile]:
            nonlocal count, last
            for last in pictures:
                notes.update(dict.fromkeys(last.notes))
                after, report = self._restore(job, last)
                details.update({} if details else describe_image(job.source, last))
                faces.extend({"picture": count} | face for face in _describe(report))
                count += 1
                yield after

        data = encode_file(job.target, restored())
        done = [face["picture"] for face in faces if face["restored"]]
        unchanged = not done and self.keeps_backgrounds
        keep = unchanged and keeps_format(job)
        write_file(job.target, job.source.read_bytes() if keep else data)
        details |= {"pictures": count, "faces": faces}
        said = _notes(job, last, notes) if last is not None else ()
        said += note_left_alone(faces)
        text = f"Faces were restored in {len(set(done))} of {count} pictures of the file."
        if done:
            return Result(Outcome.DONE, len(done), text, said, details)
        text = f"No face was restored in the {count} pictures of the file."
        return Result(Outcome.NOTHING_TO_DO, 0, self._other(text), said, details)

    def _other(self, note: str) -> str:
        """What was done to a picture without a restored face."""
        if self.upscaler is not None:
            return f"{note} It was drawn by the upscale model."
        return f"{note} It was {'copied' if self.keeps_backgrounds else 'enlarged'} as it is."

    def _restore(self, job: Job, image: ImageFile) -> tuple[ImageFile, ImageReport]:
        """A picture with its faces restored, and what was done; writes the extra files."""
        result, restored, report = restore_picture(
            self.model,
            self.detector,
            image.pixels,
            self.options,
            upscaler=self.upscaler,
            keep_faces=self.save_faces,
            parser=self.parser,
        )
        after = image.with_pixels(result)
        shown = {
            number: face
            for number, (face, done) in enumerate(zip(report.found, report.selected, strict=True))
            if done
        }
        if self.compare and shown:
            sheet = comparison_sheet(image.pixels, after.pixels, shown)
            save_image(_comparison(job, image.place), sheet)
        if self.save_faces and restored is not None:
            _write_faces(job, image.place, restored)
        return after, report


def _describe(report: ImageReport) -> list[dict[str, Any]]:
    return [
        describe_face(index, face) | {"restored": done}
        for index, (face, done) in enumerate(zip(report.found, report.selected, strict=True))
    ]


def _notes(job: Job, image: ImageFile, said: Iterable[str]) -> tuple[str, ...]:
    notes = [*said]
    if not keeps_format(job):
        name = f" ({job.target.name})" if job.target.stem != job.source.stem else ""
        notes.append(f"{image.format} was written as {job.target.suffix[1:].upper()}{name}")
        if lost := lost_on_writing(job.target, image):
            notes.append(f"not kept, since that format has no place for it: {', '.join(lost)}")
    return tuple(notes)


def _write_faces(job: Job, place: Place | None, restored: RestoredFaces) -> None:
    for row, number in enumerate(face_numbers(restored.face_set.faces)):
        for name, crops in (("before", restored.face_set.crops), ("after", restored.crops)):
            path = sidecar(job.target, f"{_of_picture(place)}face{number}.{name}.png")
            save_image(path, crops[row])


def _report(tally: Tally, options: RestoreOptions, arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "options": dataclasses.asdict(options),
        "model": model_of(arguments),
        "upscale_model": arguments.upscale_model,
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
