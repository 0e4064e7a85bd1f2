"""`panini study WHAT --output FOLDER`: how the mechanism behaves, in figures, charts and sheets."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from panini_core.atlas import load_atlas
from panini_core.checkpoints.detector import load_detector
from panini_core.cli.console import EXIT_DONE, Progress, UsageError, say, usage_errors
from panini_core.cli.inputs import make_folder, require_new_file
from panini_core.cli.opening import open_device, open_model
from panini_core.degrading.degrade import degrade_images
from panini_core.images import save_image, write_file
from panini_core.models.panini import PaniniNet
from panini_core.sample_photo import sample_photo
from panini_core.stages.align import align_faces, whole_picture_faces
from panini_core.stages.detect import detect_faces

from ..studies import charts, reports
from ..studies.curve import read_curves
from ..studies.editing import EDITS, study_editing
from ..studies.flicker import study_flicker
from ..studies.fusion import SMALL, FusionStudy, study_fusion
from ..studies.response import ResponseStudy, study_response
from ..studies.separation import SeparationStudy, study_separation
from ..training.config import DataConfig
from ..training.data import load_faces

EDITED_PRESET = "medium"

Study = TypeVar("Study", SeparationStudy, ResponseStudy, FusionStudy)
# A study's figures, its text, and its pictures
Outcome = tuple[object, str, list[Tensor]]


def run(arguments: argparse.Namespace) -> int:
    what: str = arguments.what
    output: Path = arguments.output
    make_folder(output)
    figures = output / f"{what}.json"
    endings = [f"-{edit}.jpg" for edit in EDITS] if what == "editing" else [".png"]
    paths = [output / f"{what}{ending}" for ending in endings]
    for path in (figures, *paths):  # before the work, which may take an hour
        require_new_file(path, [], force=arguments.force)
    study, text, pictures = STUDIES[what](arguments)
    write_file(figures, (json.dumps(study, indent=2, allow_nan=False) + "\n").encode())
    say(f"Figures: {figures}")
    for path, pixels in zip(paths, pictures, strict=True):
        save_image(path, pixels)
        say(f"Picture: {path}")
    say(f"\n{text}")
    return EXIT_DONE


def _study_degradation(arguments: argparse.Namespace) -> Outcome:
    model = open_model(arguments)
    faces = _load(arguments, "faces", model.config.input_size)
    with Progress("face") as progress:
        study = study_separation(model, faces, on_progress=progress.show)
    return _outcome(study, reports.report_separation, charts.chart_separation)


def _study_alpha(arguments: argparse.Namespace) -> Outcome:
    model = open_model(arguments)
    faces = _load(arguments, "faces", model.config.input_size)
    with Progress("face") as progress:
        study = study_response(model, faces, on_progress=progress.show)
    return _outcome(study, reports.report_response, charts.chart_response)


def _study_fusion(arguments: argparse.Namespace) -> Outcome:
    training = _load(arguments, "training_faces", SMALL.input_size)
    held_out = _load(arguments, "faces", SMALL.input_size)
    with Progress("step") as progress:
        study = study_fusion(
            training.to(open_device(arguments)),
            held_out,
            steps=arguments.steps,
            seeds=arguments.seeds,
            on_progress=progress.show,
        )
    return _outcome(study, reports.report_fusion, charts.chart_fusion)


def _study_editing(arguments: argparse.Namespace) -> Outcome:
    model = open_model(arguments)
    atlas = load_atlas(model, arguments.model)
    if atlas is None:
        raise UsageError(
            "This model has no atlas, from which known degradations are taken. Make one with "
            "`panini atlas`, beside the model's file."
        )
    if arguments.faces:
        clean = _load(arguments, "faces", model.config.output_size).float() / 255
    else:
        clean = _sample_face(model, arguments)
    degraded = degrade_images(clean, EDITED_PRESET, seed=1)
    faces = whole_picture_faces(degraded)
    with Progress("setting") as progress:
        study = study_editing(model, atlas, faces, clean, on_progress=progress.show)
    figures = {
        "faces": study.faces,
        "results": [dataclasses.asdict(result) for result in study.results],
    }
    return figures, reports.report_editing(study), [study.sheets[edit] for edit in EDITS]


def _study_film(arguments: argparse.Namespace) -> Outcome:
    model = open_model(arguments)
    with usage_errors():
        detector = load_detector(device=open_device(arguments))
    photograph = sample_photo().to(model.device)
    with Progress("run") as progress:
        study, picture = study_flicker(model, detector, photograph, on_progress=progress.show)
    return dataclasses.asdict(study), reports.report_flicker(study), [picture.cpu()]


def _study_curve(arguments: argparse.Namespace) -> Outcome:
    if arguments.log is None:
        raise UsageError("panini study curve needs --log: the log.jsonl of a training run.")
    with usage_errors():
        curves = read_curves(arguments.log)
        if not curves:
            raise UsageError(f"{arguments.log} is empty: nothing was logged yet.")
    return (
        [dataclasses.asdict(curve) for curve in curves],
        reports.report_curves(curves),
        [charts.chart_curves(curves)],
    )


def _outcome(
    study: Study, report: Callable[[Study], str], chart: Callable[[Study], Tensor]
) -> Outcome:
    return dataclasses.asdict(study), report(study), [chart(study)]


def _load(arguments: argparse.Namespace, name: str, size: int) -> Tensor:
    """(N, 3, size, size) uint8"""
    sources: list[str] = getattr(arguments, name)
    if not sources:
        option = name.replace("_", "-")
        raise UsageError(f"panini study {arguments.what} needs --{option}: folders or tar files.")
    limit = arguments.limit or 0 if name == "faces" else 0
    with usage_errors():
        return load_faces(DataConfig(sources=tuple(sources), image_size=size, limit=limit))


def _sample_face(model: PaniniNet, arguments: argparse.Namespace) -> Tensor:
    """(1, 3, R, R) in [0, 1]: the face of the sample photograph, aligned."""
    photograph = sample_photo()
    with usage_errors():
        detector = load_detector(device=open_device(arguments))
    faces = detect_faces(detector, photograph)
    if len(faces) != 1:
        raise ValueError(
            f"The sample photograph has one face, the detector found {len(faces)}: name --faces."
        )
    return align_faces(photograph, faces, size=model.config.output_size).crops


STUDIES: dict[str, Callable[[argparse.Namespace], Outcome]] = {
    "degradation": _study_degradation,
    "alpha": _study_alpha,
    "fusion": _study_fusion,
    "editing": _study_editing,
    "film": _study_film,
    "curve": _study_curve,
}
