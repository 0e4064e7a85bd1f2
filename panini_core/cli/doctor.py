"""`panini doctor`: what is installed, found and how fast it is."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import torch

from ..checkpoints import find_weights
from ..checkpoints.detector import load_detector
from ..compute import name_of_dtype
from ..models.value_range import to_network
from ..options import AUTO, BUNDLED_NETWORKS, NetworkOptions
from .console import EXIT_DONE, EXIT_PROBLEM, say
from .laboratory import find_laboratory
from .opening import model_of, open_device, open_restorer
from .timing import time_warm

NEEDED = ("torch", "numpy", "Pillow", "safetensors", "einops")
OPTIONAL = {
    "facexlib": "the networks that parse faces",
    "opencv-python": "reads 16-bit colour pictures; or opencv-python-headless",
    "spandrel": "restores with GFPGAN and RestoreFormer, enlarges backgrounds",
    "spandrel_extra_arches": "restores with CodeFormer; its licence is for non-commercial use",
    "pillow-heif": "reads HEIC pictures",
    "jpeglib": "keeps the unchanged blocks of JPEG files as they are",
    "tqdm": "progress bars",
    "onnxruntime": "restores with GPEN and with what panini export writes",
    "av": "reads and writes films",
    "ray": "panini bulk, for masses of pictures",
}


def run(arguments: argparse.Namespace) -> int:
    say(f"Python {platform.python_version()} on {platform.platform()}")
    _say_packages()
    device = open_device(arguments)
    _say_devices(device)
    say("\nWeights")
    usable = True
    for name in BUNDLED_NETWORKS:
        usable &= _check(name, partial(_describe_weights, name))
    usable &= _check("face detector", _describe_detector)
    _row("in use", model_of(arguments))
    _say_laboratory()
    say("\nSpeed")
    usable &= _check("one face", lambda: _time_one_face(arguments, device))
    say("\nReady." if usable else "\nNot ready: see the lines marked MISSING.")
    return EXIT_DONE if usable else EXIT_PROBLEM


def _say_packages() -> None:
    say("\nPackages")
    for name in NEEDED:
        _row(name, _version(name) or "MISSING")
    for name, purpose in OPTIONAL.items():
        _row(name, _version(name) or f"not installed ({purpose})")


def _say_devices(chosen: torch.device) -> None:
    say("\nDevices")
    _row("cpu", f"{platform.machine()}, {torch.get_num_threads()} threads")
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        _row(f"cuda:{index}", f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB")
    if torch.backends.mps.is_available():
        _row("mps", "available")
    _row("in use", str(chosen))


def _describe_weights(network: str) -> str:
    path = find_weights(network)
    return f"{path} ({path.stat().st_size / 1e6:.1f} MB)"


def _describe_detector() -> str:
    name = AUTO
    detector = load_detector(name)
    return f"{name}: {getattr(detector, 'name', type(detector).__name__)}"


def _say_laboratory() -> None:
    """What the laboratory's commands find, where it is installed."""
    if (findings := find_laboratory("findings")) is not None:
        for name, text in findings.find_backbones():
            _row(name, text)


def _time_one_face(arguments: argparse.Namespace, device: torch.device) -> str:
    model = open_restorer(arguments, NetworkOptions())
    size = model.input_size
    face = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)).to(device)
    with torch.inference_mode():
        timing = time_warm(lambda: model(to_network(face)).cpu())  # which waits for the device
    return (
        f"{timing.warm * 1000:.0f} ms ({1 / timing.warm:.2g} faces/s) on {device} in "
        f"{name_of_dtype(model.dtype)}, {size} px in, {model.output_size} px out\n"
        f"{'':<19}The network alone, one face at a time, warm: the quickest of {timing.runs} runs; "
        f"the first took {timing.first * 1000:.0f} ms.\n"
        f"{'':<19}Reading, finding faces, pasting and writing come on top."
    )


def _check(name: str, find: Callable[[], str]) -> bool:
    """A row with what was found, or why it was not; True if it was."""
    try:
        _row(name, find())
    except (ValueError, OSError, ImportError) as error:
        _row(name, f"MISSING: {error}")
        return False
    return True


def _row(name: str, text: str) -> None:
    say(f"  {name:<16} {text}")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
