"""The identity network: its geometry, its numbers and its gradient."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from panini_core.images import read_image
from panini_lab.metrics.identity import IdentityNetwork, identity_similarity, load_identity_network
from panini_lab.metrics.mobilefacenet import MobileFaceNet, save_mobilefacenet

from .onnx_files import write_mobilefacenet_onnx


@pytest.fixture(scope="module")
def network(shared: Path) -> IdentityNetwork:
    pytest.importorskip("onnx", reason="needs the package onnx")
    return load_identity_network(shared / "data" / "weights" / "mobilefacenet.onnx")


@pytest.fixture(scope="module")
def faces(shared: Path) -> Tensor:
    folder = shared / "data" / "eval" / "clean"
    return torch.stack([read_image(folder / f"{i:03d}.webp").pixels for i in range(4)])


@pytest.fixture(scope="module")
def untrained() -> IdentityNetwork:
    torch.manual_seed(0)
    return IdentityNetwork(nn.Sequential(nn.Conv2d(3, 8, 9, 9), nn.Flatten(), nn.Linear(1152, 16)))


def _positions(size: int) -> Tensor:
    """(1, 3, size, size): x, y in the 512 frame / 512 at each pixel's centre, and zero."""
    centres = (torch.arange(size) + 0.5) / size
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    return torch.stack([x, y, torch.zeros_like(x)])[None]


@pytest.mark.parametrize("size", [160, 512])
def test_warp_brings_the_templates_together(untrained: IdentityNetwork, size: int) -> None:
    """The FFHQ eyes come to lie on ArcFace's (the fit leaves about a pixel)."""
    where = untrained.crop(_positions(size))[0, :2] * 512
    left_eye, right_eye = where[:, 52, 38], where[:, 52, 74]
    torch.testing.assert_close(left_eye, torch.tensor([192.98, 239.95]), rtol=0, atol=5)
    torch.testing.assert_close(right_eye, torch.tensor([318.90, 240.19]), rtol=0, atol=5)


def test_warp_is_the_same_for_every_size(untrained: IdentityNetwork) -> None:
    torch.testing.assert_close(
        untrained.crop(_positions(512)), untrained.crop(_positions(128)), rtol=0, atol=1e-5
    )


def test_antialiasing_keeps_the_geometry(untrained: IdentityNetwork) -> None:
    torch.testing.assert_close(
        untrained.crop(_positions(1024), antialias=True),
        untrained.crop(_positions(1024)),
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.parametrize(("antialias", "low", "high"), [(False, 0.0, 0.5), (True, 0.95, 1.0)])
def test_antialiasing_gives_every_pixel_a_gradient(
    untrained: IdentityNetwork, antialias: bool, low: float, high: float
) -> None:
    images = torch.rand(1, 3, 512, 512, requires_grad=True)
    untrained.crop(images, antialias).sum().backward()
    assert images.grad is not None
    share = (images.grad[0, 0, 100:400, 100:400] != 0).float().mean().item()
    assert low < share <= high


def test_embedding_is_a_unit_vector_and_independent_of_the_batch(
    untrained: IdentityNetwork,
) -> None:
    images = torch.rand(3, 3, 64, 64)
    vectors = untrained.embed(images)
    assert vectors.shape == (3, 16)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))
    single = torch.cat([untrained(images[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(vectors, single)


def test_shapes_are_checked(untrained: IdentityNetwork) -> None:
    with pytest.raises(ValueError, match=r"\(2, 3, 64, 32\)"):
        untrained.embed(torch.rand(2, 3, 64, 32))
    with pytest.raises(ValueError, match="3 and 2"):
        identity_similarity(untrained, torch.rand(3, 3, 64, 64), torch.rand(2, 3, 64, 64))


def test_one_face_serves_all(untrained: IdentityNetwork) -> None:
    a, b = torch.rand(3, 3, 64, 64), torch.rand(1, 3, 96, 96)
    each = torch.cat([identity_similarity(untrained, a[i : i + 1], b) for i in range(3)])
    torch.testing.assert_close(identity_similarity(untrained, a, b), each)


def test_both_files_of_the_network_load_frozen_and_alike(
    narrow_network: MobileFaceNet, tmp_path: Path
) -> None:
    pytest.importorskip("onnx", reason="needs the package onnx")
    write_mobilefacenet_onnx(tmp_path / "network.onnx", narrow_network)
    save_mobilefacenet(tmp_path / "network.safetensors", narrow_network)
    faces = torch.rand(2, 3, 64, 64)
    of_onnx, own = (
        load_identity_network(tmp_path / f"network.{kind}") for kind in ("onnx", "safetensors")
    )
    assert torch.equal(of_onnx.embed(faces), own.embed(faces))
    for network in (of_onnx, own):
        assert not network.training
        assert all(not parameter.requires_grad for parameter in network.parameters())


def test_people_differ_and_pictures_of_one_agree(network: IdentityNetwork, faces: Tensor) -> None:
    vectors = network.embed(faces)
    assert vectors.shape == (4, 128)
    cosines = vectors @ vectors.T
    torch.testing.assert_close(cosines.diagonal(), torch.ones(4))
    assert cosines[~torch.eye(4, dtype=torch.bool)].max() < 0.4  # different people
    softer = nn.functional.avg_pool2d(faces, 2)
    assert identity_similarity(network, faces, softer).min() > 0.9


def test_gradient_climbs_to_the_person(network: IdentityNetwork, faces: Tensor) -> None:
    target = network.embed(faces[:1])
    image = nn.functional.avg_pool2d(faces[1:2], 4).requires_grad_()
    before = (network.embed(image, antialias=True) * target).sum()
    (slope,) = torch.autograd.grad(before, image)
    assert torch.isfinite(slope).all()
    after = (network.embed(image + 0.01 * slope.sign(), antialias=True) * target).sum()
    assert after.item() > before.item() + 0.05
    assert all(not parameter.requires_grad for parameter in network.parameters())


def test_bf16_autocast_agrees_with_float32(network: IdentityNetwork, faces: Tensor) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        half = network.embed(faces[:2])
    assert half.dtype == torch.float32
    assert (half * network.embed(faces[:2])).sum(dim=1).min() > 0.99
