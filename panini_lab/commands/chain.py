"""`panini chain`: the three trainings with a real GAN prior in turn, for a number of minutes."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from panini_core.checkpoints import DEFAULT_WEIGHTS
from panini_core.cli.console import EXIT_DONE, UsageError, say
from panini_core.cli.options import positive_number

from ..metrics.backbones import IDENTITY_FILE, VGG_FILE, MetricUnavailable, find_backbone
from ..training.chain import PROGRESS_FILE, STEP_NAMES, ChainConfig, run_chain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--minutes", required=True, type=positive_number, help="how long to train altogether"
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="DIR",
        help="where the network's parts, logs and sheets go; saved every two minutes",
    )
    parser.add_argument(
        "--prior", required=True, type=Path, metavar="FILE", help="the GAN prior of `panini prior`"
    )
    parser.add_argument(
        "--encoder",
        type=Path,
        default=DEFAULT_WEIGHTS,
        metavar="FILE",
        help="a network whose encoders are taken at first (default: the default weights)",
    )
    parser.add_argument(
        "--backbones",
        type=Path,
        metavar="DIR",
        help="the folder of the networks behind the perceptual and the identity loss",
    )
    parser.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on from the parts of an earlier chain"
    )
    parser.add_argument(
        "--start",
        choices=STEP_NAMES,
        default="",
        help="the step to begin with (default: where the earlier chain stood, or the first)",
    )
    parser.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="where the large states of the runs go (default: a temporary folder)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument(
        "--set",
        action="extend",
        nargs="+",
        default=[],
        metavar="[STEP:]KEY=VALUE",
        dest="overrides",
        help="change entries of all steps' configurations, or of one step's",
    )


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
            encoder=arguments.encoder,
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
