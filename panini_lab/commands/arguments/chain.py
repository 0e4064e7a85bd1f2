"""What `panini chain` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from panini_core.cli.options import positive_number

from ...options import STEP_NAMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--minutes", required=True, type=positive_number, help="how long to train altogether"
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="DIR",
        help="where the network's parts, logs and sheets go; saved every two minutes",
    )
    parser.add_argument(
        "--prior", required=True, type=Path, metavar="FILE", help="the GAN prior of `panini prior`"
    )
    parser.add_argument(
        "--encoder",
        type=Path,
        metavar="FILE",
        help="a network whose encoders are taken at first (default: compact)",
    )
    parser.add_argument(
        "--backbones",
        type=Path,
        metavar="DIR",
        help="the folder of the networks behind the perceptual and the identity loss",
    )
    parser.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on from the parts of an earlier chain"
    )
    parser.add_argument(
        "--start",
        choices=STEP_NAMES,
        default="",
        help="the step to begin with (default: where the earlier chain stood, or the first)",
    )
    parser.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="where the large states of the runs go (default: a temporary folder)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument(
        "--set",
        action="extend",
        nargs="+",
        default=[],
        metavar="[STEP:]KEY=VALUE",
        dest="overrides",
        help="change entries of all steps' configurations, or of one step's",
    )
