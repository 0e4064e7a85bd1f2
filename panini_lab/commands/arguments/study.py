"""What `panini study` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from panini_core.cli.options import add_device_argument, add_model_arguments, positive_integer

from ...options import FUSION_SEEDS, FUSION_STEPS, STUDY_NAMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        choices=STUDY_NAMES,
        help="degradation: whether the degradation representation tells degradations apart, and "
        "people not; alpha: how it answers to severity; fusion: small networks trained with and "
        "without DAFI (takes an hour); editing: sheets of edited restorations; "
        "film: how steady a restored face is from frame to frame; curve: the log of a training run "
        "as charts",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="FOLDER",
        help="where WHAT.json and the pictures go",
    )
    parser.add_argument(
        "--faces",
        nargs="+",
        default=[],
        metavar="SOURCE",
        help="folders or tar files with clean faces, aligned as FFHQ's, each of another person, "
        "that no network was trained on (editing does without, film has "
        "the sample photograph)",
    )
    parser.add_argument(
        "--limit",
        type=positive_integer,
        metavar="N",
        help="use so many faces (default: all)",
    )
    parser.add_argument(
        "--training-faces",
        nargs="+",
        default=[],
        metavar="SOURCE",
        help="fusion: folders or tar files with the faces to train on",
    )
    parser.add_argument(
        "--steps",
        type=positive_integer,
        default=FUSION_STEPS,
        metavar="N",
        help="fusion: steps of each training (default: %(default)s)",
    )
    parser.add_argument(
        "--seeds",
        type=positive_integer,
        default=FUSION_SEEDS,
        metavar="N",
        help="fusion: trainings of each network (default: %(default)s)",
    )
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="curve: the log.jsonl of a training run"
    )
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    add_device_argument(parser)
    add_model_arguments(parser)
