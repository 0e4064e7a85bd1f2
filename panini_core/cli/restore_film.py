"""One film restored, for `panini restore`."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from ..checkpoints.detector import BUNDLED_DETECTOR
from ..film import FilmReport, parts_folder, restore_film
from ..models.face_detector import FaceDetector
from ..models.face_parser import FaceParser
from ..models.face_restorer import FaceRestorer
from ..models.image_upscaler import ImageUpscaler
from ..options import FilmOptions, RestoreOptions
from .batch import Outcome, Result, count
from .console import Progress
from .inputs import Job
from .report import say_left_alone


def can_go_on(job: Job) -> bool:
    """Whether an earlier run left parts of the film."""
    return os.path.isdir(parts_folder(job.target))  # which takes a name of any length


def name_network(file: str | Path | None) -> str:
    """What tells a network apart from others: its file's name, size and time; nothing, where there
    is none. A bundled one has its name alone, since updates write its file anew."""
    if file is None:
        return ""
    path = Path(file)
    if path == BUNDLED_DETECTOR:
        return "bundled"
    status = path.stat()
    return f"{path.name} {status.st_size} {status.st_mtime_ns}"


@dataclasses.dataclass(frozen=True)
class FilmRestorer:
    """Restores one film; the work of `run_jobs`."""

    model: FaceRestorer
    upscaler: ImageUpscaler | None
    detector: FaceDetector | None
    parser: FaceParser | None
    options: RestoreOptions
    film_options: FilmOptions
    model_name: str
    detector_name: str
    parser_name: str
    resume: bool
    overwrite: bool

    def __call__(self, job: Job) -> Result:
        if self.detector is None:
            raise ValueError("A film is no aligned face: leave --aligned out.")
        with Progress("frame") as progress:
            report = restore_film(
                self.detector,
                self.model,
                job.source,
                job.target,
                self.options,
                self.film_options,
                parser=self.parser,
                upscaler=self.upscaler,
                resume=self.resume,
                overwrite=self.overwrite,
                model_name=self.model_name,
                detector_name=self.detector_name,
                parser_name=self.parser_name,
                on_image=lambda done, total: progress.show(done, total, job.source.name),
            )
        found = count(report.restored, "face")
        text = (
            f"{found} of {count(len(report.tracks), 'track')} in {count(report.frames, 'frame')}."
        )
        outcome = Outcome.DONE if report.restored else Outcome.NOTHING_TO_DO
        if not report.restored:
            text = f"No face was restored in the {count(report.frames, 'frame')} of the film."
        notes = (*report.notes, *say_left_alone(report.left_alone))
        return Result(outcome, report.restored, text, notes, _describe(job, report))


def _describe(job: Job, report: FilmReport) -> dict[str, object]:
    return {
        "source": str(job.source),
        "frames": report.frames,
        "resumed": report.resumed,
        "restored_faces": report.restored,
        "filled_faces": report.filled,
        "left_alone_faces": report.left_alone,
        "tracks": len(report.tracks),
        "faces": [
            {"number": number, "first_frame": seen.first, "last_frame": seen.last}
            for number, seen in sorted(report.faces.items())
        ],
        "seconds": round(report.seconds, 2),
    }
