"""What `panini bulk` takes."""

from __future__ import annotations

import argparse

from ..options import (
    add_detector_arguments,
    add_format_argument,
    add_model_arguments,
    add_upscale_model_argument,
    positive_integer,
)
from ..restore_arguments import add_aligned_argument, add_restore_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="folders (with their sub-folders), pictures, tar files, Parquet lists with a column "
        "path or bytes, or quoted patterns of these; local, or addresses such as s3://bucket/faces",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUTPUT",
        help="a folder or address, where every picture keeps its name and format; what it holds "
        "already of this model and these options is not done again",
    )
    parser.add_argument("--force", action="store_true", help="do everything again")
    parser.add_argument(
        "--workers",
        type=positive_integer,
        metavar="N",
        help="processes that restore, each with a model (default: one a GPU; without one, one)",
    )
    parser.add_argument(
        "--address",
        metavar="HOST:PORT",
        help="a Ray cluster to run on, or auto for the one that this machine belongs to (default: "
        "this machine alone)",
    )
    add_format_argument(parser)
    add_aligned_argument(parser)
    add_restore_arguments(parser)
    add_upscale_model_argument(parser)
    add_detector_arguments(parser)
    add_model_arguments(parser, others=True)
