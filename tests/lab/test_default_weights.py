"""The weights that ship, on real faces that they have never seen."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from panini_core import load_panini, read_image
from panini_core.checkpoints import DEFAULT_WEIGHTS
from panini_core.models.panini import PaniniNet
from panini_core.models.value_range import from_network, to_network
from panini_lab.metrics.backbones import IDENTITY_FILE, VGG_FILE, find_backbone
from panini_lab.metrics.identity import identity_similarity, load_identity_network
from panini_lab.metrics.psnr import psnr
from panini_lab.metrics.vgg_distance import load_vgg_features, vgg_distance

EVERY_SEVERITY = slice(0, 6)  # the faces go mild, medium, heavy, mild, …
COMPARED = slice(0, 36, 4)  # of the faces: three of each severity


@pytest.fixture(scope="module")
def model() -> PaniniNet:
    return load_panini(dtype=torch.float32)


def read_faces(folder: Path) -> Tensor:
    return torch.stack([read_image(file).pixels for file in sorted(folder.iterdir())])


@pytest.fixture(scope="module")
def degraded(shared: Path) -> Tensor:
    return read_faces(shared / "data" / "eval" / "degraded")


@pytest.fixture(scope="module")
def clean(shared: Path) -> Tensor:
    return read_faces(shared / "data" / "eval" / "clean")


@pytest.fixture(scope="module")
def restored(model: PaniniNet, degraded: Tensor) -> Tensor:
    with torch.inference_mode():
        return torch.cat([from_network(model(to_network(f))) for f in degraded.split(4)])


def test_the_file_is_small_and_says_where_it_comes_from() -> None:
    from safetensors import safe_open

    assert DEFAULT_WEIGHTS.stat().st_size <= 32 * 2**20
    with safe_open(DEFAULT_WEIGHTS, framework="pt") as file:
        assert {"panini_config", "licence", "recipe"} <= (file.metadata() or {}).keys()
    assert (DEFAULT_WEIGHTS.parent / "README.md").is_file()
    assert (DEFAULT_WEIGHTS.parent / "LICENSE-WEIGHTS.md").is_file()


def test_restoring_keeps_the_picture_and_the_person(
    degraded: Tensor, clean: Tensor, restored: Tensor, shared: Path
) -> None:
    assert psnr(restored, clean).mean() >= psnr(degraded, clean).mean() - 0.2
    network = load_identity_network(find_backbone(IDENTITY_FILE, shared / "data" / "weights"))
    with torch.inference_mode():
        before = identity_similarity(network, degraded, clean).mean()
        after = identity_similarity(network, restored, clean).mean()
    assert after > before


def test_restoring_comes_closer_to_the_clean_face(
    degraded: Tensor, clean: Tensor, restored: Tensor, shared: Path
) -> None:
    vgg = load_vgg_features(shared / "data" / "weights" / VGG_FILE)
    before, after = [], []
    with torch.inference_mode():
        for index in range(36)[EVERY_SEVERITY]:
            face = slice(index, index + 1)
            before.append(vgg_distance(vgg, degraded[face], clean[face]))
            after.append(vgg_distance(vgg, restored[face], clean[face]))
    assert torch.cat(after).mean() <= 0.88 * torch.cat(before).mean()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_shows_no_difference(
    dtype: torch.dtype, degraded: Tensor, clean: Tensor, restored: Tensor, shared: Path
) -> None:
    """What makes it fit to be chosen by itself."""
    half = load_panini(dtype=dtype)
    vgg = load_vgg_features(shared / "data" / "weights" / VGG_FILE)
    moved, worse, farther = [], [], []
    with torch.inference_mode():
        for index in range(len(degraded))[COMPARED]:
            face = slice(index, index + 1)
            low = from_network(half(to_network(degraded[face])))
            assert low.dtype == torch.float32
            moved.append((low - restored[face]).abs().mean())
            worse.append(psnr(restored[face], clean[face]) - psnr(low, clean[face]))
            before = vgg_distance(vgg, restored[face], clean[face])
            farther.append(vgg_distance(vgg, low, clean[face]) - before)
    assert torch.stack(moved).mean() < 1 / 255
    assert torch.cat(worse).mean().abs() < 0.1
    assert torch.cat(farther).mean().abs() < 0.002


def test_autocast_stays_close(model: PaniniNet, degraded: Tensor, restored: Tensor) -> None:
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        result = from_network(model(to_network(degraded[:4])))
    assert result.dtype == torch.float32
    assert (result - restored[:4]).abs().mean() < 1 / 255
