"""`panini calibrate --degraded DIR --clean DIR`: what fidelity does with a model's weights."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from panini_core.checkpoints import find_weights
from panini_core.checkpoints.fidelity_file import fidelity_path, write_fidelity
from panini_core.cli.console import EXIT_DONE, Progress, say, usage_errors
from panini_core.cli.inputs import make_folder, require_new_file
from panini_core.cli.opening import model_of, open_device, open_model
from panini_core.images import read_image

from ..metrics.backbones import IDENTITY_FILE, VGG_FILE, MetricUnavailable, find_backbone
from ..metrics.evaluation import pair_files
from ..metrics.identity import identity_similarity, load_identity_network
from ..metrics.texture import texture_distance
from ..metrics.vgg_distance import load_vgg_features
from ..studies.calibration import Measure, Pair, calibrate_fidelity
from ..studies.reports import report_calibration


def run(arguments: argparse.Namespace) -> int:
    output: Path = arguments.output or fidelity_path(find_weights(model_of(arguments)))
    require_new_file(output, [], force=arguments.force)
    make_folder(output.parent)
    model = open_model(arguments)
    device = open_device(arguments)
    with usage_errors():
        names = pair_files(arguments.degraded, arguments.clean)
    pairs = [
        Pair(*(read_image(path).pixels[None].to(device) for path in paths))
        for paths in names[: arguments.limit]
    ]
    with usage_errors():
        measure = _load_measure(arguments)
    with Progress("face") as progress:
        calibration = calibrate_fidelity(
            model, pairs, measure, search=arguments.search, on_progress=progress.show
        )
    write_fidelity(output, calibration.curve, model, calibration.to_dict())
    say(report_calibration(calibration))
    say(f"\nCurve: {output}")
    return EXIT_DONE


def _load_measure(arguments: argparse.Namespace) -> Measure:
    """Raises ValueError where a network is missing: without both figures nothing is calibrated."""
    device = open_device(arguments)
    try:
        features = load_vgg_features(find_backbone(VGG_FILE, arguments.backbones)).to(device)
        persons = load_identity_network(find_backbone(IDENTITY_FILE, arguments.backbones)).to(
            device
        )
    except MetricUnavailable as reason:
        raise ValueError(f"Calibrating needs texture and identity: {reason}") from reason

    def measure(images: Tensor, clean: Tensor) -> Mapping[str, Tensor]:
        expected = features(clean)
        textures = [texture_distance(features(one), expected) for one in images.split(1)]
        return {
            "texture": torch.cat(textures),
            "identity": identity_similarity(persons, images, clean),
        }

    return measure
