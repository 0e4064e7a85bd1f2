"""The weights that ship, on real faces that they have never seen."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from panini_core import BUNDLED_NETWORKS, find_weights, load_panini, read_image
from panini_core.models.panini import PaniniNet
from panini_core.models.value_range import from_network, to_network
from panini_lab.metrics.backbones import IDENTITY_FILE, VGG_FILE, find_backbone
from panini_lab.metrics.identity import identity_similarity, load_identity_network
from panini_lab.metrics.psnr import psnr
from panini_lab.metrics.texture import texture_distance
from panini_lab.metrics.vgg_distance import load_vgg_features, vgg_distance

TEXTURE = {"mobile": 0.62, "compact": 0.82}  # over the input's
EVERY_SEVERITY = slice(0, 6)  # the faces go mild, medium, heavy, mild, …
COMPARED = slice(0, 36, 4)  # of the faces: three of each severity


@pytest.fixture(scope="module", params=BUNDLED_NETWORKS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(name: str) -> PaniniNet:
    return load_panini(name, dtype=torch.float32)


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


def test_the_files_are_small_and_say_where_they_come_from() -> None:
    from safetensors import safe_open

    paths = [find_weights(name) for name in BUNDLED_NETWORKS]
    assert find_weights("compact").stat().st_size <= 32 * 2**20
    assert sum(path.stat().st_size for path in paths) <= 80e6
    for path in paths:
        with safe_open(path, framework="pt") as file:
            assert {"panini_config", "licence", "recipe"} <= (file.metadata() or {}).keys()
        assert (path.parent / "README.md").is_file()
        assert path.name in (path.parent / "LICENSE-WEIGHTS.md").read_text()


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


def test_restoring_brings_texture_back(
    name: str, degraded: Tensor, clean: Tensor, restored: Tensor, shared: Path
) -> None:
    vgg = load_vgg_features(shared / "data" / "weights" / VGG_FILE)
    with torch.inference_mode():
        expected, *others = (vgg(faces[EVERY_SEVERITY]) for faces in (clean, degraded, restored))
        before, after = (texture_distance(features, expected).mean() for features in others)
    assert after <= TEXTURE[name] * before


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_shows_no_difference(
    name: str,
    dtype: torch.dtype,
    degraded: Tensor,
    clean: Tensor,
    restored: Tensor,
    shared: Path,
) -> None:
    """What makes it fit to be chosen by itself."""
    half = load_panini(name, dtype=dtype)
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
