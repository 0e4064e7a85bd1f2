"""What `panini restore` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..options import (
    add_detector_arguments,
    add_format_argument,
    add_input_arguments,
    add_model_arguments,
    add_upscale_model_argument,
)
from ..restore_arguments import add_aligned_argument, add_film_arguments, add_restore_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_input_arguments(parser, films=True)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="OUTPUT",
        help="a folder, where every picture keeps its name and format (formats that are not "
        "written, such as HEIC, become PNG); or a file, for a single picture or film",
    )
    add_format_argument(parser)
    add_aligned_argument(parser)
    add_restore_arguments(parser)
    add_upscale_model_argument(parser)
    _add_extra_arguments(parser)
    add_film_arguments(parser)
    add_detector_arguments(parser)
    add_model_arguments(parser, others=True)


def _add_extra_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--compare",
        action="store_true",
        help="also write NAME.compare.png of each picture: before and after side by side, with "
        "every face enlarged; films have none",
    )
    parser.add_argument(
        "--save-faces",
        action="store_true",
        help="also write NAME.face0.before.png and .after.png of each picture: the network's input "
        "and output; films have none",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.json",
        help="also write what was done to every picture, face and film",
    )
