"""What `panini prior` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from panini_core.options import CHECKPOINT_SUFFIX

from ...options import GET_PRIOR


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="SOURCE",
        type=Path,
        help=f"the wheel of random-face, or a folder that holds the package ({GET_PRIOR})",
    )
    parser.add_argument(
        "target", metavar="OUT", type=Path, help=f"a name that ends in {CHECKPOINT_SUFFIX}"
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
