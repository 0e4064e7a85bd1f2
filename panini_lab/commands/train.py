"""`panini train WHAT CONFIG`: the training runs. Several GPUs: torchrun -m panini_core train …"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from panini_core.cli.console import EXIT_DONE, UsageError, say, usage_errors

from ..training.config import (
    InversionConfig,
    PriorConfig,
    RestorerConfig,
    UdrlConfig,
    load_config,
)
from ..training.inversion import train_inversion
from ..training.prior import train_prior
from ..training.restorer import train_restorer
from ..training.session import STATE_FILE
from ..training.udrl import train_degradation

Training = Callable[[str | Path, Sequence[str]], Path]
TRAININGS: dict[str, tuple[type[Any], Training]] = {
    "degradation": (UdrlConfig, train_degradation),
    "inversion": (InversionConfig, train_inversion),
    "restorer": (RestorerConfig, train_restorer),
    "prior": (PriorConfig, train_prior),
}


def run(arguments: argparse.Namespace) -> int:
    kind, train = TRAININGS[arguments.what]
    with usage_errors():
        config = load_config(arguments.config, kind, arguments.overrides)
    state = Path(config.run.output) / STATE_FILE
    if arguments.resume and not state.is_file():
        raise UsageError(f"--resume: there is no {state}. Set run.output to the run's folder.")
    if state.is_file() and not arguments.resume:
        raise UsageError(
            f"{state} holds an earlier run. Go on with --resume, or set another run.output."
        )
    result = train(arguments.config, arguments.overrides)
    say(f"Trained: {result}")
    return EXIT_DONE
