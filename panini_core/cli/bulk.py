"""`panini bulk INPUT… -o OUTPUT`: masses of pictures, on one machine or many."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .batch import count
from .console import EXIT_DONE, EXIT_PROBLEM, UsageError, say, usage_errors
from .console import Progress as Bar
from .opening import model_of, parser_of, upscale_model_of
from .options import suffix_of
from .restore_arguments import read_options

if TYPE_CHECKING:
    from ..bulk import Item, Record

REQUIRED = ("ray", "pyarrow", "fsspec")
LONGEST_TABLE = 20  # reasons, and files of each


def run(arguments: argparse.Namespace) -> int:
    _require_packages()
    from ..bulk import (
        FAILED,
        Choices,
        Folder,
        Manifest,
        check_recipe,
        cluster,
        list_items,
        make_recipe,
        map_on_cluster,
        pending,
        run_bulk,
    )

    suffix = suffix_of(arguments)
    with usage_errors():
        recipe = make_recipe(
            model=model_of(arguments),
            detector=None if arguments.aligned else arguments.detector,
            parser=parser_of(arguments),
            upscaler=upscale_model_of(arguments),
            dtype=arguments.dtype,
            suffix=suffix,
            options=read_options(arguments),
            compiled=arguments.compile,
        )
        output = Folder(arguments.output)
        manifest = Manifest(output)
    with cluster(arguments.address):
        with usage_errors():
            items = list_items(
                arguments.inputs, arguments.output, suffix=suffix, many=map_on_cluster
            )
        left = items if arguments.force else pending(items, manifest, recipe, output)
        if left:
            with usage_errors():
                check_recipe(recipe)
        start = time.perf_counter()
        records: Sequence[Record] = ()
        with Bar("picture") as bar:
            records = run_bulk(
                left,
                output,
                manifest,
                recipe,
                Choices(arguments.workers, arguments.device),
                on_progress=lambda progress: bar.show(
                    progress.done,
                    progress.total,
                    _speed(progress.done, progress.faces, time.perf_counter() - start),
                ),
            )
        say(_summary(items, records, time.perf_counter() - start, arguments.output))
    return EXIT_PROBLEM if any(record.outcome == FAILED for record in records) else EXIT_DONE


def _require_packages() -> None:
    missing = [name for name in REQUIRED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"panini bulk needs {', '.join(missing)}, not installed here: "
            'pip install "panini-face-restoration[bulk]"'
        )


def _speed(pictures: int, faces: int, seconds: float) -> str:
    seconds = max(seconds, 1e-9)
    return f"{pictures / seconds:.3g} pictures/s, {faces / seconds:.3g} faces/s"


def _summary(items: Sequence[Item], records: Sequence[Record], seconds: float, output: str) -> str:
    """What was done, how fast, and a table of what went wrong."""
    from ..bulk import DONE, FAILED, NOTHING_TO_DO, count_reasons, printable

    outcomes = [record.outcome for record in records]
    faces = sum(record.faces for record in records if record.outcome == DONE)
    lines = [
        f"Restored {count(outcomes.count(DONE), 'picture')} -> {printable(output)}",
        f"{count(faces, 'face')}, {_speed(len(records), faces, seconds)}",
    ]
    if nothing := outcomes.count(NOTHING_TO_DO):
        lines.append(f"Without a face to restore: {nothing}")
    if already := len(items) - len(records):
        lines.append(f"Done already: {already} (--force does them again)")
    failed = [record for record in records if record.outcome == FAILED]
    if failed:
        lines.append(f"Failed: {len(failed)}")
        for reason, number in count_reasons(records)[:LONGEST_TABLE]:
            names = [record.source for record in failed if record.reason == reason]
            lines.append(f"  {number} x {reason}")
            lines += [f"      {name}" for name in names[:LONGEST_TABLE]]
            if number > LONGEST_TABLE:
                lines.append(f"      and {number - LONGEST_TABLE} more (see manifest.parquet)")
    return "\n".join(lines)
