"""The configuration, and the whole network in its smallest size."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from panini_core.models.dafi import interpolate_bands, weigh_bands
from panini_core.models.mobile_stylegan import MobileGenerator
from panini_core.models.panini import PRESETS, PaniniConfig, PaniniNet
from panini_core.models.stylegan2 import StyleGAN2Generator
from panini_core.models.window import Window

TINY = PaniniConfig.preset("tiny")
MOBILE = PaniniConfig.preset("tiny-mobile")
SIZE_LIMITS = {"compact": 32e6, "mobile": 48e6}  # bytes in half precision
COST_LIMIT = 35e9  # floating-point operations a face of 512 px


def network(config: PaniniConfig = TINY, seed: int = 0) -> PaniniNet:
    torch.manual_seed(seed)
    net = PaniniNet(config).eval()
    with torch.no_grad():  # a picture, noise and statistics that are seen
        for name, parameter in net.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.1)
            if (
                name.endswith(("to_rgb.conv.weight", "latent_head.directions"))
                or ".detail." in name
            ):
                parameter.normal_(0, 0.3)
        for name, buffer in net.named_buffers():
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return net


def faces(count: int = 2, size: int = 64) -> torch.Tensor:
    return torch.rand(count, 3, size, size) * 2 - 1


LEARNED = dataclasses.replace(TINY, learned_degradation=True)
WHOLE_PICTURE = dataclasses.replace(TINY, picture_bands=0)
WITH_EXTRACTOR = dataclasses.replace(
    TINY, input_patch=1, extractor_blocks=1, attention_hidden=2, stem=((6, 1), (6, 2), (8, 2))
)
CONFINED = dataclasses.replace(TINY, degradation_discriminants=3)
MOBILE_LARGE = dataclasses.replace(MOBILE, detail_patch=2)  # twice the input
VARIANTS = {
    "tiny": TINY,
    "learned": LEARNED,
    "whole picture": WHOLE_PICTURE,
    "extractor": WITH_EXTRACTOR,
    "discriminants": CONFINED,
    "mobile": MOBILE,
    "large mobile": MOBILE_LARGE,
}
each_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)


# Configuration


@pytest.mark.parametrize("name", PRESETS)
def test_configuration_round_trip(name: str) -> None:
    config = PaniniConfig.preset(name)
    assert PaniniConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert hash(config) == hash(PaniniConfig.from_dict(config.to_dict()))


@pytest.mark.parametrize(
    ("name", "size", "parameters", "result"),
    [("official-mfr", 512, 94_339_836, 1024), ("official-sr", 64, 108_847_096, 1024)],
)
def test_official_presets_have_the_published_size(
    name: str, size: int, parameters: int, result: int
) -> None:
    config = PaniniConfig.preset(name)
    with torch.device("meta"):
        net = PaniniNet(config)
    assert sum(parameter.numel() for parameter in net.parameters()) == parameters
    assert (config.input_size, config.output_size) == (size, result)
    assert config.interpolated_channels == (512,) * 5


@pytest.mark.parametrize("name", SIZE_LIMITS)
def test_the_shipped_networks_stay_small(name: str) -> None:
    with torch.device("meta"):
        net = PaniniNet(PaniniConfig.preset(name))
    assert sum(2 * tensor.numel() for tensor in net.state_dict().values()) < SIZE_LIMITS[name]
    assert net.config.output_size == net.config.input_size == 512


def test_a_face_costs_little() -> None:
    with torch.device("meta"):
        net, images = PaniniNet(PaniniConfig.preset("mobile")).eval(), faces(1, 512)
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            restored = net(images)
    assert restored.shape == (1, 3, 512, 512)
    assert 0.5 * COST_LIMIT < counter.get_total_flops() < COST_LIMIT  # it counted


def test_the_mobile_presets_fuse_the_levels_that_have_faders() -> None:
    config = PaniniConfig.preset("mobile")
    assert config.prior_channels == (512, 512, 512, 512, 512, 256, 128, 64)  # as published
    assert config.interpolated_channels == (512,) * 5 + (256,) + (3,) * 5  # 4 px to 128 px
    for name in ("mobile", "tiny-mobile"):
        config = PaniniConfig.preset(name)
        assert (config.prior, config.interpolated_picture) == ("mobile", True)
        with torch.device("meta"):
            net = PaniniNet(config)
        assert isinstance(net.gan_prior, MobileGenerator)
        assert net.gan_prior.image_size == config.output_size == config.input_size
    with torch.device("meta"):
        assert isinstance(PaniniNet(TINY).gan_prior, StyleGAN2Generator)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stem": ((9, 1),)}, "stem must end with the width of the finest fused level .8., got 9"),
        ({"level_channels": (12, 10, 8, 8)}, "4 fused levels need as many generator resolutions"),
        ({"degradation_size": 20}, "last degradation layer must have 20 channels, got 16"),
        ({"detail_patch": 2}, "need an output as large as the input .64., got 32"),
        (
            {"picture_bands": 7},
            "7 picture bands need an input_size that can be halved as often",
        ),
        ({"input_size": 128}, "need an input_size of 64, got 128"),
        ({"input_patch": 2}, "need an input_size of 32, got 64"),
        ({"degradation_discriminants": 17}, "At most 16 discriminants .* got 17"),
        ({"stem": ((8, 2),)}, "need an input_size of 128, got 64"),
    ],
)
def test_a_configuration_that_describes_no_network_is_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        PaniniConfig.from_dict({**TINY.to_dict(), **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prior": "stylegan3"}, "prior must be one of stylegan2, mobile, got 'stylegan3'"),
        ({"detail_patch": 4}, "detail_patch must be 1 or 2, got 4"),
        ({"picture_bands": 8}, "7 picture bands .* can be halved as often, got 64"),
        ({"prior_channels": (12, 12, 8, 8)}, "output as large as the input .64., got"),
    ],
)
def test_a_mobile_configuration_that_describes_no_network_is_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        PaniniConfig.from_dict({**MOBILE.to_dict(), **changes})


def test_the_coarsest_of_interpolated_bands_takes_no_halving() -> None:
    whole = dataclasses.replace(MOBILE, picture_bands=7)  # 64 px can be halved six times
    with torch.no_grad():
        restored = network(whole)(faces(1))
    assert restored.shape == (1, 3, 64, 64)
    with pytest.raises(ValueError, match="7 picture bands"):
        dataclasses.replace(whole, interpolated_picture=False)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"No preset named 'large'; there are official-mfr"):
        PaniniConfig.preset("large")
    with pytest.raises(ValueError, match="Unknown fields in a PaniniConfig: depth, width"):
        PaniniConfig.from_dict({**TINY.to_dict(), "width": 1, "depth": 2})


# Forward


@each_variant
def test_shapes_and_ranges(config: PaniniConfig) -> None:
    net = network(config)
    images = faces(2, config.input_size)
    degradation = net.encode_degradation(images)
    alpha = net.predict_alpha(degradation)
    assert degradation.shape == (2, 16)
    assert alpha.shape == (2, 3 + config.picture_bands, 12)
    assert ((alpha >= 0) & (alpha <= 1)).all()
    assert config.interpolated_channels == config.prior_channels[:3] + (3,) * config.picture_bands
    out = net(images)
    assert out.shape == (2, 3, config.output_size, config.output_size)
    assert out.dtype == torch.float32
    assert (net.device.type, net.dtype) == ("cpu", torch.float32)


@each_variant
def test_samples_are_independent_in_eval_mode(config: PaniniConfig) -> None:
    net, images = network(config), faces(3, config.input_size)
    with torch.no_grad():
        singles = torch.cat([net(image[None]) for image in images])
        torch.testing.assert_close(net(images), singles, rtol=1e-4, atol=1e-5)


@each_variant
def test_alpha_is_predicted_from_the_images_unless_given(config: PaniniConfig) -> None:
    net, images = network(config), faces(2, config.input_size)
    alpha = net.predict_alpha(net.encode_degradation(images))
    out = net(images)
    assert torch.equal(net(images, alpha), out)
    assert not torch.allclose(net(images, 1 - alpha), out)


def test_each_sample_has_its_own_alpha() -> None:
    net, images = network(), faces(2)
    alpha = torch.rand(2, 5, 12)
    both = net(images, alpha)
    torch.testing.assert_close(net(images[1:], alpha[1:]), both[1:], rtol=1e-4, atol=1e-5)


def test_alpha_1_uses_the_prior_alone() -> None:
    net, images = network(WHOLE_PICTURE), faces(2)
    _, w_plus = net.image_encoder(images)
    torch.testing.assert_close(net(images, torch.ones(2, 3, 12)), net.gan_prior(w_plus))


def test_alpha_0_uses_the_image_alone() -> None:
    net, images = network(WHOLE_PICTURE), faces(2)
    features, w_plus = net.image_encoder(images)

    def image_only(resolution: int, prior: torch.Tensor) -> torch.Tensor:
        level = net.gan_prior.resolutions.index(resolution)
        return net.feature_interpolation.convs[level](features[level])

    expected = net.gan_prior(w_plus, fuse=image_only)
    torch.testing.assert_close(net(images, torch.zeros(2, 3, 12)), expected)


def test_the_picture_is_added_as_far_as_alpha_leaves_it() -> None:
    net, images = network(), faces(2)
    prior = network(WHOLE_PICTURE)
    rest = {k: v for k, v in net.state_dict().items() if "predictor.logits" not in k}
    prior.load_state_dict(rest, strict=False)
    alpha = torch.rand(2, 5, 12)
    drawn = prior(images, alpha[:, :3])
    torch.testing.assert_close(
        net(images, alpha), drawn + weigh_bands(images, 1 - alpha[:, 3:, :3])
    )
    alpha[:, 3:] = 0
    torch.testing.assert_close(net(images, alpha), drawn + images, rtol=1e-4, atol=1e-4)


def test_a_new_network_with_picture_bands_draws_nothing() -> None:
    torch.manual_seed(0)
    images, alpha = faces(2), torch.zeros(2, 5, 12)
    torch.testing.assert_close(PaniniNet(TINY).eval()(images, alpha), images)


def test_only_the_documented_channels_of_alpha_are_used() -> None:
    net, images = network(), faces(2)
    alpha = torch.rand(2, 5, 12)
    out = net(images, alpha)
    for level, used in enumerate(TINY.interpolated_channels):
        other = alpha.clone()
        other[:, level, used:] = 0.123  # nothing
        assert torch.equal(net(images, other), out), level
        other[:, level, used - 1] = 1 - alpha[:, level, used - 1]
        assert not torch.equal(net(images, other), out), level


def test_a_learned_degradation_is_the_same_for_every_image() -> None:
    net = network(LEARNED)
    degradation = net.encode_degradation(faces(3))
    assert torch.equal(degradation[0], degradation[2])
    assert torch.equal(degradation[:1], net.learned_degradation)
    assert net.degradation_encoder is None


def test_noise_is_stored_or_given_and_never_drawn() -> None:
    net, images = network(), faces(1)
    out = net(images)
    assert torch.equal(net(images), out)
    assert torch.equal(net(images, noise=net.gan_prior.fixed_noise()), out)
    silent = [torch.zeros_like(noise) for noise in net.gan_prior.fixed_noise()]
    assert not torch.equal(net(images, noise=silent), out)


@each_variant
def test_gradient_reaches_every_part_that_restoration_uses(config: PaniniConfig) -> None:
    net = network(config).train()
    loss = net(faces(2, config.input_size)).square().mean()
    loss.backward()
    unused = ("gan_prior.mapping.", "degradation_encoder.projection.")
    for name, parameter in net.named_parameters():
        if name.startswith(unused):
            assert parameter.grad is None, name
            continue
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        # BatchNorm over the batch takes away a bias before it.
        if not (name.startswith("degradation_encoder.features") and name.endswith("bias")):
            assert parameter.grad.abs().sum() > 0, name


# MobileStyleGAN as the prior


def drawing(net: PaniniNet, images: Tensor, alpha: Tensor, size: int) -> Tensor:
    """What the prior draws over the image's features, before the picture comes in."""
    features, w_plus = net.image_encoder(images)
    return net.gan_prior(w_plus, size=size, fuse=net.fusion(features, alpha))


