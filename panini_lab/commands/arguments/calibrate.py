"""What `panini calibrate` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from panini_core.cli.options import add_device_argument, add_model_arguments, positive_integer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--degraded", required=True, type=Path, metavar="DIR", help="aligned degraded faces"
    )
    parser.add_argument(
        "--clean", required=True, type=Path, metavar="DIR", help="the same faces, clean"
    )
    parser.add_argument(
        "--backbones",
        type=Path,
        metavar="DIR",
        help="the folder of the networks behind texture and identity",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE.json",
        help="where the curve goes (default: beside the model, where load_panini looks for it)",
    )
    parser.add_argument(
        "--limit", type=positive_integer, metavar="N", help="use so many pairs (default: all)"
    )
    parser.add_argument(
        "--search",
        type=positive_integer,
        metavar="N",
        help="find the ends of the curve by so many of them (default: all)",
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
    add_device_argument(parser)
    add_model_arguments(parser)
