"""`panini prior SOURCE OUT.safetensors`: the public GAN prior, from its package to our file."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from panini_core.checkpoints.writing import write_tensors
from panini_core.cli.console import EXIT_DONE, UsageError, say
from panini_core.cli.inputs import require_new_file
from panini_core.options import CHECKPOINT_SUFFIX

from ..training.openvino_prior import PUBLISHED, read_openvino_prior

METADATA = {
    "format": "pt",
    "source": (
        "MobileStyleGAN (arXiv 2104.04767), distilled from StyleGAN2 FFHQ config-f; the OpenVINO "
        "networks of the PyPI package random-face, with arrays renamed and modulation scales "
        "multiplied in"
    ),
    "licence": (
        "The package random-face is under the Apache License 2.0. The network that was distilled "
        "was trained by NVIDIA on FFHQ under non-commercial terms: for research and personal use."
    ),
    "mean_latent": "mean of 4096 mapped codes, numpy's PCG64 with the seed 0",
}


def run(arguments: argparse.Namespace) -> int:
    source: Path = arguments.source
    target: Path = arguments.target
    if target.suffix.lower() != CHECKPOINT_SUFFIX:
        raise UsageError(f"{target}: expected a name that ends in {CHECKPOINT_SUFFIX}.")
    require_new_file(target, [source], force=arguments.force)
    prior = read_openvino_prior(source, sizes=PUBLISHED)
    tensors = {name: torch.from_numpy(array) for name, array in prior.arrays.items()}
    hashes = {f"sha256 of {name}": value for name, value in prior.hashes.items()}
    write_tensors(target, tensors, METADATA | hashes)
    say(f"Read {source} -> {target} ({target.stat().st_size / 1e6:.1f} MB)")
    say(METADATA["licence"])
    return EXIT_DONE
