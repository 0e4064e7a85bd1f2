"""What `panini doctor` takes."""

from __future__ import annotations

import argparse

from ..options import add_device_argument, add_model_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_device_argument(parser)
    add_model_arguments(parser, others=True)
