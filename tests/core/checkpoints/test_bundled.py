"""Which bundled network is the default where."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
import torch

from panini_core import (
    align_faces,
    detect_faces,
    load_detector,
    load_panini,
    restore_faces,
    sample_photo,
)
from panini_core.checkpoints import bundled
from panini_core.checkpoints.bundled import WEIGHTS_FOLDER, default_network, find_weights
from panini_core.options import BUNDLED_NETWORKS


@pytest.fixture
def threads() -> Generator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps", torch.device("cuda", 0)])
def test_gpus_take_the_better_one(device: str | torch.device) -> None:
    assert default_network(device) == "mobile"
    assert find_weights(runs_on=device).name == "panini_mobile.safetensors"


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(
    ("dtype", "threads_there", "expected"),
    [
        (torch.float32, 1, "compact"),
        (torch.float32, 3, "compact"),
        (torch.float32, 4, "mobile"),
        (torch.bfloat16, 1, "compact"),
        (torch.bfloat16, 2, "mobile"),
    ],
)
def test_cpus_take_it_where_they_are_quick_enough(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, threads_there: int, expected: str
) -> None:
    monkeypatch.setattr(bundled, "choose_dtype", lambda **_: dtype)
    torch.set_num_threads(threads_there)
    assert default_network("cpu") == default_network(torch.device("cpu")) == expected
    assert find_weights() == WEIGHTS_FOLDER / f"panini_{expected}.safetensors"


def test_the_fidelity_of_the_better_one_is_calibrated() -> None:
    """Its curve belongs to these weights: toward 1 a face stays nearer to the picture."""
    model = load_panini("mobile", dtype=torch.float32)
    assert model.fidelity_curve is not None
    photo = sample_photo("medium")
    faces = align_faces(photo, detect_faces(load_detector(), photo), size=model.input_size)
    distances = [
        (restore_faces(model, faces, fidelity=fidelity).crops - faces.crops).abs().mean()
        for fidelity in (0.0, 0.5, 1.0)
    ]
    assert len(faces) == 1
    assert distances[0] > 1.02 * distances[1] > 1.02**2 * distances[2]


def test_names_and_paths() -> None:
    assert find_weights("compact", runs_on="cuda").name == "panini_compact.safetensors"
    assert find_weights("mine/compact") == Path("mine/compact")
    assert find_weights(Path("other.pth")) == Path("other.pth")
    assert all(find_weights(name).is_file() for name in BUNDLED_NETWORKS)
