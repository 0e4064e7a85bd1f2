"""Images to degradation representations."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from panini_core.models.dct import dct_matrix
from panini_core.models.degradation_encoder import DegradationEncoder, FrequencyBands

LAYERS = ((6, 1), (8, 2))


def encoder(**options: int) -> DegradationEncoder:
    torch.manual_seed(0)
    net = DegradationEncoder(LAYERS, **options).eval()
    with torch.no_grad():
        for name, buffer in net.named_buffers():
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1)
    return net


@pytest.mark.parametrize("options", [{}, {"pool": 2}, {"patch": 4}, {"pool": 2, "patch": 2}])
def test_gives_one_float32_vector_an_image(options: dict[str, int]) -> None:
    v = encoder(**options)(torch.randn(3, 3, 32, 32))
    assert v.shape == (3, 8)
    assert v.dtype == torch.float32


def test_is_convolution_normalisation_activation_and_an_average() -> None:
    net, images = encoder(), torch.randn(2, 3, 16, 16)
    x = images
    for index, (_, stride) in enumerate(LAYERS):
        conv, norm = net.features[3 * index], net.features[3 * index + 1]
        x = F.conv2d(x, conv.weight, conv.bias, stride=stride, padding=1)  # type: ignore[arg-type]
        x = F.leaky_relu(norm(x), 0.1)
    torch.testing.assert_close(net(images), x.mean((2, 3)))


def test_pooling_averages_whole_blocks_first() -> None:
    images = torch.randn(2, 3, 32, 32)
    pooled = images.view(2, 3, 16, 2, 16, 2).mean((3, 5))
    torch.testing.assert_close(encoder(pool=2)(images), encoder()(pooled))


def test_bands_are_the_coefficients_of_every_block_colour_by_colour() -> None:
    bands, images = FrequencyBands(4).eval(), torch.randn(2, 3, 8, 12)
    found = bands(images).view(2, 3, 4, 4, 2, 3)  # colour, frequencies of y and x, blocks
    block, matrix = images[1, 2, 4:8, 8:12], dct_matrix(4).float()
    expected = matrix @ block @ matrix.T / (1 + bands.normalise.eps) ** 0.5
    torch.testing.assert_close(found[1, 2, :, :, 1, 2], expected, rtol=1e-4, atol=1e-6)


def test_the_head_of_the_contrastive_training_is_apart() -> None:
    net, images = encoder(), torch.randn(2, 3, 16, 16)
    before = net(images)
    with torch.no_grad():
        for parameter in net.projection.parameters():
            parameter.zero_()
    assert torch.equal(net(images), before)
    assert net.projection(before).shape == (2, 8)


@pytest.mark.parametrize("options", [{}, {"patch": 4}])
def test_images_are_independent_in_eval_mode(options: dict[str, int]) -> None:
    net, images = encoder(**options), torch.randn(3, 3, 32, 32)
    singles = torch.cat([net(image[None]) for image in images])
    torch.testing.assert_close(net(images), singles, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"patch": 4}])
def test_gradient_reaches_every_part(options: dict[str, int]) -> None:
    net = encoder(**options).train()
    v = net(torch.randn(2, 3, 32, 32))
    net.projection(v).square().sum().backward()
    for name, parameter in net.named_parameters():
        # A bias before a normalisation by batch statistics has none.
        if not (name.startswith("features") and name.endswith("bias")):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("options", [{}, {"patch": 4}])
def test_precision_changes_little(options: dict[str, int]) -> None:
    net, images = encoder(**options), torch.rand(2, 3, 32, 32) * 2 - 1
    expected = net(images)
    with torch.autocast("cpu", torch.bfloat16):
        cast = net(images)
    half = net.to(torch.bfloat16)(images.bfloat16())
    for other in (cast, half):
        assert other.dtype == torch.float32
        assert (other - expected).abs().mean() < 0.03 * expected.abs().mean()


def test_discriminants_confine_the_representation_and_not_what_is_trained() -> None:
    net, plain = encoder(discriminants=2), encoder()
    images = torch.randn(5, 3, 16, 16)
    averages = plain(images)
    assert torch.equal(net.average_features(images), averages)
    assert net.discriminants is not None
    mean = averages.mean(0)
    directions, loadings = torch.randn(2, 8), torch.randn(8, 2)
    net.discriminants.set(mean, directions, loadings)
    expected = mean + (averages - mean) @ directions.T @ loadings.T
    torch.testing.assert_close(net(images), expected)
    assert torch.linalg.matrix_rank((net(images) - mean).double(), rtol=1e-5) == 2


@pytest.mark.parametrize("rank", [-1, 9])
def test_discriminants_are_at_most_as_many_as_features(rank: int) -> None:
    with pytest.raises(ValueError, match=f"Between 1 and 8 .* got {rank}"):
        DegradationEncoder(LAYERS, discriminants=rank)
