"""`panini evaluate --degraded DIR --clean DIR`: aligned faces against clean ones, in figures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from torch import Tensor

from ..images import write_file
from ..metrics.evaluation import evaluate_folders
from ..restore import restore_faces
from .aligned import whole_picture_faces
from .console import EXIT_DONE, Progress, say
from .inputs import require_new_file
from .options import add_device_argument, add_model_arguments, choose_device, open_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--degraded", required=True, type=Path, metavar="DIR", help="aligned degraded faces"
    )
    parser.add_argument(
        "--clean", required=True, type=Path, metavar="DIR", help="the same faces, clean"
    )
    parser.add_argument(
        "--restored",
        type=Path,
        metavar="DIR",
        help="the same faces, restored (default: restored now, by --model)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as well")
    parser.add_argument(
        "--backbones",
        type=Path,
        metavar="DIR",
        help="the folder of the networks behind the VGG distance and the identity",
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing --json file")
    add_device_argument(parser)
    add_model_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.json is not None:
        require_new_file(arguments.json, [], force=arguments.force)
    model = open_model(arguments) if arguments.restored is None else None

    def restore(images: Tensor) -> Tensor:
        assert model is not None
        return restore_faces(model, whole_picture_faces(images)).crops

    with Progress("pair") as progress:
        report = evaluate_folders(
            arguments.degraded,
            arguments.clean,
            arguments.restored,
            restore=restore if model is not None else None,
            backbones=arguments.backbones,
            device=choose_device(arguments.device),
            on_progress=progress.show,
        )
    say(report.to_text())
    if arguments.json is not None:
        write_file(arguments.json, json.dumps(report.to_dict(), indent=2).encode())
        say(f"Figures of every picture: {arguments.json}")
    return EXIT_DONE
