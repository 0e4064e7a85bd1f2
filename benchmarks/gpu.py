"""How much of a GPU is used: faces per second, share of its bf16 peak, and memory."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from panini_core import (
    FaceDetector,
    PaniniConfig,
    PaniniNet,
    RestoreOptions,
    choose_dtype,
    detect_faces,
    load_detector,
    load_panini,
    restore_images,
    to_network,
)
from panini_core.models.compiled import compile_restorer

from .scenes import scene
from .usual import gfpgan

Work = Callable[[], object]


class NoDeviceError(RuntimeError):
    """There is no device to measure."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is measured on a device."""

    batches: tuple[int, ...]
    product: int  # side of the matrices whose product is taken for the device's peak
    gfpgan: int  # px, of its faces; fewer than 512 are not GFPGAN, but cost less
    side: int  # of the pictures of the pipeline, px
    seconds: float  # for which each piece of work is repeated
    tiny: bool = False  # a network for trying


LARGE = Sizes((1, 8, 32), 8192, 512, 1024, 1.0)
TINY = Sizes((1, 2), 128, 32, 128, 0.0, tiny=True)


@dataclass(frozen=True, slots=True)
class Speed:
    """What one piece of work costs."""

    seconds: float  # of one run
    flops: int  # of one run
    peak: float | None  # most memory taken meanwhile, MiB, all weights included; None: not known


def table(arguments: argparse.Namespace) -> Iterable[str]:
    """The lines of a Markdown table.

    Raises NoDeviceError without CUDA, unless another device is asked for, with tiny sizes.
    """
    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise NoDeviceError(
            "benchmarks gpu needs a CUDA device, and torch sees none. To try it, give --device "
            "cpu: tiny sizes, and figures that mean nothing."
        )
    sizes = LARGE if device.type == "cuda" else TINY
    dtype = choose_dtype("auto", device)
    with torch.no_grad():  # as the pipeline has it
        # Who counts operations looks at gradients, too.
        model = _panini(arguments.model, device, dtype, sizes).requires_grad_(False)
        yield from _rows(model, device, sizes, compiled=arguments.compile)


def _rows(model: PaniniNet, device: torch.device, sizes: Sizes, *, compiled: bool) -> Iterable[str]:
    dtype = model.dtype
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    peak = _peak(device, sizes)
    yield f"{name}, {dtype}, bf16 peak measured: {peak / 1e12:.3g} TFLOP/s\n"
    yield "| what | batch | faces/s | ms a face | TFLOP/s | share of the peak | memory, MiB |"
    yield "|---" * 7 + "|"
    for batch in sizes.batches:
        images = torch.rand(batch, 3, model.input_size, model.input_size, device=device)
        yield _row("our network", batch, _speed(_call(model, images), device, sizes), peak)
    try:
        other = gfpgan(sizes.gfpgan).to(device, dtype).requires_grad_(False)
    except ImportError as error:
        yield f"| GFPGAN: nothing to compare with, {error} |" + " |" * 6
    else:
        for batch in sizes.batches:
            images = torch.rand(batch, 3, sizes.gfpgan, sizes.gfpgan, device=device, dtype=dtype)
            speed = _speed(lambda: other(images, return_rgb=False), device, sizes)  # noqa: B023
            yield _row("GFPGAN's network", batch, speed, peak)
        del other
    yield from _pipeline(model, device, sizes, peak)
    if compiled:
        compile_restorer(model)
        for batch in sizes.batches:
            images = torch.rand(batch, 3, model.input_size, model.input_size, device=device)
            speed = _speed(_call(model, images), device, sizes, count_flops=False)
            yield _row("our network, compiled", batch, speed, peak)


def _pipeline(model: PaniniNet, device: torch.device, sizes: Sizes, peak: float) -> Iterable[str]:
    """Everything, from pictures on the device to pictures on the device, one face in each."""
    detector = load_detector(device=device)
    picture = scene(1, sizes.side).to(device)
    for batch in sizes.batches:
        pictures = picture.expand(batch, -1, -1, -1).contiguous()
        faces = max(len(detect_faces(detector, pictures)), 1)
        options = RestoreOptions(batch=batch)
        work = _restoring(detector, model, pictures, options)
        speed = _speed(work, device, sizes)
        yield _row(f"whole pipeline, {sizes.side} px", batch, speed, peak, faces)


def _call(model: PaniniNet, images: Tensor) -> Work:
    return lambda: model(to_network(images))


def _restoring(
    detector: FaceDetector, model: PaniniNet, pictures: Tensor, options: RestoreOptions
) -> Work:
    return lambda: restore_images(detector, model, pictures, options)


def _panini(name: str | None, device: torch.device, dtype: torch.dtype, sizes: Sizes) -> PaniniNet:
    if sizes.tiny:
        return PaniniNet(PaniniConfig.preset("tiny")).eval().to(device)
    return load_panini(name, device=device, dtype=dtype)


def _peak(device: torch.device, sizes: Sizes) -> float:
    """FLOP a second of a large product of bf16 matrices: what the device does at its best."""
    shape = (sizes.product, sizes.product)
    one, other = (torch.randn(shape, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * sizes.product**3 / _seconds(lambda: one @ other, device, sizes)


def _speed(work: Work, device: torch.device, sizes: Sizes, *, count_flops: bool = True) -> Speed:
    flops = 0
    if count_flops:  # a compiled network cannot be looked into
        with FlopCounterMode(display=False) as counter:
            work()
        flops = counter.get_total_flops()
    if device.type != "cuda":
        return Speed(_seconds(work, device, sizes), flops, None)
    torch.cuda.reset_peak_memory_stats(device)
    seconds = _seconds(work, device, sizes)
    return Speed(seconds, flops, torch.cuda.max_memory_allocated(device) / 2**20)


def _seconds(work: Work, device: torch.device, sizes: Sizes) -> float:
    """Of one run, the mean over `sizes.seconds` after runs that do not count."""
    for _ in range(3):
        work()
    _wait(device)
    runs, begun = 0, time.perf_counter()
    while runs == 0 or time.perf_counter() - begun < sizes.seconds:
        for _ in range(3):  # handed over together: a device that works ahead is not to run dry
            work()
        _wait(device)
        runs += 3
    return (time.perf_counter() - begun) / runs


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _row(name: str, batch: int, speed: Speed, peak: float, faces: int | None = None) -> str:
    faces = faces or batch
    rate = speed.flops / speed.seconds
    cells = [
        name,
        str(batch),
        f"{faces / speed.seconds:.1f}",
        f"{1000 * speed.seconds / faces:.2f}",
        f"{rate / 1e12:.3g}" if speed.flops else "–",
        f"{rate / peak:.1%}" if speed.flops else "–",
        "–" if speed.peak is None else f"{speed.peak:.0f}",
    ]
    return f"| {' | '.join(cells)} |"
