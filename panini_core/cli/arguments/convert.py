"""What `panini convert` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...options import CHECKPOINT_SUFFIX, PRECISIONS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="IN",
        type=Path,
        help="an official .pth file or one of ours; or mobilefacenet.onnx, with which the "
        "laboratory measures identity",
    )
    parser.add_argument(
        "target", metavar="OUT", type=Path, help=f"a name that ends in {CHECKPOINT_SUFFIX}"
    )
    parser.add_argument(
        "--dtype",
        choices=PRECISIONS,
        default="fp32",
        help="precision of the stored numbers; fp16 halves the file (default: %(default)s)",
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