def random_alpha(config: PaniniConfig, count: int = 2) -> Tensor:
    channels = config.interpolated_channels
    return torch.rand(count, len(channels), max(channels))


def test_the_picture_is_interpolated_band_by_band() -> None:
    net, images, alpha = network(MOBILE), faces(2), random_alpha(MOBILE)
    drawn = drawing(net, images, alpha, 64)
    expected = interpolate_bands(drawn, images, alpha[:, 3:, :3])
    torch.testing.assert_close(net(images, alpha), expected)
    alpha[:, 3:] = 0  # nothing of what was drawn, whatever the levels
    assert torch.equal(net(images, alpha), images)
    alpha[:, 3:] = 1
    torch.testing.assert_close(net(images, alpha), drawn, rtol=0, atol=1e-4)


def test_the_prior_of_a_new_network_draws_unless_the_picture_is_added_to_it() -> None:
    torch.manual_seed(0)
    z = torch.randn(1, 16)
    assert PaniniNet(MOBILE).gan_prior.sample(z).any()
    assert not PaniniNet(TINY).gan_prior.sample(z).any()


@pytest.mark.parametrize("config", [MOBILE, MOBILE_LARGE], ids=["small", "large"])
def test_the_size_of_the_result_is_chosen_by_call(config: PaniniConfig) -> None:
    net, images, alpha = network(config), faces(2), random_alpha(config)
    small, large = (net(images, alpha, size=size) for size in (64, 128))
    assert (small.shape[-1], large.shape[-1]) == (64, 128)
    torch.testing.assert_close(net(images, alpha), net(images, alpha, size=config.output_size))
    # The same picture: the coarse one is the mean of the fine one's pixels.
    torch.testing.assert_close(F.avg_pool2d(large, 2), small, rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match="64 px, or 128 with its details; got size=256"):
        net(images, alpha, size=256)
    with pytest.raises(ValueError, match="images have 64 px, not 128"):
        network(TINY)(images, size=128)


