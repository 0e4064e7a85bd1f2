"""`panini chain`: the three trainings with a real GAN prior in turn, for a number of minutes."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from panini_core.checkpoints import find_weights
from panini_core.cli.console import EXIT_DONE, UsageError, say

from ..metrics.backbones import IDENTITY_FILE, VGG_FILE, MetricUnavailable, find_backbone
from ..training.chain import PROGRESS_FILE, ChainConfig, run_chain


def run(arguments: argparse.Namespace) -> int:
    if (arguments.output / PROGRESS_FILE).is_file() and arguments.resume is None:
        raise UsageError(
            f"{arguments.output} holds an earlier chain. Go on with --resume {arguments.output}, "
            "or name another --output."
        )
    try:
        vgg = find_backbone(VGG_FILE, arguments.backbones)
        identity = find_backbone(IDENTITY_FILE, arguments.backbones)
    except MetricUnavailable as reason:
        raise UsageError(f"The losses need a network: {reason}") from reason
    with tempfile.TemporaryDirectory() as temporary:
        config = ChainConfig(
            output=arguments.output,
            work=arguments.work or Path(temporary),
            minutes=arguments.minutes,
            prior=arguments.prior,
            encoder=arguments.encoder or find_weights("compact"),
            vgg=vgg,
            identity=identity,
            resume=arguments.resume,
            start=arguments.start,
            device=arguments.device,
            overrides=tuple(arguments.overrides),
        )
        run_chain(config)
    say(f"Trained: the parts in {arguments.output}; go on with --resume {arguments.output}")
    return EXIT_DONE
