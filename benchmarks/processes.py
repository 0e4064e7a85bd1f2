"""Whole processes: how long a cold start takes, and what restoring holds in memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from panini_core import find_weights, save_image

from .scenes import scene

START_SIDE = 256  # px of the small picture
# What a start cannot do without: torch, and the weights read.
NEEDED = f"import torch, safetensors.torch as s; s.load_file({str(find_weights())!r})"
PEAK = """
import sys
from pathlib import Path
import torch
from benchmarks.scenes import scene
from panini_core import load_detector, load_panini, restore_images

def held(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024

side, count = map(int, sys.argv[1:])
detector, model = load_detector(), load_panini()
restore_images(detector, model, scene(1, 512)[None])
before = held("VmRSS")
images = scene(1, side)[None].expand(count, -1, -1, -1).contiguous()
result = restore_images(detector, model, images)
print(before, held("VmHWM") - before, images.numel() * 4 / 2**20)
"""


def cold_start(runs: int) -> tuple[float, float]:
    """CPU seconds, the medians: of `panini restore` of a small picture of one face, and of
    importing torch and reading the weights."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "face.png"
        save_image(picture, scene(1, START_SIDE))
        restore = ["-m", "panini_core", "restore", str(picture), "--force", "-o", f"{folder}/out"]
        ours, needed = [], []
        for _ in range(runs + 1):  # the first fills the system's cache of files
            ours.append(_seconds(restore))
            needed.append(_seconds(["-c", NEEDED]))
    return statistics.median(ours[1:]), statistics.median(needed[1:])


def peak_memory(side: int, count: int) -> tuple[float, float, float]:
    """MiB: held before, most that came on top (with the pictures), and of the pictures in float.

    `count` pictures of one face; where /proc says what a process holds: on Linux.
    """
    words = [sys.executable, "-c", PEAK, str(side), str(count)]
    output = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    before, peak, pictures = map(float, output.split())
    return before, peak, pictures


def _seconds(arguments: Sequence[str]) -> float:
    before = os.times()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = os.times()
    return (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