@pytest.mark.parametrize("config", [MOBILE, TINY], ids=["interpolated", "added"])
def test_a_picture_has_nothing_to_say_about_detail_beyond_its_grid(config: PaniniConfig) -> None:
    net, images, alpha = network(config), faces(2), random_alpha(config)
    drawn = torch.randn(2, 3, 128, 128)
    coarse = F.avg_pool2d(drawn, 2)
    mixed = net.mix_picture(drawn, images, alpha)
    expected = net.mix_picture(coarse, images, alpha)  # the pictures' own size
    torch.testing.assert_close(F.avg_pool2d(mixed, 2), expected)
    detail = drawn - F.interpolate(coarse, scale_factor=2, mode="nearest")
    kept = mixed - F.interpolate(expected, scale_factor=2, mode="nearest")
    torch.testing.assert_close(kept, detail, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [32, 96])
def test_pictures_and_drawings_that_share_no_grid_are_refused(size: int) -> None:
    net = network(MOBILE)
    with pytest.raises(ValueError, match=f"picture's 64 px or a multiple of it, got {size} px"):
        net.mix_picture(torch.zeros(1, 3, size, size), faces(1), random_alpha(MOBILE, 1))
    fine_input = dataclasses.replace(MOBILE_LARGE, input_size=128, input_patch=8)
    with pytest.raises(ValueError, match="ask for another size"):
        network(fine_input)(faces(1, 128), size=64)


