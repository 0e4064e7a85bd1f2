"""A bulk run: Ray Data streams pictures through the stages, on as many workers as there are.

Each stage has resources of its own: reading and writing are tasks on CPUs, detection and
restoration workers that hold a network each. Ray holds earlier stages back when later ones are
slow, so that memory does not grow with the number of pictures, and begins work anew that was lost
with a worker.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa
import ray
import torch
from ray.exceptions import RayTaskError

from .attempts import Attempts, Careful
from .items import Item
from .manifest import FAILED, Manifest, Record
from .packing import from_bytes, to_bytes
from .recipe import Recipe
from .sources import Source
from .storage import Folder
from .work import UNCHANGED, Detect, Read, Restore, Task, Write

ROWS = 8  # pictures that are read, and found faces in, together
TASK = "task"  # the column of the data that Ray carries
_TASKS = pa.schema([(TASK, pa.large_binary())])
_BLOCK_BYTES = 32 * 1024**2  # as much waits between two stages at a time, and worker
_MOST_BLOCKS = 10_000  # that a list of pictures is cut into
_ON_ONE_GPU = 0.5  # of it for detection, the rest for restoration


@dataclass(frozen=True, slots=True)
class Choices:
    """How a run is spread; results differ by these in the last bits at most."""

    workers: int | None = None  # that restore; None: one a GPU, or one for the CPUs
    device: str = "auto"
    batch: int = 16  # pictures whose faces are restored together


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    done: int
    total: int
    faces: int


OnProgress = Callable[[Progress], None]


def pending(
    items: Sequence[Item], manifest: Manifest, recipe: Recipe, output: Folder
) -> list[Item]:
    """The items that have no result yet, or one of other bytes, another model or other options,
    or under a name that is now another's.

    An item whose file has changed, in a tar perhaps, carries the hash of the bytes that its result
    was made of: where they are the same it is not done again.
    """
    present = output.names()
    left: list[Item] = []
    for item in items:
        record = manifest.records.get(item.name)
        usable = (
            record is not None
            and record.outcome != FAILED
            and record.recipe == recipe.mark
            and record.target in present
            and record.target in item.targets  # which other pictures may have changed
            and not item.problem
        )
        if not usable or record is None:
            left.append(item)
        elif record.version != item.version:
            left.append(replace(item, known=record.content))
    return left


def run_bulk(
    items: Sequence[Item],
    output: Folder,
    manifest: Manifest,
    recipe: Recipe,
    choices: Choices | None = None,
    *,
    on_progress: OnProgress | None = None,
) -> list[Record]:
    """Restores pictures and writes their results and records; returns the records.

    Ray must have been started (see `cluster`). Bad pictures become records of outcome `failed`.
    What was finished when the run is interrupted stays, and is in the manifest.
    """
    choices = choices or Choices()
    records: list[Record] = []
    faces = 0
    try:
        for block in _stream(items, output, recipe, choices):
            done = [_merge(record, manifest) for record in block]
            manifest.add(done)
            records += done
            faces += sum(record.faces for record in done)
            if on_progress is not None:
                on_progress(Progress(len(records), len(items), faces))
    finally:  # also on Ctrl-C
        manifest.close()
    return records


def _merge(record: Record, manifest: Manifest) -> Record:
    """An unchanged picture keeps what was said about it; only its file is another one."""
    before = manifest.records.get(record.name)
    if record.outcome != UNCHANGED or before is None:
        return record
    return replace(before, source=record.source, version=record.version)


def _stream(
    items: Sequence[Item], output: Folder, recipe: Recipe, choices: Choices
) -> Iterator[list[Record]]:
    if not items:
        return
    attempts: Any = ray.remote(num_cpus=0)(Attempts).remote()
    plan = _plan(choices)
    shared = {"recipe": recipe, "attempts": attempts}
    rows = max(ROWS, -(-len(items) // _MOST_BLOCKS))
    data: Any = ray.data.from_arrow(  # Ray's types do not know functions with options
        [
            _table([Task(item) for item in items[start : start + rows]])
            for start in range(0, len(items), rows)
        ]
    )
    data = data.map_batches(
        _read, batch_size=ROWS, batch_format="pyarrow", num_cpus=plan.task_cpus, fn_kwargs=shared
    )
    data = data.map_batches(
        _Worker,
        batch_size=ROWS,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=plan.workers),
        num_cpus=plan.worker_cpus,
        num_gpus=plan.worker_gpus,
        fn_constructor_kwargs={"name": "detect", "plan": plan, **shared},
    )
    data = data.map_batches(
        _Worker,
        batch_size=choices.batch,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=plan.workers),
        num_cpus=plan.worker_cpus,
        num_gpus=plan.worker_gpus,
        fn_constructor_kwargs={"name": "restore", "plan": plan, **shared},
    )
    data = data.map_batches(
        _write,
        batch_format="pyarrow",
        num_cpus=plan.task_cpus,
        fn_kwargs={"output": output, **shared},
    )
    for block in data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1):
        yield [Record(**row) for row in block.to_pylist()]


@dataclass(frozen=True, slots=True)
class Plan:
    """What each worker gets."""

    workers: int
    device: str
    threads: int  # of each worker
    worker_cpus: float
    worker_gpus: float
    task_cpus: float


def _plan(choices: Choices) -> Plan:
    resources = ray.cluster_resources()
    cpus, gpus = resources.get("CPU", 1.0), int(resources.get("GPU", 0))
    on_gpu = gpus > 0 and choices.device in ("auto", "cuda")
    workers = choices.workers or (gpus if on_gpu else 1)
    if on_gpu:
        share = _ON_ONE_GPU * min(1.0, gpus / workers)
        return Plan(workers, "cuda", 1, 0.5, share, 0.5)
    # Both kinds of workers must find room on the smallest machine, and leave some for tasks.
    share = max(cpus - 1, cpus / 2) / (2 * workers)
    threads = max(1, int(cpus) // workers)
    device = "cpu" if choices.device == "auto" else choices.device
    return Plan(workers, device, threads, share, 0, min(cpus / 2, 1.0))


def _read(table: pa.Table, *, recipe: Recipe, attempts: Any) -> pa.Table:
    return _table(Careful("reading", Read(recipe), attempts)(_tasks(table)))


def _write(table: pa.Table, *, recipe: Recipe, output: Folder, attempts: Any) -> pa.Table:
    stage = Write(recipe, output)
    tasks = Careful("writing", stage, attempts)(_tasks(table))
    return pa.Table.from_pylist([asdict(stage.record(task)) for task in tasks])


class _Worker:
    """A worker of Ray's that holds a network: of detection or of restoration."""

    def __init__(self, name: str, plan: Plan, recipe: Recipe, attempts: Any) -> None:
        torch.set_num_threads(plan.threads)
        stage = {"detect": Detect, "restore": Restore}[name](recipe, plan.device)
        self._stage = Careful(name, stage, attempts)

    def __call__(self, table: pa.Table) -> pa.Table:
        return _table(self._stage(_tasks(table)))


