"""`panini degrade IN OUT`: makes pictures worse, reproducibly."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

from ..degrading.degrade import degrade_images
from ..images import ImageFile, read_images, write_images
from .batch import Result, Tally, run_jobs
from .inputs import Job, find_others, find_sources, plan_jobs
from .options import suffix_of


def run(arguments: argparse.Namespace) -> int:
    sources = find_sources([arguments.input], arguments.output, recursive=arguments.recursive)
    others = find_others([arguments.input], arguments.output, recursive=arguments.recursive)
    jobs = plan_jobs(sources, arguments.output, suffix=suffix_of(arguments))
    seed_of = {job: arguments.seed + index for index, job in enumerate(jobs)}

    def degrade(job: Job) -> Result:
        notes: dict[str, None] = {}

        def degraded() -> Iterator[ImageFile]:
            for image in read_images(job.source):
                notes.update(dict.fromkeys(image.notes))
                pixels = degrade_images(image.pixels[None], arguments.preset, seed=seed_of[job])[0]
                # Not in the coding of its own JPEG file, which would degrade it once more.
                yield replace(image.with_pixels(pixels), source=None)

        write_images(job.target, degraded())
        return Result(notes=tuple(notes))

    tally = Tally("Degraded", others)
    run_jobs(
        jobs,
        degrade,
        tally,
        output=arguments.output,
        force=arguments.force,
        debug=arguments.debug,
    )
    return tally.exit_code
