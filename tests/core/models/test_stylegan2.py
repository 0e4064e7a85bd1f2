"""The GAN prior and its discriminator."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.models.stylegan2 import (
    EqualConv,
    EqualLinear,
    MappingNetwork,
    ModulatedConv,
    StyledConv,
    StyleGAN2Discriminator,
    StyleGAN2Generator,
    ToRGB,
    append_batch_deviation,
    fir_kernel,
)

CHANNELS = {4: 12, 8: 10, 16: 8}


def generator(seed: int = 0, **options: int) -> StyleGAN2Generator:
    torch.manual_seed(seed)
    net = StyleGAN2Generator(CHANNELS, style_size=16, mapping_layers=2, **options).eval()
    with torch.no_grad():  # fresh networks ignore noise and biases
        for block in net.blocks.values():
            for name, parameter in block.named_parameters():
                if name.endswith("noise_strength") or name.split(".")[-1] == "bias":
                    parameter.add_(torch.randn_like(parameter) * 0.1)
    return net


# Modulated convolution


def modulated_per_sample(conv: ModulatedConv, x: Tensor, w: Tensor) -> Tensor:
    """As the paper writes it: one weight tensor a sample, scaled and demodulated."""
    results: list[Tensor] = []
    for sample, code in zip(x, w, strict=True):
        style = code @ conv.style.weight.T / math.sqrt(len(code)) + conv.style.bias
        weight = conv.weight * conv.scale * style[None, :, None, None]
        if conv.demodulate:
            weight = weight * torch.rsqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        if conv.upsample:
            up = F.conv_transpose2d(sample[None], weight.transpose(0, 1), stride=2)
            kernel = fir_kernel(4.0).expand(weight.shape[0], 1, 4, 4)
            results.append(F.conv2d(up, kernel, padding=1, groups=weight.shape[0]))
        else:
            results.append(F.conv2d(sample[None], weight, padding=weight.shape[-1] // 2))
    return torch.cat(results)


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 4),
    channels=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    kernel=st.sampled_from([1, 3]),
    demodulate=st.booleans(),
    upsample=st.booleans(),
    scale=st.sampled_from([1e-3, 1.0, 1e3]),
    seed=st.integers(0, 2**16),
)
def test_modulation_equals_one_weight_tensor_a_sample(
    count: int,
    channels: tuple[int, int],
    kernel: int,
    demodulate: bool,
    upsample: bool,
    scale: float,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    upsample = upsample and kernel == 3
    conv = ModulatedConv(*channels, kernel, 8, demodulate=demodulate, upsample=upsample)
    x, w = torch.randn(count, channels[0], 5, 6), torch.randn(count, 8) * scale
    result = conv(x, w)
    expected = modulated_per_sample(conv, x, w)
    assert result.shape[-2:] == ((10, 12) if upsample else (5, 6))
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())


def test_demodulation_gives_unit_variance_whatever_the_style() -> None:
    torch.manual_seed(0)
    conv = ModulatedConv(64, 64, 3, 16)
    for scale in (0.1, 1.0, 10.0):
        out = conv(torch.randn(2, 64, 32, 32), torch.randn(2, 16) * scale)
        assert out.std().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_large_styles_do_not_overflow_in_half_precision(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    conv = ModulatedConv(16, 16, 3, 8)
    x, w = torch.randn(2, 16, 8, 8) * 10, torch.randn(2, 8) * 1e5
    expected = conv(x, w)
    result = conv(x.to(dtype), w)
    assert result.dtype == dtype
    assert (result.float() - expected).abs().max() / expected.abs().max() < 0.02


def test_the_filter_sums_to_its_gain_and_is_separable() -> None:
    kernel = fir_kernel(4.0)
    assert kernel.sum().item() == pytest.approx(4)
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    torch.testing.assert_close(kernel, torch.outer(taps, taps) / 64 * 4)


def test_equalised_layers_start_with_unit_variance() -> None:
    torch.manual_seed(0)
    assert EqualLinear(256, 256)(torch.randn(64, 256)).std().item() == pytest.approx(1, abs=0.1)
    slow = EqualLinear(256, 256, lr_mul=0.01)
    assert slow.weight.std().item() == pytest.approx(100, rel=0.1)
    assert slow(torch.randn(64, 256)).std().item() == pytest.approx(1, abs=0.1)
    conv = EqualConv(64, 64, 3)
    assert conv(torch.randn(1, 64, 32, 32)).std().item() == pytest.approx(1, abs=0.1)


def test_to_rgb_adds_the_previous_picture_enlarged() -> None:
    torch.manual_seed(0)
    layer = ToRGB(4, 8)
    x, w, previous = torch.randn(2, 4, 8, 8), torch.randn(2, 8), torch.randn(2, 3, 4, 4)
    # Zeros between the samples, two zeros in front and one behind, then the filter.
    spread = torch.zeros(2, 3, 8, 8)
    spread[..., ::2, ::2] = previous
    padded = F.pad(spread, (2, 1, 2, 1))
    enlarged = F.conv2d(padded, fir_kernel(4.0).expand(3, 1, 4, 4), groups=3)
    torch.testing.assert_close(layer(x, w, previous), layer(x, w, None) + enlarged)
    flat = layer(x * 0, w, torch.ones(2, 3, 4, 4))  # a flat picture stays as bright
    torch.testing.assert_close(flat[..., 2:-2, 2:-2], torch.ones(2, 3, 4, 4))


def test_styled_conv_adds_noise_and_bias_before_its_activation() -> None:
    torch.manual_seed(0)
    layer = StyledConv(4, 6, 8)
    with torch.no_grad():
        layer.noise_strength.fill_(0.5)
        layer.bias.copy_(torch.randn(6))
    x, w, noise = torch.randn(2, 4, 5, 5), torch.randn(2, 8), torch.randn(1, 1, 5, 5)
    before = layer.conv(x, w) + 0.5 * noise + layer.bias[:, None, None]
    torch.testing.assert_close(layer(x, w, noise), F.leaky_relu(before, 0.2) * math.sqrt(2))


def test_mapping_ignores_the_length_of_z() -> None:
    torch.manual_seed(0)
    mapping, z = MappingNetwork(16, 3), torch.randn(4, 16)
    torch.testing.assert_close(mapping(z), mapping(z * 7), rtol=1e-4, atol=1e-5)


# Generator


def test_generator_shapes() -> None:
    net = generator()
    assert (net.w_plus_rows, net.image_size) == (6, 16)
    assert [noise.shape[-1] for noise in net.fixed_noise()] == [4, 8, 8, 16, 16]
    assert net.sample(torch.randn(2, 16)).shape == (2, 3, 16, 16)
    detailed = generator(detail_patch=4)
    assert detailed.image_size == 64
    assert detailed.sample(torch.randn(2, 16)).shape == (2, 3, 64, 64)


@pytest.mark.parametrize("channels", [{4: 8, 16: 8}, {8: 8, 16: 8}, {16: 8, 8: 8, 4: 8}])
def test_generator_refuses_gaps_between_resolutions(channels: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="must be 4, 8, 16"):
        StyleGAN2Generator(channels, 16, 2)


def test_noise_is_stored_or_given_and_never_drawn() -> None:
    net = generator()
    w = torch.randn(2, 6, 16)
    out = net(w)
    assert torch.equal(net(w), out)
    assert torch.equal(net(w, noise=net.fixed_noise()), out)
    other = [torch.randn(2, 1, *noise.shape[-2:]) for noise in net.fixed_noise()]  # one a sample
    assert not torch.allclose(net(w, noise=other), out)
    torch.testing.assert_close(
        net(w[1:], noise=[noise[1:] for noise in other]), net(w, noise=other)[1:]
    )


def test_each_w_plus_row_acts_from_its_resolution_on() -> None:
    net = generator()
    w = torch.randn(1, 6, 16)

    def features(codes: Tensor) -> tuple[dict[int, Tensor], Tensor]:
        seen: dict[int, Tensor] = {}

        def keep(resolution: int, x: Tensor) -> Tensor:
            seen[resolution] = x
            return x

        return seen, net(codes, fuse=keep)

    seen, image = features(w)
    # The first row whose change reaches a resolution's features: up-convolutions share the row of
    # the ToRGB before them.
    for row, first in enumerate([4, 8, 8, 16, 16, None]):
        changed = w.clone()
        changed[:, row] += 1
        now, picture = features(changed)
        moved = [r for r in seen if not torch.equal(now[r], seen[r])]
        assert moved == [r for r in seen if first is not None and r >= first], row
        assert not torch.equal(picture, image), row


def test_fused_features_feed_the_next_resolution_but_not_this_picture() -> None:
    net = generator()
    w = torch.randn(1, 6, 16)
    out = net(w)
    at_the_end = net(w, fuse=lambda resolution, x: x * 0 if resolution == 16 else x)
    assert torch.equal(at_the_end, out)
    before = net(w, fuse=lambda resolution, x: x * 0 if resolution == 8 else x)
    assert not torch.allclose(before, out)


def test_generator_samples_are_independent() -> None:
    net = generator()
    w = torch.randn(3, 6, 16)
    singles = torch.cat([net(code[None]) for code in w])
    torch.testing.assert_close(net(w), singles, rtol=1e-4, atol=1e-5)


# Discriminator


def test_discriminator_gives_a_logit_a_picture_and_gradients() -> None:
    torch.manual_seed(0)
    net = StyleGAN2Discriminator(CHANNELS)
    images = torch.randn(4, 3, 16, 16, requires_grad=True)
    logits = net(images)
    assert logits.shape == (4, 1)
    logits.sum().backward()
    assert images.grad is not None
    for name, parameter in net.named_parameters():
        if name != "logit.bias":
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_discriminator_starts_with_features_of_unit_variance() -> None:
    torch.manual_seed(0)
    net = StyleGAN2Discriminator({4: 32, 8: 32, 16: 32})
    x = F.leaky_relu(net.from_rgb(torch.randn(4, 3, 16, 16)), 0.2) * math.sqrt(2)
    for block in net.blocks:
        x = block(x)
        assert 0.5 < x.std().item() < 2


def test_batch_deviation_is_one_number_a_group() -> None:
    torch.manual_seed(0)
    x = torch.randn(8, 5, 4, 4)
    out = append_batch_deviation(x)
    assert out.shape == (8, 6, 4, 4)
    assert torch.equal(out[:, :5], x)
    for first in (0, 1):  # samples 0, 2, 4, 6 and 1, 3, 5, 7
        members = x[first::2]
        expected = (members.var(0, unbiased=False) + 1e-8).sqrt().mean()
        torch.testing.assert_close(out[first::2, 5], expected.expand(4, 4, 4))


@pytest.mark.parametrize(
    ("count", "works"), [(1, True), (3, True), (4, True), (6, False), (8, True)]
)
def test_batches_beyond_a_group_must_be_divisible(count: int, works: bool) -> None:
    x = torch.randn(count, 2, 4, 4)
    if works:
        assert append_batch_deviation(x).isfinite().all()
    else:
        with pytest.raises(ValueError, match="at most 4 or divisible by it; got 6"):
            append_batch_deviation(x)


# Layout and precision


def test_channels_last_gives_the_same() -> None:
    net = generator()
    critic = StyleGAN2Discriminator(CHANNELS)
    w, images = torch.randn(2, 6, 16), torch.randn(2, 3, 16, 16)
    out, logits = net(w), critic(images)
    net.to(memory_format=torch.channels_last)
    critic.to(memory_format=torch.channels_last)
    torch.testing.assert_close(net(w), out, rtol=1e-4, atol=1e-5)
    nhwc = images.to(memory_format=torch.channels_last)
    torch.testing.assert_close(critic(nhwc), logits, rtol=1e-4, atol=1e-5)


def test_autocast_changes_little_and_gives_float32() -> None:
    net = generator()
    critic = StyleGAN2Discriminator(CHANNELS)
    w, images = torch.randn(2, 6, 16), torch.randn(2, 3, 16, 16)
    out, logits = net(w), critic(images)
    with torch.autocast("cpu", torch.bfloat16):
        cast, cast_logits = net(w), critic(images)
    assert cast.dtype == torch.float32
    assert (cast - out).abs().mean() < 0.02 * out.std()
    torch.testing.assert_close(cast_logits.float(), logits, rtol=0.05, atol=0.05)
