"""What every training run needs: device, processes, schedule, log, state on disk."""

from __future__ import annotations

import json
import logging
import math
import os
import signal
import time
from collections import defaultdict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from panini_core.checkpoints.whole_file import whole_file
from panini_core.compute import choose_device

from .config import DataConfig, RunConfig
from .data import FaceSampler, load_faces

logger = logging.getLogger(__name__)

TIMED_DECAY = 0.4  # of a run that is limited by time, the share in which the rate decays
STATE_FILE = "state.pt"
LOG_FILE = "log.jsonl"


class TrainingSession:
    """One run in one folder, on one process or several (`torchrun`).

    A context manager: inside it SIGTERM and SIGINT ask for a stop after the current step, so that
    the state is saved and the run can be resumed to the step.
    """

    def __init__(self, config: RunConfig) -> None:
        if not config.output:
            raise ValueError("A run needs a folder for its state: set run.output.")
        self.config = config
        self.rank = int(os.environ.get("RANK", "0"))
        self.world_size = int(os.environ.get("WORLD_SIZE", "1"))
        self.device = _device_of_process(config.device)
        self.folder = Path(config.output)
        self.folder.mkdir(parents=True, exist_ok=True)
        if config.minutes and self.world_size > 1:
            raise ValueError("Several processes train for a number of steps: set run.minutes=0.")
        self.stop_requested = False
        self._sums: dict[str, float | Tensor] = defaultdict(float)
        self._counts: dict[str, int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)
        self._started = time.monotonic()
        self._logged_step: int | None = None
        self._begun = self._saved = time.monotonic()
        self._board = _tensorboard(self.folder) if self.is_main else None

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def __enter__(self) -> TrainingSession:
        if self.world_size > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo")
        self._handlers = {s: signal.signal(s, self._stop) for s in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._board is not None:
            self._board.close()
        if self.world_size > 1:
            if error is None:  # a process that leaves while others still write may abort
                dist.barrier()
            dist.destroy_process_group()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.stop_requested:
            raise KeyboardInterrupt
        self.stop_requested = True

    def should_stop(self) -> bool:
        """Whether any process was asked to stop; all processes must call it together."""
        if self.world_size == 1:
            return self.stop_requested or (self.config.minutes > 0 and self._time_left() <= 0)
        flag = torch.tensor(float(self.stop_requested), device=self.device)
        dist.all_reduce(flag)
        return flag.item() > 0

    def should_save(self, step: int) -> bool:
        """Whether the state is due after so many steps."""
        limit = self.config.checkpoint_minutes
        late = limit > 0 and time.monotonic() - self._saved >= 60 * limit
        return late or step % self.config.checkpoint_every == 0

    def _time_left(self) -> float:
        """What is left of `minutes`, from 1 to 0."""
        return 1 - (time.monotonic() - self._begun) / (60 * self.config.minutes)

    # Data, precision, parallelism and schedule

    def sampler(
        self,
        config: DataConfig,
        *,
        bank: Tensor | None = None,
        batch: int | None = None,
        among: Tensor | None = None,
    ) -> FaceSampler:
        """The training faces on this process's device, and its share of every batch.

        bank: the faces, if they were loaded already; batch: of this process, if not the run's;
        among: indices of the faces that are used.
        """
        return FaceSampler(
            load_faces(config, device=self.device) if bank is None else bank,
            config,
            batch=batch or self.config.batch,
            seed=self.config.seed,
            rank=self.rank,
            world_size=self.world_size,
            among=among,
        )

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.bf16)

    def parallel(self, network: nn.Module) -> nn.Module:
        """The network, wrapped for several processes if there are several."""
        if self.world_size == 1:
            return network
        ids = [self.device.index] if self.device.type == "cuda" else None
        # With the adversary alone, or a frozen part, some parameters get no gradient in a step.
        return nn.parallel.DistributedDataParallel(network, ids, find_unused_parameters=True)

    def learning_rate(self, step: int, base: float) -> float:
        """Warm-up, constant, then a decay over the last `decay_steps` steps, or share of time."""
        config = self.config
        rate = base * min(1.0, (step + 1) / max(1, config.warmup_steps))
        share = (config.steps - step) / max(1, config.decay_steps)
        if config.minutes:
            share = self._time_left() / TIMED_DECAY
        if config.decay == "none" or share >= 1:
            return rate
        share = max(0.0, share)
        if config.decay == "cosine":
            share = 0.5 * (1 - math.cos(math.pi * share))
        elif config.decay != "linear":
            raise ValueError(f"run.decay must be cosine, linear or none, got {config.decay!r}.")
        return rate * (config.final_rate + (1 - config.final_rate) * share)

    @staticmethod
    def require_finite(total: Tensor, step: int, losses: Mapping[str, Tensor]) -> None:
        """Raises FloatingPointError, with the losses, before a step would spoil the weights."""
        if not torch.isfinite(total):
            values = ", ".join(f"{name} {loss.item()}" for name, loss in losses.items())
            raise FloatingPointError(
                f"The loss is not finite at step {step}: {values}. Lower the learning rate or "
                "set gradient_clip; the last saved state is untouched."
            )

    # Log

    def record(self, **values: float | Tensor) -> None:
        """Add values to the averages that the next `log` prints."""
        for name, value in values.items():
            # Tensors are summed where they are: reading one would wait for the device.
            self._sums[name] = self._sums[name] + value
            self._counts[name] += 1

    @contextmanager
    def timed(self, section: str) -> Generator[None]:
        """Count the time inside as a section of the steps; the log gives its share.

        On an accelerator, which works behind the program's back, the section waits for it, and so
        runs are timed only where `run.timings` asks for it.
        """
        if not self._timed:
            yield
            return
        started = time.monotonic()
        yield
        self._wait()
        self._seconds[section] += time.monotonic() - started

    @property
    def _timed(self) -> bool:
        return self.device.type == "cpu" or self.config.timings

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()

    def log(self, step: int, **values: float) -> None:
        """Write the averages since the last call, and `values`, to the log and TensorBoard, and to
        Python's logging."""
        averages = {name: float(self._sums[name]) / self._counts[name] for name in self._sums}
        elapsed = max(time.monotonic() - self._started, 1e-9)
        if self._logged_step is not None and step > self._logged_step and averages:
            done = (step - self._logged_step) * self.config.batch * self.world_size
            averages["faces_per_second"] = done / elapsed
            averages |= {f"time_{name}": t / elapsed for name, t in self._seconds.items()}
        for sums in (self._sums, self._counts, self._seconds):
            sums.clear()
        self._started, self._logged_step = time.monotonic(), step
        if not self.is_main:
            return
        line = {"step": step, **averages, **values}
        total = self.config.steps
        figures = "  ".join(f"{k} {v:.4g}" for k, v in line.items() if k != "step")
        logger.info("step %d of %d  %s", step, total, figures)
        with (self.folder / LOG_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({k: _rounded(v) for k, v in line.items()}) + "\n")
        if self._board is not None:
            for name, value in line.items():
                self._board.add_scalar(name, value, step)

    # State

    def save_state(self, state: dict[str, Any]) -> None:
        """Write `state` to the run's folder; a crash leaves the previous one whole."""
        self._saved = time.monotonic()
        if not self.is_main:
            return
        with whole_file(self.folder / STATE_FILE) as temporary:
            torch.save(state, temporary)

    @property
    def has_state(self) -> bool:
        """Whether the run's folder holds a state to go on from."""
        return (self.folder / STATE_FILE).is_file()

    def load_state(self) -> dict[str, Any] | None:
        """The last saved state, tensors on the CPU, or None in a new run."""
        path = self.folder / STATE_FILE
        if not path.is_file():
            return None
        return torch.load(path, map_location="cpu", weights_only=True)


def _device_of_process(name: str) -> torch.device:
    """The device of that name; of several CUDA devices without a number, this process's own."""
    device = choose_device(name)
    if device == torch.device("cuda"):
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return device


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.6g}")


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # optional: the log holds the same numbers
        return None
    return SummaryWriter(str(folder / "tensorboard"))
