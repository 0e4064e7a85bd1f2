"""What restoring holds in memory, measured from outside a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import panini_core

SCRIPT = Path(__file__).with_name("peak_memory.py")
FLOAT = 4  # bytes

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs a system that says what a process holds"
)


def measure(
    count: int, height: int, width: int, *, smoothing: int = 0, share: float = 1 / 6
) -> tuple[int, int]:
    """The most bytes beside the networks and the pictures before and after, and these with them.

    share: of a picture's side that the crop of its one face has.
    """
    environment = os.environ | {
        "PYTHONPATH": str(Path(panini_core.__file__).parents[1]),
        "OMP_NUM_THREADS": "1",
    }
    words = [sys.executable, str(SCRIPT), *map(str, (count, height, width, smoothing, share))]
    result = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    beside, networks, _ = map(int, result.stdout.split())
    return beside, beside + networks


@pytest.mark.parametrize("smoothing", [0, 1])
def test_a_long_clip_needs_hardly_more_than_a_short_one(smoothing: int) -> None:
    _, short = measure(32, 360, 640, smoothing=smoothing)
    _, long = measure(128, 360, 640, smoothing=smoothing)
    assert long < 1.2 * short


@pytest.mark.parametrize("share", [1 / 6, 1.0])  # a usual face; one that fills the picture
def test_a_large_picture_is_held_three_times_at_most(share: float) -> None:
    height = width = 6000
    picture = 3 * height * width * FLOAT
    beside, _ = measure(1, height, width, share=share)
    assert beside + 2 * picture < 3 * picture  # the two: before and after
