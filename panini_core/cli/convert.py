"""`panini convert IN OUT.safetensors`: one file that tells by itself what it holds."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..checkpoints import convert_checkpoint
from ..compute import DTYPES
from .console import EXIT_DONE, UsageError, say
from .inputs import require_new_file
from .laboratory import MISSING, find_laboratory

SUFFIX = ".safetensors"
LABORATORY_SUFFIX = ".onnx"  # of the face recognition network that measures identity


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="IN",
        type=Path,
        help="an official .pth file or one of ours; or mobilefacenet.onnx, with which the "
        "laboratory measures identity",
    )
    parser.add_argument("target", metavar="OUT", type=Path, help=f"a name that ends in {SUFFIX}")
    parser.add_argument(
        "--dtype",
        choices=list(DTYPES),
        default="fp32",
        help="precision of the stored numbers; fp16 halves the file (default: %(default)s)",
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")


def run(arguments: argparse.Namespace) -> int:
    source: Path = arguments.source
    target: Path = arguments.target
    if target.suffix.lower() != SUFFIX:
        raise UsageError(f"{target}: expected a name that ends in {SUFFIX}.")
    require_new_file(target, [source], force=arguments.force)
    if source.suffix.lower() == LABORATORY_SUFFIX:
        conversion = find_laboratory("conversion")
        if conversion is None:
            raise UsageError(f"{source}: converting {LABORATORY_SUFFIX} files {MISSING}")
        conversion.convert_identity(source, target, dtype=DTYPES[arguments.dtype])
    else:
        convert_checkpoint(source, target, dtype=DTYPES[arguments.dtype])
    say(f"Converted {source} -> {target} ({target.stat().st_size / 1e6:.1f} MB)")
    return EXIT_DONE
