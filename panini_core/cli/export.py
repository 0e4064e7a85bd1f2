"""`panini export OUT.onnx`: the network for applications outside Python."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from ..checkpoints import load_panini
from ..onnx_export import export_onnx
from .console import EXIT_DONE, UsageError, say
from .inputs import require_new_file
from .options import add_checkpoint_argument

SUFFIX = ".onnx"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="OUT", type=Path, help=f"a name that ends in {SUFFIX}")
    add_checkpoint_argument(parser)
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")


def run(arguments: argparse.Namespace) -> int:
    target: Path = arguments.target
    if target.suffix.lower() != SUFFIX:
        raise UsageError(f"{target}: expected a name that ends in {SUFFIX}.")
    sources = [] if arguments.model is None else [Path(arguments.model)]
    require_new_file(target, sources, force=arguments.force)
    export_onnx(target, load_panini(arguments.model, dtype=torch.float32))
    say(
        f"Exported {sources[0] if sources else 'the default weights'} -> {target} "
        f"({target.stat().st_size / 1e6:.1f} MB)"
    )
    return EXIT_DONE