def test_a_network_without_bands_leaves_the_drawing() -> None:
    net, drawn = network(WHOLE_PICTURE), torch.randn(2, 3, 64, 64)
    assert net.mix_picture(drawn, faces(2), random_alpha(WHOLE_PICTURE)) is drawn


def test_features_are_fused_in_a_window_as_in_the_whole_face() -> None:
    net, images, alpha = network(MOBILE), faces(2), random_alpha(MOBILE)
    for resolution in (8, 16, 32):  # before, at and after the finest fused level
        window = Window(resolution, 1, 2, 6, margin=2)
        with torch.no_grad():
            features, w_plus = net.image_encoder(images)
            prior = net.gan_prior
            assert isinstance(prior, MobileGenerator)
            fuse = net.fusion(features, alpha, window)
            part = prior.to_image(prior.synthesise(w_plus, fuse=fuse, window=window), w_plus)
            whole = drawing(net, images, alpha, 64)
        torch.testing.assert_close(window.trim(part), window.inner(whole), rtol=0, atol=1e-4)


def test_training_keeps_the_mean_latent_that_a_gan_knows() -> None:
    net = network(MOBILE).train()
    images = faces(2)
    with torch.no_grad():
        net(images)
        followed = net.image_encoder(images)[1].mean(0)
        torch.testing.assert_close(net.mean_latent, followed)  # the prior knows none yet
        own = net.gan_prior.mean_latent
        assert own is not None
        own.normal_()
        for _ in range(2):
            net(images)
            assert torch.equal(net.mean_latent, own.expand(net.gan_prior.w_plus_rows, -1))


