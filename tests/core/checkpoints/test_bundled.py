"""Which bundled network is the default where."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
import torch

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


def test_names_and_paths() -> None:
    assert find_weights("compact", runs_on="cuda").name == "panini_compact.safetensors"
    assert find_weights("mine/compact") == Path("mine/compact")
    assert find_weights(Path("other.pth")) == Path("other.pth")
    assert all(find_weights(name).is_file() for name in BUNDLED_NETWORKS)
