"""`panini detect INPUT… -o OUTPUT`: where the faces are, as numbers and as a picture."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

from ..drawing.faces import draw_faces
from ..images import read_image, save_image, write_file
from ..models.transfer import to_device
from ..stages.detect import detect_faces
from ..stages.selection import sort_faces
from .batch import Outcome, Result, Tally, run_jobs
from .inputs import Job, find_others, find_sources, require_folder, settle_clashes, sidecar
from .opening import open_detector
from .report import describe_face, describe_image, note_left_alone


def run(arguments: argparse.Namespace) -> int:
    output: Path = arguments.output
    sources = find_sources(arguments.inputs, output, recursive=arguments.recursive)
    others = find_others(arguments.inputs, output, recursive=arguments.recursive)
    require_folder(output)
    jobs = [
        Job(
            source.path,
            sidecar(output / source.relative, "faces.json"),
            (sidecar(output / source.relative, "faces.png"),),
        )
        for source in sources
    ]
    jobs = settle_clashes(jobs)
    detector = open_detector(arguments)

    def detect(job: Job) -> Result:
        image = read_image(job.source)
        pixels = to_device(image.pixels[None], detector.device)
        faces = detect_faces(
            detector,
            pixels,
            threshold=arguments.threshold,
            min_size=arguments.min_size,
            max_size=arguments.max_size or math.inf,
        )
        height, width = pixels.shape[-2:]
        faces = sort_faces(faces, arguments.sort, height=height, width=width)
        save_image(
            job.extras[0],
            draw_faces(image.pixels, faces, selected=[face.reliable for face in faces]),
        )
        described = describe_image(job.source, image) | {"notes": image.notes}
        described["faces"] = [describe_face(index, face) for index, face in enumerate(faces)]
        write_file(job.target, json.dumps(described, indent=2).encode())
        outcome = Outcome.DONE if faces else Outcome.NOTHING_TO_DO
        notes = image.notes + note_left_alone(described["faces"])
        return Result(outcome, len(faces), "" if faces else "no face was found", notes)

    tally = Tally("Looked at", others)
    run_jobs(
        jobs,
        detect,
        tally,
        output=output,
        force=arguments.force,
        debug=arguments.debug,
    )
    return tally.exit_code
