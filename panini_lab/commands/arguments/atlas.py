"""What `panini atlas` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from panini_core.cli.options import add_device_argument, add_model_arguments, positive_integer
from panini_core.options import ATLAS_SUFFIX

from ...options import ATLAS_SEED, KEPT_PER_CLASS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--faces",
        nargs="+",
        required=True,
        metavar="SOURCE",
        help="folders or tar files with clean faces, aligned as FFHQ's",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="FILE",
        help=f"a name that ends in {ATLAS_SUFFIX}; it is found beside the model under the model's "
        "name",
    )
    parser.add_argument(
        "--limit",
        type=positive_integer,
        default=256,
        metavar="N",
        help=f"use so many faces; {KEPT_PER_CLASS} of them are stored, more make distances more "
        "meaningful (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=ATLAS_SEED,
        metavar="N",
        help="of the degradations that are drawn (default: %(default)s)",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the map as a picture there")
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    add_device_argument(parser)
    add_model_arguments(parser)
