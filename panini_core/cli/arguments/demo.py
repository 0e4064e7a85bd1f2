"""What `panini demo` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..options import add_device_argument, add_model_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("demo-output"),
        metavar="FOLDER",
        help="where the pictures go; an earlier demo's are replaced (default: %(default)s)",
    )
    add_device_argument(parser)
    add_model_arguments(parser, others=True)