def _table(tasks: Sequence[Task]) -> pa.Table:
    return pa.Table.from_pylist([{TASK: to_bytes(task)} for task in tasks], schema=_TASKS)


def _tasks(table: pa.Table) -> list[Task]:
    return [from_bytes(value.as_buffer()) for value in table.column(TASK)]


@contextmanager
def cluster(address: str | None = None) -> Generator[None]:
    """Ray for a block: the cluster at an address, or one on this machine alone."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # the rest is told by exceptions
    started = not ray.is_initialized()
    handler = signal.getsignal(signal.SIGTERM)  # Ray puts its own in its place, and leaves it
    if started:
        local: dict[str, Any] = {} if address else {"include_dashboard": False, "num_cpus": _cpus()}
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **local)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context.target_max_block_size = _BLOCK_BYTES
    try:
        yield
    finally:
        if started:
            ray.shutdown()
            if handler is not None and threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)


def _cpus() -> int:
    """Those of this machine, and two at least: workers and tasks share them."""
    return max(2, os.cpu_count() or 2)


def map_on_cluster(
    work: Callable[[Source], list[Item]], sources: Sequence[Source]
) -> Iterator[list[Item]]:
    """As `map`, on the cluster's CPUs: tars and lists are listed side by side."""
    remote: Any = ray.remote(num_cpus=1)(work)
    for result in [remote.remote(source) for source in sources]:
        yield _result(result)


def _result(reference: Any) -> Any:
    """What a task returned; its own error, without Ray's wrapping."""
    try:
        return ray.get(reference)
    except RayTaskError as error:
        raise error.cause from error


def count_reasons(records: Sequence[Record]) -> list[tuple[str, int]]:
    """Why pictures failed, and how many; the most frequent reason first."""
    return Counter(one.reason for one in records if one.outcome == FAILED).most_common()
