"""MobileStyleGAN as a GAN prior: its layers, its windows, and the published one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.checkpoints import load_gan_prior
from panini_core.models.mobile_stylegan import (
    BANDS,
    MobileGenerator,
    Modulation,
    StyledConv,
    StyledSeparableConv,
    ToBands,
    WaveletBlock,
    haar_up,
    mix_channels,
)
from panini_core.models.window import Window

CHANNELS = {4: 16, 8: 12, 16: 8, 32: 8, 64: 6}
ROWS = 10
EQUAL_FORM = 1e-4  # of the output's deviation
PARITY = 1e-3  # of the published weights, which are half floats


def generator(seed: int = 0) -> MobileGenerator:
    torch.manual_seed(seed)
    net = MobileGenerator(CHANNELS, style_size=16, mapping_layers=2).eval()
    with torch.no_grad():  # fresh networks ignore noise and biases
        for name, parameter in net.named_parameters():
            if name.endswith(("noise_strength", ".bias")):
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return net


def codes(count: int = 2, seed: int = 0) -> Tensor:
    return torch.randn(count, ROWS, 16, generator=torch.Generator().manual_seed(seed))


def relative_error(a: Tensor, b: Tensor) -> float:
    """The largest difference over the deviation of `b`."""
    return float((a - b).abs().max() / b.std())


# The Haar transform


def inverse_haar(bands: Tensor) -> Tensor:
    """Pixel by pixel, from whole bands (N, 4 C, h, w): low, lh, hl, hh."""
    low, lh, hl, hh = bands.chunk(4, dim=1)
    count, channels, height, width = low.shape
    image = torch.empty(count, channels, 2 * height, 2 * width)
    image[:, :, 0::2, 0::2] = (low + lh + hl + hh) / 2
    image[:, :, 1::2, 0::2] = (low - lh + hl - hh) / 2
    image[:, :, 0::2, 1::2] = (low + lh - hl - hh) / 2
    image[:, :, 1::2, 1::2] = (low - lh - hl + hh) / 2
    return image


def haar(image: Tensor) -> Tensor:
    """The bands of an image, by the orthonormal Haar transform along rows and columns."""
    above, below = image[:, :, 0::2], image[:, :, 1::2]
    bands: list[Tensor] = []
    for columns in (1, -1):
        for rows in (1, -1):
            lines = above + rows * below
            bands.append((lines[..., 0::2] + columns * lines[..., 1::2]) / 2)
    low, lh, hl, hh = bands
    return torch.cat([low, lh, hl, hh], dim=1)


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 3),
    channels=st.integers(1, 4),
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    seed=st.integers(0, 2**16),
)
def test_the_haar_step_follows_its_formula_and_is_an_inverse(
    count: int, channels: int, size: tuple[int, int], seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    bands = torch.randn(count, 4 * channels, *size, generator=random)
    image = haar_up(bands / 2)
    assert image.shape == (count, channels, 2 * size[0], 2 * size[1])
    torch.testing.assert_close(image, inverse_haar(bands))
    torch.testing.assert_close(haar(image), bands)
    torch.testing.assert_close(haar_up(haar(image) / 2), image)


def test_the_haar_step_keeps_energy_and_layout() -> None:
    bands = torch.randn(2, 12, 4, 4)
    assert haar_up(bands / 2).square().sum().item() == pytest.approx(bands.square().sum().item())
    nhwc = haar_up(bands.to(memory_format=torch.channels_last) / 2)
    assert nhwc.is_contiguous(memory_format=torch.channels_last)


# Modulation


def plain_separable(layer: StyledSeparableConv, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
    """As the paper has it: scale the maps, then depthwise, then pointwise."""
    scale = w @ layer.style.weight.T + layer.style.bias
    x = F.conv2d(x * scale[:, :, None, None], layer.depthwise, padding=1, groups=x.shape[1])
    x = F.conv2d(x, layer.pointwise[:, :, None, None])
    x = x + layer.noise_strength * noise + layer.bias[:, None, None]
    return F.leaky_relu(x, 0.2)


def plain_picture(net: MobileGenerator, w_plus: Tensor, *, size: int) -> Tensor:
    """The whole generator in the plain form."""
    noises = net.fixed_noise()
    start: StyledConv = net.conv
    x = net.constant * (w_plus[:, 0] @ start.style.weight.T + start.style.bias)[:, :, None, None]
    x = F.conv2d(x, start.weight, padding=1) + start.noise_strength * noises[0]
    x = F.leaky_relu(x + start.bias[:, None, None], 0.2)
    for index, block in enumerate(net.blocks.values()):
        assert isinstance(block, WaveletBlock)
        first, second = w_plus[:, 1 + 2 * index], w_plus[:, 2 + 2 * index]
        up: Modulation = block.up
        x = inverse_haar(x * (first @ up.weight.T + up.bias)[:, :, None, None])
        x = plain_separable(block.conv1, x, first, noises[1 + 2 * index])
        x = plain_separable(block.conv2, x, second, noises[2 + 2 * index])
    last: ToBands = net.to_bands
    x = x * (w_plus[:, -1] @ last.style.weight.T + last.style.bias)[:, :, None, None]
    bands = F.conv2d(x, last.weight[:, :, None, None], last.bias)
    return bands[:, :3] / 2 if size == net.image_size else inverse_haar(bands)


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 4),
    channels=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    loudness=st.sampled_from([1e-2, 1.0, 1e2]),  # of the codes
    seed=st.integers(0, 2**16),
)
def test_modulation_inside_pointwise_weights_equals_the_plain_form(
    count: int, channels: tuple[int, int], loudness: float, seed: int
) -> None:
    torch.manual_seed(seed)
    layer = StyledSeparableConv(*channels, style_size=8)
    with torch.no_grad():
        layer.noise_strength.fill_(0.3)
        layer.bias.normal_()
    x, w = torch.randn(count, channels[0], 6, 6), torch.randn(count, 8) * loudness
    noise = torch.randn(1, 1, 6, 6)
    with torch.no_grad():
        out, expected = layer(x, w, noise), plain_separable(layer, x, w, noise)
    assert relative_error(out, expected) < EQUAL_FORM


@pytest.mark.parametrize("size", [64, 128])
def test_the_generator_equals_its_plain_form(size: int) -> None:
    net = generator()
    with torch.no_grad():
        out, expected = net(codes(), size=size), plain_picture(net, codes(), size=size)
    assert out.shape == expected.shape == (2, 3, size, size)
    assert relative_error(out, expected) < EQUAL_FORM


def test_channels_are_mixed_by_matrices_of_each_samples_own() -> None:
    torch.manual_seed(0)
    x, weight, scale = torch.randn(3, 4, 2, 5), torch.randn(6, 4), torch.randn(3, 4)
    for shift in (torch.randn(1, 6, 1, 1), torch.randn(1, 6, 2, 5), torch.randn(3, 6, 2, 5)):
        expected = torch.einsum("oi,ni,nihw->nohw", weight, scale, x) + shift
        torch.testing.assert_close(mix_channels(x, weight, scale, shift), expected)


def test_scales_are_computed_in_float32() -> None:
    torch.manual_seed(0)
    layer, w = Modulation(16, 8), torch.randn(3, 16)
    expected = w @ layer.weight.T + layer.bias
    with torch.autocast("cpu", torch.bfloat16):
        scale = layer(w)
    assert scale.dtype == torch.float32
    torch.testing.assert_close(scale, expected)


# Generator


def test_generator_shapes() -> None:
    net = generator()
    assert (net.w_plus_rows, net.image_size, net.resolutions) == (ROWS, 64, (4, 8, 16, 32, 64))
    sides = [noise.shape[-1] for noise in net.fixed_noise()]
    assert sides == [4, 8, 8, 16, 16, 32, 32, 64, 64]
    assert net.mean_latent.shape == (16,)
    assert not net.mean_latent.any()  # a new one does not know
    pictures = net(codes())
    assert pictures.shape == (2, 3, 64, 64)
    assert pictures.dtype == torch.float32
    assert net(codes(), size=64).equal(pictures)
    assert net(codes(), size=128).shape == (2, 3, 128, 128)


def test_a_sample_has_one_mapped_code_in_all_rows() -> None:
    net, z = generator(), torch.randn(2, 16)
    w = net.mapping(z)
    assert torch.equal(net.sample(z), net(torch.stack([w] * ROWS, dim=1)))


def test_the_small_picture_is_the_mean_of_the_large_ones_pixels() -> None:
    net = generator()
    with torch.no_grad():
        small, large = net(codes()), net(codes(), size=128)
    torch.testing.assert_close(F.avg_pool2d(large, 2), small, rtol=0, atol=1e-5)
    details = large - F.interpolate(small, scale_factor=2, mode="nearest")
    assert details.std() > 0.1 * small.std()


@pytest.mark.parametrize("size", [0, 32, 63, 96, 256])
def test_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=rf"64 px, or 128 with its details; got size={size}"):
        generator()(codes(), size=size)


@pytest.mark.parametrize("shape", [(2, 16), (2, ROWS - 1, 16), (2, ROWS + 1, 16), (2, ROWS, 8)])
def test_codes_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"\(N, {ROWS}, 16\) for this generator, got"):
        generator()(torch.zeros(shape))


@pytest.mark.parametrize("channels", [{4: 8, 16: 8}, {8: 8, 16: 8}, {16: 8, 8: 8, 4: 8}])
def test_gaps_between_resolutions_are_refused(channels: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="must be 4, 8, 16"):
        MobileGenerator(channels, 16, 2)


def test_widths_that_cannot_be_split_into_bands_are_refused() -> None:
    with pytest.raises(ValueError, match=rf"split into {BANDS} bands must divide; got \[10, 6\]"):
        MobileGenerator({4: 10, 8: 6, 16: 8}, 16, 2)
    MobileGenerator({4: 8, 8: 6}, 16, 2)  # the last features are not split


def test_noise_is_stored_or_given_and_never_drawn() -> None:
    net, w = generator(), codes()
    out = net(w)
    assert torch.equal(net(w), out)
    assert torch.equal(net(w, noise=net.fixed_noise()), out)
    for index in range(len(net.fixed_noise())):  # each one is seen
        other = net.fixed_noise()
        other[index] = torch.zeros_like(other[index])
        assert not torch.equal(net(w, noise=other), out), index
    own = [torch.randn(2, 1, *noise.shape[-2:]) for noise in net.fixed_noise()]  # one a sample
    torch.testing.assert_close(
        net(w[1:], noise=[noise[1:] for noise in own]), net(w, noise=own)[1:], rtol=0, atol=1e-5
    )


def seen_features(net: MobileGenerator, w_plus: Tensor) -> tuple[dict[int, Tensor], Tensor]:
    """The features after every resolution, in the order of the calls, and the picture."""
    seen: dict[int, Tensor] = {}

    def keep(resolution: int, x: Tensor) -> Tensor:
        assert resolution not in seen
        seen[resolution] = x
        return x

    return seen, net(w_plus, fuse=keep)


def test_fuse_is_called_once_a_resolution_in_order() -> None:
    net = generator()
    seen, picture = seen_features(net, codes())
    assert list(seen) == list(CHANNELS)
    for resolution, width in CHANNELS.items():
        assert seen[resolution].shape == (2, width, resolution, resolution)
    assert torch.equal(picture, net(codes()))
    assert torch.equal(net.synthesise(codes()), seen[64])


def test_fused_features_feed_everything_after_them() -> None:
    net, w = generator(), codes()
    seen, picture = seen_features(net, w)
    for resolution in CHANNELS:
        now: dict[int, Tensor] = {}

        def double(side: int, x: Tensor, at: int = resolution, into: Any = now) -> Tensor:
            into[side] = 2 * x if side == at else x
            return into[side]

        assert not torch.equal(net(w, fuse=double), picture), resolution
        changed = [side for side in now if not torch.equal(now[side], seen[side])]
        assert changed == [side for side in CHANNELS if side >= resolution]


def test_each_w_plus_row_acts_from_its_resolution_on() -> None:
    net, w = generator(), codes(1)
    seen, picture = seen_features(net, w)
    first = {0: 4, **{row: 8 * 2 ** ((row - 1) // 2) for row in range(1, ROWS - 1)}, ROWS - 1: None}
    for row, resolution in first.items():
        changed = w.clone()
        changed[:, row] += 1
        now, moved = seen_features(net, changed)
        different = [side for side in seen if not torch.equal(now[side], seen[side])]
        assert different == [s for s in seen if resolution is not None and s >= resolution], row
        assert not torch.equal(moved, picture), row


def test_a_blocks_two_convolutions_have_rows_of_their_own() -> None:
    """Row 1 + 2 i: the enlargement and the first convolution; row 2 + 2 i: the second."""
    net = generator()
    block = net.blocks["16"]
    assert isinstance(block, WaveletBlock)
    used: dict[str, Tensor] = {}
    for name, layer in (
        ("up", block.up),
        ("conv1", block.conv1.style),
        ("conv2", block.conv2.style),
    ):
        layer.register_forward_pre_hook(lambda _, inputs, name=name: used.update({name: inputs[0]}))
    w = codes()
    net(w)
    for name, row in (("up", 3), ("conv1", 3), ("conv2", 4)):
        assert torch.equal(used[name], w[:, row]), name


def test_samples_are_independent() -> None:
    net, w = generator(), codes(3)
    singles = torch.cat([net(code[None]) for code in w])
    torch.testing.assert_close(net(w), singles, rtol=0, atol=1e-5)


def test_synthesis_may_end_early() -> None:
    net, w = generator(), codes()
    seen, _ = seen_features(net, w)
    for resolution in CHANNELS:
        assert torch.equal(net.synthesise(w, up_to=resolution), seen[resolution])


def test_gradient_reaches_everything_but_the_mapping() -> None:
    net = generator()
    net(codes(), size=128).square().mean().backward()
    for name, parameter in net.named_parameters():
        if name.startswith("mapping."):
            assert parameter.grad is None, name
            continue
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_a_silenced_generator_draws_nothing() -> None:
    net = MobileGenerator(CHANNELS, 16, 2)
    net.silence()
    for size in (64, 128):
        assert not net(codes(), size=size).any()


# Windows


@settings(max_examples=20, deadline=None)
@given(data=st.data(), size=st.sampled_from([64, 128]))
def test_a_window_is_equal_to_that_of_the_whole_picture(data: st.DataObject, size: int) -> None:
    resolution = data.draw(st.sampled_from([8, 16, 32, 64]))
    side = data.draw(st.integers(5, resolution))
    top, left = (data.draw(st.integers(0, resolution - side)) for _ in range(2))
    # The convolutions after the cut reach 2 + 1 + 1/2 + … < 4 of the finest features a side.
    window = Window(resolution, top, left, side, margin=2)
    net, w = generator(), codes()
    image = torch.randn(2, 8, 32, 32)  # features that are mixed in, at a resolution after the cut

    def fuse(at: int, x: Tensor) -> Tensor:
        if at != 32:
            return x
        return (x + (window.cut(image) if resolution < 32 else image)) / 2

    def fuse_whole(at: int, x: Tensor) -> Tensor:
        return (x + image) / 2 if at == 32 else x

    with torch.no_grad():
        whole = net(w, size=size, fuse=fuse_whole)
        features = net.synthesise(w, fuse=fuse, window=window)
        part = net.to_image(features, w, size=size)
    scale = size // resolution
    assert part.shape == (2, 3, side * scale, side * scale)
    torch.testing.assert_close(window.trim(part), window.inner(whole), rtol=0, atol=1e-5)


def test_a_window_without_a_margin_differs_at_its_border() -> None:
    net, w, window = generator(), codes(), Window(16, 4, 4, 8)
    part = net.to_image(net.synthesise(w, window=window), w)
    assert not torch.allclose(part, window.cut(net(w)), atol=1e-3)


def test_noise_of_a_sample_is_cut_as_well() -> None:
    net, w, window = generator(), codes(), Window(16, 2, 6, 10, margin=2)
    noise = [torch.randn(2, 1, *image.shape[-2:]) for image in net.fixed_noise()]
    part = net.to_image(net.synthesise(w, noise=noise, window=window), w)
    whole = net(w, noise=noise)
    torch.testing.assert_close(window.trim(part), window.inner(whole), rtol=0, atol=1e-5)


def test_unknown_resolutions_are_refused() -> None:
    net = generator()
    with pytest.raises(ValueError, match="features have 4, 8, 16, 32, 64 px, not 24"):
        net.synthesise(codes(), up_to=24)
    with pytest.raises(ValueError, match="not 128"):
        net.synthesise(codes(), window=Window(128, 0, 0, 8))


# Precision

PRECISIONS = {
    "bfloat16": (torch.bfloat16, 0.02),
    "float16": (torch.float16, 0.004),
}


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS.values(), ids=PRECISIONS)
@pytest.mark.parametrize("how", ["autocast", "parameters"])
def test_half_precision_is_close(dtype: torch.dtype, tolerance: float, how: str) -> None:
    net, w = generator(), codes()
    with torch.no_grad():
        expected = net(w, size=128)
        if how == "autocast":
            with torch.autocast("cpu", dtype):
                out = net(w, size=128)
        else:
            out = net.to(dtype)(w, size=128)
    assert out.dtype == torch.float32
    assert (out - expected).abs().mean() < tolerance * expected.std()


def test_features_keep_the_precision_of_the_parameters() -> None:
    net = generator().to(torch.bfloat16)
    for features in seen_features(net, codes())[0].values():
        assert features.dtype == torch.bfloat16
    noise = [image.float() for image in net.fixed_noise()]  # whatever that of the noise
    assert net.synthesise(codes(), noise=noise).dtype == torch.bfloat16


# The published one


@pytest.fixture(scope="module")
def published_file(shared: Path) -> Path:
    path = shared / "data" / "weights" / "mobilestylegan_ffhq.safetensors"
    if not path.is_file():
        pytest.skip(f"needs the published prior: no {path}")
    return path


@pytest.fixture(scope="module")
def published(published_file: Path) -> MobileGenerator:
    prior = load_gan_prior(published_file)
    assert isinstance(prior, MobileGenerator)
    return prior


@pytest.fixture(scope="module")
def recorded(shared: Path) -> dict[str, Tensor]:
    path = shared / "fixtures" / "mobilestylegan.npz"
    if not path.is_file():
        pytest.skip(f"needs recorded pictures: no {path}")
    with np.load(path) as arrays:
        return {name: torch.from_numpy(array) for name, array in arrays.items()}


@pytest.fixture(scope="module")
def drawn(published: MobileGenerator, recorded: dict[str, Tensor]) -> dict[int, Tensor]:
    """The pictures of the recorded codes by their size, from one synthesis."""
    w_plus = recorded["w"][:, None].expand(-1, published.w_plus_rows, -1)
    with torch.inference_mode():
        features = published.synthesise(w_plus)
        return {size: published.to_image(features, w_plus, size=size) for size in (512, 1024)}


def test_published_codes(published: MobileGenerator, recorded: dict[str, Tensor]) -> None:
    with torch.inference_mode():
        w = published.mapping(recorded["z"])
    assert (w - recorded["w"]).abs().max() < PARITY
    # What is called the mean is nearer to all codes than they are to each other.
    spread = (w[0] - w[1]).norm()
    assert ((w - published.mean_latent).norm(dim=1) < spread).all()


def test_published_pictures(drawn: dict[int, Tensor], recorded: dict[str, Tensor]) -> None:
    small, large = drawn[512], drawn[1024]
    assert (small[:, :, ::4, ::4] - recorded["image_512"]).abs().max() < PARITY
    window = large[:, :, 400:464, 400:464]
    assert (window - recorded["crop_1024"]).abs().max() < PARITY
    assert (large.mean((2, 3)) - recorded["mean"]).abs().max() < PARITY
    assert (large.std((2, 3)) - recorded["std"]).abs().max() < PARITY
    torch.testing.assert_close(F.avg_pool2d(large, 2), small, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS.values(), ids=PRECISIONS)
@pytest.mark.parametrize("how", ["autocast", "parameters"])
def test_the_published_prior_in_half_precision(
    published_file: Path,
    published: MobileGenerator,
    drawn: dict[int, Tensor],
    recorded: dict[str, Tensor],
    dtype: torch.dtype,
    tolerance: float,
    how: str,
) -> None:
    window = Window(64, 28, 28, 8, margin=2)  # all layers, little to compute
    w_plus = recorded["w"][:1, None].expand(-1, published.w_plus_rows, -1)
    with torch.inference_mode():
        if how == "autocast":
            with torch.autocast("cpu", dtype):
                features = published.synthesise(w_plus, window=window)
                out = published.to_image(features, w_plus, size=1024)
        else:
            half = load_gan_prior(published_file, dtype=dtype)
            assert isinstance(half, MobileGenerator)
            out = half.to_image(half.synthesise(w_plus, window=window), w_plus, size=1024)
    whole = drawn[1024][:1]
    assert out.isfinite().all()
    error = (window.trim(out) - window.inner(whole)).abs().mean()
    assert error < tolerance * whole.std()


def test_a_window_of_the_published_picture(
    published: MobileGenerator, drawn: dict[int, Tensor], recorded: dict[str, Tensor]
) -> None:
    window = Window(64, 20, 31, 12, margin=2)
    w_plus = recorded["w"][:, None].expand(-1, published.w_plus_rows, -1)
    with torch.inference_mode():
        features = published.synthesise(w_plus, window=window)
        for size, whole in drawn.items():
            part = window.trim(published.to_image(features, w_plus, size=size))
            torch.testing.assert_close(part, window.inner(whole), rtol=0, atol=1e-5)
