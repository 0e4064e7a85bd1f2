from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from panini_lab.training.config import LossConfig
from panini_lab.training.losses import RestorationLosses, random_crop

MakeLosses = Callable[..., RestorationLosses]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(seed: int, size: int = 48) -> Tensor:
    return torch.rand(2, 3, size, size, generator=seeded(seed)) * 2 - 1


@pytest.fixture
def make_losses(vgg_file: Path, small_identity: str) -> MakeLosses:
    """make_losses(**values): losses of a LossConfig, with small networks for what compares."""

    def make(**values: Any) -> RestorationLosses:
        defaults = {"perceptual_weights": str(vgg_file), "identity_weights": small_identity}
        return RestorationLosses(LossConfig(**{**defaults, **values}))

    return make


def test_crops_share_their_window() -> None:
    a = torch.arange(64.0).view(1, 1, 8, 8)
    one, two = random_crop([a, a + 100], 3, torch.Generator().manual_seed(0))
    assert one.shape == (1, 1, 3, 3)
    assert torch.equal(two - one, torch.full_like(one, 100))


@pytest.mark.parametrize("size", [0, 8, 20])
def test_no_crop_when_none_is_asked_for_or_it_is_too_large(size: int) -> None:
    a = torch.rand(1, 1, 8, 8)
    assert random_crop([a], size, torch.Generator())[0] is a


def test_pictures_and_target_are_looked_at_in_the_same_place(make_losses: MakeLosses) -> None:
    losses = make_losses(pixel=0, perceptual=1.0, perceptual_crop=16)
    clean = pictures(0)
    target = losses.target(clean, seeded(3))
    assert target.seen.images.shape == (2, 3, 16, 16)
    assert torch.equal(target.seen.images, clean[target.crop])
    restored = pictures(1)
    restored[target.crop] = clean[target.crop]
    found, seen = losses(restored, target)
    assert torch.equal(seen.images, target.seen.images)
    assert found["perceptual"].item() == pytest.approx(0, abs=1e-7)
    # Elsewhere it is another picture, and what is outside counts nowhere.
    assert losses(pictures(1), target)[0]["perceptual"] > 0.01
    assert not torch.equal(losses.target(clean, seeded(4)).seen.images, target.seen.images)


def test_equal_pictures_cost_nothing_and_weights_scale(make_losses: MakeLosses) -> None:
    clean, other = pictures(0), pictures(1)
    losses = make_losses(pixel=1.0, perceptual=1.0, identity=1.0)
    target = losses.target(clean, seeded())
    nothing, _ = losses(clean, target)
    for name, value in nothing.items():
        assert value.item() == pytest.approx(0, abs=1e-5), name
    single, _ = losses(other, target)
    assert single["pixel"].item() == pytest.approx((other - clean).abs().mean().item())
    weighted = make_losses(pixel=3.0, perceptual=0.5, identity=2.0)
    double, _ = weighted(other, target)
    for name, weight in (("pixel", 3.0), ("perceptual", 0.5), ("identity", 2.0)):
        torch.testing.assert_close(double[name], weight * single[name])


def test_a_loss_without_weight_is_left_out(make_losses: MakeLosses) -> None:
    losses = make_losses(pixel=0, perceptual=0, identity=1.0)
    target = losses.target(pictures(0), seeded())
    found, seen = losses(pictures(1), target)
    assert found.keys() == {"identity"}
    assert seen.features == {}


def test_texture_knows_no_places_but_quarters(make_losses: MakeLosses) -> None:
    losses = make_losses(pixel=0, perceptual=0, texture=0.5)
    clean = pictures(0, 64)
    target = losses.target(clean, seeded())
    assert losses(clean, target)[0].keys() == {"texture"}
    one = losses(clean, target)[0]["texture"]
    assert one.item() == pytest.approx(0, abs=1e-5)
    soft = torch.nn.functional.avg_pool2d(clean, 3, 1, 1)
    turned = clean.flip(3)
    # The same grain elsewhere is nearly as good, a soft picture is not.
    assert losses(turned, target)[0]["texture"] < 0.5 * losses(soft, target)[0]["texture"]
    # What moves from one quarter into another counts.
    half = clean.clone()
    half[..., 32:] = 0
    moved = losses(half.flip(3), losses.target(half, seeded()))[0]["texture"]
    assert moved > losses(turned, target)[0]["texture"]


def test_the_relative_pixel_loss_counts_every_picture_by_how_degraded_it_was(
    make_losses: MakeLosses,
) -> None:
    losses = make_losses(pixel=0, perceptual=0, pixel_relative=0.5)
    clean = torch.zeros(3, 3, 16, 16)
    degraded = clean + torch.tensor([0.05, 0.4, 0.0]).view(3, 1, 1, 1)
    target = losses.target(clean, seeded(), degraded=degraded)
    unchanged = losses(degraded, target)[0]
    assert unchanged.keys() == {"pixel_relative"}
    assert unchanged["pixel_relative"].item() == pytest.approx(0.5 * 2 / 3)
    leaf = degraded.clone().requires_grad_()
    losses(leaf, target)[0]["pixel_relative"].backward()
    assert leaf.grad is not None
    pull = leaf.grad.sum((1, 2, 3))
    assert (pull[0] / pull[1]).item() == pytest.approx(8)
    # A picture that was clean has a weight with an end, and a smaller input is enlarged first.
    assert losses(clean + 0.02, target)[0]["pixel_relative"].isfinite()
    small = losses.target(clean, seeded(), degraded=degraded[..., ::2, ::2])
    torch.testing.assert_close(small.degraded_by, target.degraded_by)
    with pytest.raises(ValueError, match="needs the degraded pictures"):
        losses.target(clean, seeded())


def test_a_part_of_a_face_has_no_identity(make_losses: MakeLosses) -> None:
    losses = make_losses(perceptual=0, identity=1.0)
    target = losses.target(pictures(0), seeded(), whole=False)
    assert target.identity is None
    assert losses(pictures(1), target)[0].keys() == {"pixel"}


def test_only_the_pictures_get_a_gradient(make_losses: MakeLosses) -> None:
    losses = make_losses(perceptual=1.0, identity=1.0, perceptual_crop=16)
    leaf = pictures(1).requires_grad_()
    target = losses.target(pictures(0), seeded(3))
    found, seen = losses(leaf, target)
    sum(found.values(), torch.zeros(())).backward()
    assert leaf.grad is not None
    assert leaf.grad.abs().min() > 0  # of the pixel loss everywhere
    assert not any(parameter.requires_grad for parameter in losses.parameters())
    # What the adversary learns from does not reach the restorer.
    kept = seen.detach()
    assert not kept.images.requires_grad
    assert not any(feature.requires_grad for feature in kept.features.values())


@pytest.mark.parametrize("name", ["perceptual", "identity"])
def test_a_missing_network_is_named(name: str) -> None:
    values = {"perceptual": 0.0, "identity": 0.0, name: 1.0}
    with pytest.raises(ValueError, match=rf"set loss\.{name}_weights, or {name}=0"):
        RestorationLosses(LossConfig(**values))
