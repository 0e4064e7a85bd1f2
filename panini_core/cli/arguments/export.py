"""What `panini export` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...options import ONNX_SUFFIX
from ..options import add_checkpoint_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", metavar="OUT", type=Path, help=f"a name that ends in {ONNX_SUFFIX}"
    )
    add_checkpoint_argument(parser)
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
