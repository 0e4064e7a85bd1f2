"""What `panini sheet` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..options import (
    add_detector_arguments,
    add_input_arguments,
    add_model_arguments,
    add_tile_argument,
    add_upscale_model_argument,
)
from ..restore_arguments import add_aligned_argument, add_restore_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_input_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="FILE",
        help="the sheet (.jpg or .png): every face before and after, with its picture's name, its "
        "number as panini detect shows it, its size and how it is degraded",
    )
    add_tile_argument(parser)
    add_aligned_argument(parser)
    add_restore_arguments(parser)
    add_upscale_model_argument(parser)
    add_detector_arguments(parser)
    add_model_arguments(parser, others=True)
