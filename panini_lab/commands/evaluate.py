"""`panini evaluate --degraded DIR --clean DIR`: aligned faces against clean ones, in figures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from torch import Tensor

from panini_core.cli.console import EXIT_DONE, Progress, say
from panini_core.cli.inputs import make_folder, require_new_file
from panini_core.cli.opening import open_device, open_model
from panini_core.cli.sheet_file import require_sheet
from panini_core.images import save_image, write_file
from panini_core.stages.align import whole_picture_faces
from panini_core.stages.restore import restore_faces

from ..metrics.evaluation import evaluate_folders
from ..metrics.pair_sheet import PairSheet


def _require_results(arguments: argparse.Namespace) -> None:
    """Raises UsageError where a result may not be written."""
    folders: list[Path | None] = [arguments.degraded, arguments.clean, arguments.restored]
    inputs = [file for folder in folders if folder and folder.is_dir() for file in folder.iterdir()]
    if arguments.json is not None:
        require_new_file(arguments.json, inputs, force=arguments.force)
        make_folder(arguments.json.parent)
        inputs.append(arguments.json)
    if arguments.sheet is not None:
        require_sheet(arguments.sheet, inputs, force=arguments.force)


def run(arguments: argparse.Namespace) -> int:
    _require_results(arguments)
    sheet = PairSheet(tile=arguments.tile, worst=arguments.worst)
    model = open_model(arguments) if arguments.restored is None else None

    def restore(images: Tensor) -> Tensor:
        assert model is not None
        faces = whole_picture_faces(images)
        return restore_faces(model, faces, fidelity=arguments.fidelity).crops

    with Progress("pair") as progress:
        report = evaluate_folders(
            arguments.degraded,
            arguments.clean,
            arguments.restored,
            restore=restore if model is not None else None,
            backbones=arguments.backbones,
            device=open_device(arguments),
            on_progress=progress.show,
            on_pair=None if arguments.sheet is None else sheet.add,
        )
    say(report.to_text())
    if arguments.json is not None:
        write_file(arguments.json, json.dumps(report.to_dict(), indent=2).encode())
        say(f"Figures of every picture: {arguments.json}")
    if arguments.sheet is not None:
        pixels, title = sheet.finish()
        save_image(arguments.sheet, pixels)
        say(f"Sheet: {arguments.sheet} ({title})")
    return EXIT_DONE
