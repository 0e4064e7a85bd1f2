"""The three trainings of the network with a real GAN prior in turn, for a number of minutes.

For a large GPU that is at hand for a short time only. Needs no data set: the prior draws all faces.
What was reached is kept as half floats in parts of a size that can be carried away, and a later
chain goes on from them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from panini_core.checkpoints import convert_checkpoint
from panini_core.checkpoints.whole_file import whole_file

from ..options import STEP_NAMES
from .inversion import train_inversion
from .loop import OnResult
from .restorer import train_restorer

PART_SIZE = 15 * 2**20  # bytes
PROGRESS_FILE = "chain.json"
PART_NAME = "panini.safetensors.part"
NETWORK_FILE = "panini.safetensors"

Train = Callable[[str, Sequence[str], OnResult], Path]


@dataclass(frozen=True, slots=True)
class ChainStep:
    """One of the trainings."""

    name: str
    config: str  # a shipped configuration
    train: Train
    share: float  # of the time
    batch: int  # for a GPU of 80 GB


STEPS = (
    ChainStep(STEP_NAMES[0], "mobile-inversion", train_inversion, share=0.45, batch=64),
    ChainStep(STEP_NAMES[1], "mobile-restorer", train_restorer, share=0.25, batch=32),
    ChainStep(STEP_NAMES[2], "mobile-adversary", train_restorer, share=0.3, batch=32),
)


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """What a chain needs."""

    output: Path  # the parts, sheets and logs of each step in its own folder below `work`
    work: Path  # large files of the runs
    minutes: float
    prior: Path  # the file of `panini prior`
    encoder: Path  # a network whose encoders are taken at first: panini_compact
    vgg: Path
    identity: Path
    resume: Path | None = None  # a folder with the parts of an earlier chain
    start: str = ""  # the step to begin with; empty = where the earlier chain stood, or the first
    device: str = "auto"
    overrides: tuple[str, ...] = ()  # of every step's configuration


def run_chain(config: ChainConfig) -> Path:
    """Run the steps that are left, each for its share of the time; returns the joined network.

    Raises ValueError for a step that does not exist, FileNotFoundError for missing parts.
    """
    config.output.mkdir(parents=True, exist_ok=True)
    config.work.mkdir(parents=True, exist_ok=True)
    network: Path | None = None
    start = config.start
    if config.resume is not None:
        network = join_parts(config.resume, config.work / f"resumed-{NETWORK_FILE}")
        progress = json.loads((config.resume / PROGRESS_FILE).read_text(encoding="utf-8"))
        start = start or progress["next"]
    start = start or STEP_NAMES[0]
    if start not in STEP_NAMES:
        raise ValueError(f"A chain starts with one of {', '.join(STEP_NAMES)}, got {start!r}.")
    if network is None and start != STEP_NAMES[0]:
        raise ValueError(f"{start} goes on from an earlier chain: name the folder of its parts.")

    left = STEPS[STEP_NAMES.index(start) :]
    ends = time.monotonic() + 60 * config.minutes
    for index, step in enumerate(left):
        minutes = (ends - time.monotonic()) / 60
        minutes *= step.share / sum(later.share for later in left[index:])
        minutes = max(minutes, 1e-3)  # at least one step of each

        def keep(result: Path, step: ChainStep = step) -> None:
            write_parts(result, config.output, step.name)

        network = step.train(step.config, _overrides(config, step, network, minutes), keep)
        following = STEP_NAMES[min(STEP_NAMES.index(step.name) + 1, len(STEPS) - 1)]
        write_parts(network, config.output, following)
        _keep_reports(config.work / step.name, config.output, step.name)
    assert network is not None
    return network


def _overrides(
    config: ChainConfig, step: ChainStep, network: Path | None, minutes: float
) -> list[str]:
    """The entries of the step's configuration that this chain sets."""
    entries = {
        "run.output": config.work / step.name,
        "run.minutes": minutes,
        "run.batch": step.batch,
        "run.device": config.device,
        "run.checkpoint_every": 10**9,
        "run.checkpoint_minutes": 2.0,
        "run.preview_every": 10**9,
    }
    if network is not None:
        entries["initial_model"] = network
    if step.name == STEP_NAMES[0]:
        entries["initial_prior"] = config.prior
        if network is None:
            entries["initial_encoder"] = config.encoder
    else:
        entries |= {
            "drawn_share": 1.0,
            "drawing_prior": config.prior,
            "loss.perceptual_weights": config.vgg,
            "loss.identity_weights": config.identity,
        }
    given = [f"{key}={_toml(value)}" for key, value in entries.items()]
    for override in config.overrides:
        name, separator, entry = override.partition(":")
        if not separator or name not in STEP_NAMES:
            given.append(override)  # of every step
        elif name == step.name:
            given.append(entry)
    return given


def _toml(value: object) -> str:
    return json.dumps(value.as_posix() if isinstance(value, Path) else value)


def write_parts(network: Path, folder: Path, following: str) -> None:
    """A network as half floats, in parts that `join_parts` puts together, and the step to go on
    with. The parts of an earlier time are replaced."""
    half = folder / f"{NETWORK_FILE}.half"
    convert_checkpoint(network, half, dtype=torch.float16)
    content = half.read_bytes()
    half.unlink()
    parts = [content[start : start + PART_SIZE] for start in range(0, len(content), PART_SIZE)]
    for number, part in enumerate(parts):
        with whole_file(folder / f"{PART_NAME}{number:02d}") as temporary:
            Path(temporary).write_bytes(part)
    for stale in sorted(folder.glob(f"{PART_NAME}*"))[len(parts) :]:
        stale.unlink()
    progress = {"next": following, "parts": len(parts), "bytes": len(content)}
    with whole_file(folder / PROGRESS_FILE) as temporary:
        Path(temporary).write_text(json.dumps(progress), encoding="utf-8")


def join_parts(folder: Path, target: Path) -> Path:
    """The network of a folder that `write_parts` filled. Raises FileNotFoundError, or ValueError
    if the parts are not whole."""
    progress_file = folder / PROGRESS_FILE
    if not progress_file.is_file():
        raise FileNotFoundError(f"No parts of a chain in {folder}: {PROGRESS_FILE} is missing.")
    progress = json.loads(progress_file.read_text(encoding="utf-8"))
    parts = [folder / f"{PART_NAME}{number:02d}" for number in range(progress["parts"])]
    if missing := [part.name for part in parts if not part.is_file()]:
        raise FileNotFoundError(f"Parts of a chain are missing in {folder}: {', '.join(missing)}.")
    content = b"".join(part.read_bytes() for part in parts)
    if len(content) != progress["bytes"]:
        raise ValueError(
            f"The parts in {folder} have {len(content)} bytes together, not {progress['bytes']}: "
            "they are of different times. Copy the folder again."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(target) as temporary:
        Path(temporary).write_bytes(content)
    return target


def _keep_reports(run: Path, output: Path, name: str) -> None:
    """The log and the last sheet of a step beside the parts."""
    log = run / "log.jsonl"
    if log.is_file():
        (output / f"{name}.jsonl").write_bytes(log.read_bytes())
    if sheets := sorted(run.glob("preview-*.jpg")):
        (output / f"{name}.jpg").write_bytes(sheets[-1].read_bytes())
