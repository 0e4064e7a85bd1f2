"""What `panini degrade` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...degrading.ranges import PRESETS
from ..options import add_format_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", metavar="IN", help="a picture, a folder or a quoted pattern")
    parser.add_argument(
        "output", metavar="OUT", type=Path, help="a folder, or a file for a single picture"
    )
    parser.add_argument(
        "--preset",
        choices=list(PRESETS),
        default="medium",
        help="the ranges that blur, scale, noise and JPEG are drawn from (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="the first picture's seed; the next has N + 1, and so on (default: %(default)s)",
    )
    add_format_argument(parser)
    parser.add_argument("--recursive", action="store_true", help="sub-folders of a folder too")
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
