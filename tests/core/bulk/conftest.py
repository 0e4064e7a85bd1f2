"""What the tests of bulk runs share: small pictures, alone, in tars and in lists."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("ray", reason="needs the extra bulk: ray")
pytest.importorskip("pyarrow", reason="needs the extra bulk: pyarrow")

from panini_core.bulk import Recipe, make_recipe
from panini_core.checkpoints import save_panini
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.options import RestoreOptions


def encode(seed: int, size: int = 32, file_format: str = "PNG") -> bytes:
    """A picture of noise of its own."""
    array = np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, file_format)
    return buffer.getvalue()


def write_tar(path: Path, members: Mapping[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the smallest network, with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = PaniniNet(PaniniConfig.preset("tiny"))
        for parameter in model.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_panini(path, model)
    return path


@pytest.fixture
def aligned(model_file: Path) -> Recipe:
    """The smallest network on aligned faces."""
    return make_recipe(
        model=str(model_file), detector=None, dtype="fp32", suffix=None, options=RestoreOptions()
    )
