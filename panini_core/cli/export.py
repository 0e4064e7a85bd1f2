"""`panini export OUT.onnx`: the network for applications outside Python."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from ..checkpoints import default_network, find_weights, load_panini
from ..onnx_export import export_onnx
from ..options import ONNX_SUFFIX
from .console import EXIT_DONE, UsageError, say
from .inputs import require_new_file


def run(arguments: argparse.Namespace) -> int:
    target: Path = arguments.target
    if target.suffix.lower() != ONNX_SUFFIX:
        raise UsageError(f"{target}: expected a name that ends in {ONNX_SUFFIX}.")
    source: str = arguments.model or default_network()
    require_new_file(target, [find_weights(source)], force=arguments.force)
    export_onnx(target, load_panini(source, dtype=torch.float32))
    say(f"Exported {source} -> {target} ({target.stat().st_size / 1e6:.1f} MB)")
    return EXIT_DONE
