"""What the tests of the laboratory's commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from panini_core.checkpoints import save_panini
from panini_core.models.panini import PaniniNet


@pytest.fixture(scope="session")
def tiny_model(tiny_model: PaniniNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the smallest network, with random weights."""
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_panini(path, tiny_model)
    return path
