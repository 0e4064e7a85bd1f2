"""`panini convert IN OUT.safetensors`: one file that tells by itself what it holds."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..checkpoints import convert_checkpoint
from ..compute import DTYPES
from ..options import CHECKPOINT_SUFFIX, ONNX_SUFFIX
from .console import EXIT_DONE, UsageError, say
from .inputs import require_new_file
from .laboratory import MISSING, find_laboratory


def run(arguments: argparse.Namespace) -> int:
    source: Path = arguments.source
    target: Path = arguments.target
    if target.suffix.lower() != CHECKPOINT_SUFFIX:
        raise UsageError(f"{target}: expected a name that ends in {CHECKPOINT_SUFFIX}.")
    require_new_file(target, [source], force=arguments.force)
    if source.suffix.lower() == ONNX_SUFFIX:  # the network that measures identity
        conversion = find_laboratory("conversion")
        if conversion is None:
            raise UsageError(f"{source}: converting {ONNX_SUFFIX} files {MISSING}")
        conversion.convert_identity(source, target, dtype=DTYPES[arguments.dtype])
    else:
        convert_checkpoint(source, target, dtype=DTYPES[arguments.dtype])
    say(f"Converted {source} -> {target} ({target.stat().st_size / 1e6:.1f} MB)")
    return EXIT_DONE
