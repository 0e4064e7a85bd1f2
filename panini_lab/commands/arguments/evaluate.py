"""What `panini evaluate` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from panini_core.cli.options import (
    DEFAULTS,
    add_device_argument,
    add_model_arguments,
    add_tile_argument,
    positive_integer,
    ratio,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--degraded",
        required=True,
        type=Path,
        metavar="DIR",
        help="aligned degraded faces; given those of --clean, it shows what becomes of faces that "
        "need no restoration",
    )
    parser.add_argument(
        "--clean", required=True, type=Path, metavar="DIR", help="the same faces, clean"
    )
    parser.add_argument(
        "--restored",
        type=Path,
        metavar="DIR",
        help="the same faces, restored (default: restored now, by --model)",
    )
    parser.add_argument(
        "--fidelity",
        type=ratio,
        default=DEFAULTS.fidelity,
        metavar="0..1",
        help="with which they are restored: 1 trusts the picture, 0 the generative prior "
        "(default: %(default)s)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as well")
    parser.add_argument(
        "--backbones",
        type=Path,
        metavar="DIR",
        help="the folder of the networks behind the VGG distance, texture and the identity",
    )
    _add_sheet_arguments(parser)
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    add_device_argument(parser)
    add_model_arguments(parser)


def _add_sheet_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sheet",
        type=Path,
        metavar="FILE",
        help="draw the pairs there (.jpg or .png): degraded, restored and clean side by side with "
        "their figures, the worst first by the restored face's VGG distance, or by its PSNR where "
        "that is not measured",
    )
    parser.add_argument(
        "--worst",
        type=positive_integer,
        metavar="N",
        help="on the sheet, show only the worst N pairs (default: as many as fit)",
    )
    add_tile_argument(parser)
