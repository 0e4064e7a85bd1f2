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


@pytest.fixture(scope="module")
def model() -> PaniniNet:
    return load_panini()


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


def test_half_precision_stays_close(degraded: Tensor, restored: Tensor) -> None:
    half = load_panini(dtype=torch.bfloat16)
    faces = slice(0, 4)
    with torch.inference_mode():
        low = from_network(half(to_network(degraded[faces])))
        with torch.autocast("cpu", torch.bfloat16):
            autocast = from_network(load_panini()(to_network(degraded[faces])))
    for result in (low, autocast):
        assert result.dtype == torch.float32
        assert (result - restored[faces]).abs().mean() < 2 / 255
