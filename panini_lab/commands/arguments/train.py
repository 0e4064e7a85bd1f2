"""What `panini train` takes."""

from __future__ import annotations

import argparse

from ...options import TRAINING_NAMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        choices=TRAINING_NAMES,
        help="degradation: the degradation encoder (contrastive); inversion: the codes and "
        "features of faces that a GAN prior drew; restorer: the whole network; prior: the GAN "
        "prior by itself, from scratch",
    )
    parser.add_argument(
        "config", metavar="CONFIG", help="a TOML file, or the name of one that comes along"
    )
    parser.add_argument(
        "--set",
        action="extend",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="change entries of the configuration, such as run.output=runs/first run.steps=2000",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the state in the run's folder"
    )
