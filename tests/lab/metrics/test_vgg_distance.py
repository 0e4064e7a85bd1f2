"""The VGG features and the distance on them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from panini_lab.metrics.vgg_distance import (
    VGG_LAYERS,
    VggFeatures,
    feature_distance,
    load_vgg_features,
    vgg_distance,
)


@pytest.fixture(scope="module")
def small() -> VggFeatures:
    torch.manual_seed(0)
    return VggFeatures((4, 6, 8, 10))


@pytest.fixture(scope="module")
def vgg(shared: Path) -> VggFeatures:
    return load_vgg_features(shared / "data" / "weights" / "vgg19_features.safetensors")


def test_layers_have_their_sizes(small: VggFeatures) -> None:
    features = small(torch.rand(2, 3, 32, 24))
    assert {name: tuple(x.shape) for name, x in features.items()} == {
        "relu1_2": (2, 4, 32, 24),
        "relu2_2": (2, 6, 16, 12),
        "relu3_4": (2, 8, 8, 6),
        "relu4_4": (2, 10, 4, 3),
    }


def test_nothing_is_computed_after_the_deepest_layer(small: VggFeatures) -> None:
    images = torch.rand(1, 3, 16, 16)
    poisoned = VggFeatures((4, 6, 8, 10))
    poisoned.load_state_dict(small.state_dict())
    calls: list[int] = []
    next(poisoned.blocks[2].children()).register_forward_hook(lambda *_: calls.append(1))
    features = poisoned(images, ("relu2_2",))
    assert list(features) == ["relu2_2"]
    assert calls == []
    torch.testing.assert_close(features["relu2_2"], small(images)["relu2_2"])


@pytest.mark.parametrize("layers", [(), ("relu5_1",)])
def test_unknown_layers_are_refused(small: VggFeatures, layers: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="relu1_2"):
        small(torch.rand(1, 3, 16, 16), layers)


def test_distance_is_a_symmetric_dissimilarity(small: VggFeatures) -> None:
    a, b = torch.rand(3, 3, 32, 32), torch.rand(3, 3, 32, 32)
    distance = vgg_distance(small, a, b)
    assert distance.shape == (3,)
    assert (distance > 0).all()
    assert (distance <= 2).all()
    torch.testing.assert_close(distance, vgg_distance(small, b, a))
    torch.testing.assert_close(vgg_distance(small, a, a), torch.zeros(3))


def test_pairs_are_independent(small: VggFeatures) -> None:
    a, b = torch.rand(3, 3, 32, 32), torch.rand(3, 3, 32, 32)
    single = torch.cat([vgg_distance(small, a[i : i + 1], b[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(vgg_distance(small, a, b), single)
    one = torch.cat([vgg_distance(small, a[i : i + 1], b[:1]) for i in range(3)])
    torch.testing.assert_close(vgg_distance(small, a, b[:1]), one)


def test_distance_is_the_mean_over_layers(small: VggFeatures) -> None:
    a, b = small(torch.rand(1, 3, 32, 32)), small(torch.rand(1, 3, 32, 32))
    each = [feature_distance({name: a[name]}, {name: b[name]}) for name in VGG_LAYERS]
    torch.testing.assert_close(feature_distance(a, b), torch.stack(each).mean(dim=0))


def test_distance_ignores_the_length_of_the_features() -> None:
    a, b = {"x": torch.rand(1, 5, 4, 4) + 1}, {"x": torch.rand(1, 5, 4, 4) + 1}
    torch.testing.assert_close(feature_distance({"x": a["x"] * 7}, b), feature_distance(a, b))


def test_different_sizes_are_refused(small: VggFeatures) -> None:
    with pytest.raises(ValueError, match="equal shapes"):
        vgg_distance(small, torch.rand(1, 3, 32, 32), torch.rand(1, 3, 16, 16))


def test_gradient_reaches_the_image_and_not_the_weights(small: VggFeatures) -> None:
    a = torch.zeros(1, 3, 16, 16, requires_grad=True)  # black: many features are exactly 0
    vgg_distance(small, a, torch.rand(1, 3, 16, 16)).sum().backward()
    assert a.grad is not None
    assert torch.isfinite(a.grad).all()
    assert a.grad.abs().max() > 0
    assert all(not parameter.requires_grad for parameter in small.parameters())


def test_descending_the_gradient_shrinks_the_distance(small: VggFeatures) -> None:
    target = torch.rand(1, 3, 16, 16)
    image = torch.full_like(target, 0.5).requires_grad_()
    before = vgg_distance(small, image, target)
    (slope,) = torch.autograd.grad(before.sum(), image)
    after = vgg_distance(small, image - 0.01 * slope.sign(), target)
    assert after.item() < before.item()


def test_bf16_autocast_and_channels_last_agree_with_float32(vgg: VggFeatures) -> None:
    torch.manual_seed(1)
    a = torch.rand(1, 3, 64, 64)
    b = (a + 0.1 * torch.randn_like(a)).clamp(0, 1)
    expected = vgg_distance(vgg, a, b)
    channels_last = [x.contiguous(memory_format=torch.channels_last) for x in (a, b)]
    torch.testing.assert_close(vgg_distance(vgg, *channels_last), expected, rtol=1e-4, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        half = vgg_distance(vgg, a, b)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, expected, rtol=0.02, atol=0.005)


def test_input_is_red_green_blue(vgg: VggFeatures) -> None:
    """The first convolution sees BGR in 0..255 minus the mean: recomputed here by hand."""
    images = torch.rand(1, 3, 8, 8)
    blue_green_red = images[:, [2, 1, 0]] * 255 - torch.tensor([103.939, 116.779, 123.68]).view(
        1, 3, 1, 1
    )
    first, second = vgg.blocks[0].children()
    expected = second(first(blue_green_red).relu()).relu()
    torch.testing.assert_close(vgg(images, ("relu1_2",))["relu1_2"], expected)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.safetensors"):
        load_vgg_features(tmp_path / "nothing.safetensors")


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match=r"broken\.safetensors"):
        load_vgg_features(broken)


def test_missing_and_misshapen_tensors_are_told(shared: Path, tmp_path: Path) -> None:
    state = load_file(shared / "data" / "weights" / "vgg19_features.safetensors")
    incomplete = tmp_path / "incomplete.safetensors"
    save_file({key: value for key, value in state.items() if key != "25.bias"}, incomplete)
    with pytest.raises(ValueError, match=r"25\.bias"):
        load_vgg_features(incomplete)

    misshapen = tmp_path / "misshapen.safetensors"
    save_file({**state, "7.weight": torch.zeros(128, 128, 1, 1)}, misshapen)
    with pytest.raises(ValueError, match="does not hold VGG19"):
        load_vgg_features(misshapen)
