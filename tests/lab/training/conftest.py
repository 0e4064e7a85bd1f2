"""A small folder of training faces and a way to configure short runs on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def face_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten smooth, different pictures of 64 px: enough structure to learn from."""
    folder = tmp_path_factory.mktemp("faces")
    random = np.random.default_rng(0)
    for index in range(10):
        coarse = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC)
        picture.save(folder / f"{index:02d}.png")
    return folder


@pytest.fixture
def run_overrides(face_folder: Path, tmp_path: Path) -> list[str]:
    """Overrides that turn a configuration into a short run of the tiny preset on the CPU."""
    return [
        "model=tiny",
        f"run.output='{(tmp_path / 'run').as_posix()}'",
        f"data.sources=['{face_folder.as_posix()}']",
        "data.image_size=64",
        "data.max_shift=4",
        "run.device=cpu",
        "run.bf16=false",
        "run.batch=4",
        "run.log_every=1",
        "run.warmup_steps=1",
        "run.decay=none",
    ]