# Wrong input


@pytest.mark.parametrize(
    "shape", [(3, 64, 64), (1, 3, 64, 32), (1, 1, 64, 64), (1, 3, 128, 128), (1, 64, 64, 3)]
)
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    net = network()
    for call in (net, net.encode_degradation):
        with pytest.raises(ValueError, match=r"aligned faces \(N, 3, 64, 64\).*align or resize"):
            call(torch.zeros(shape))


def test_alpha_and_degradation_of_another_shape_are_refused() -> None:
    net, images = network(), faces(2)
    for shape in [(1, 5, 12), (2, 4, 12), (2, 5, 11), (5, 12)]:
        with pytest.raises(ValueError, match=r"\(N, L, C\) = \(2, 5, 12\).*got"):
            net(images, torch.zeros(shape))
    for shape in [(2, 256), (16,)]:
        with pytest.raises(ValueError, match=r"must be \(N, 16\).*another model"):
            net.predict_alpha(torch.zeros(shape))


# Layout and precision


@each_variant
def test_channels_last_gives_the_same(config: PaniniConfig) -> None:
    net, images = network(config), faces(2, config.input_size)
    out = net(images)
    net.to(memory_format=torch.channels_last)
    nhwc = net(images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(nhwc, out, rtol=1e-4, atol=1e-5)


@each_variant
@pytest.mark.parametrize("how", ["autocast", "parameters"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_close(config: PaniniConfig, dtype: torch.dtype, how: str) -> None:
    net, images = network(config), faces(2, config.input_size)
    with torch.no_grad():
        expected = net(images)
        if how == "autocast":
            with torch.autocast("cpu", dtype):
                out = net(images)
        else:
            net.to(dtype)
            assert net.dtype == dtype
            out = net(images)
    assert out.dtype == torch.float32
    # A level of 8-bit pixels is 2/255 here; random weights scale the picture freely.
    assert (out - expected).abs().mean() < 2 / 255 * max(1.0, expected.std().item())


def test_half_precision_keeps_the_degradation_and_alpha_in_float32() -> None:
    net, images = network().to(torch.bfloat16), faces(2)
    degradation = net.encode_degradation(images)
    assert degradation.dtype == torch.float32
    assert net.predict_alpha(degradation).dtype == torch.float32


@pytest.mark.parametrize("name", ["tiny", "tiny-mobile"])
def test_the_network_is_one_graph_to_a_compiler(name: str) -> None:
    torch.manual_seed(0)
    net = PaniniNet(PaniniConfig.preset(name)).eval()
    compiled = torch.compile(net, backend="eager", fullgraph=True)
    images = faces(2, net.config.input_size)
    with torch.no_grad():
        torch.testing.assert_close(compiled(images), net(images))
