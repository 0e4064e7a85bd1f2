"""`panini export OUT.onnx`: the network for applications outside Python."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from ..checkpoints import load_panini
from ..onnx_export import export_onnx
from ..options import ONNX_SUFFIX
from .console import EXIT_DONE, UsageError, say
from .inputs import require_new_file


def run(arguments: argparse.Namespace) -> int:
    target: Path = arguments.target
    if target.suffix.lower() != ONNX_SUFFIX:
        raise UsageError(f"{target}: expected a name that ends in {ONNX_SUFFIX}.")
    sources = [] if arguments.model is None else [Path(arguments.model)]
    require_new_file(target, sources, force=arguments.force)
    export_onnx(target, load_panini(arguments.model, dtype=torch.float32))
    say(
        f"Exported {sources[0] if sources else 'the default weights'} -> {target} "
        f"({target.stat().st_size / 1e6:.1f} MB)"
    )
    return EXIT_DONE
