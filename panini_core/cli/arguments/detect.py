"""What `panini detect` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..options import add_detector_arguments, add_input_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_input_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="FOLDER",
        help="where NAME.faces.json (boxes and landmarks in px of the upright picture) and "
        "NAME.faces.png (the picture with boxes and numbers) go",
    )
    add_detector_arguments(parser)
