"""Image features and W+ codes from a degraded face."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from panini_core.models.image_encoder import (
    RRDB,
    Attention,
    FeatureExtractor,
    ImageEncoder,
    LatentHead,
    LowRankLatentHead,
    ResidualDenseBlock,
)

BASE: dict[str, Any] = {
    "patch": 1,
    "extractor_channels": 4,
    "extractor_blocks": 1,
    "attention_hidden": 2,
    "stem": ((5, 1), (6, 2)),
    "level_channels": (8, 7, 6),
    "level_convs": 1,
    "latent_hidden": 3,
    "w_plus_rows": 10,
    "style_size": 12,
}


def encoder(**changes: Any) -> ImageEncoder:
    torch.manual_seed(0)
    return ImageEncoder(**{**BASE, **changes}).eval()


def silence(module: nn.Module) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()


def test_features_come_coarse_first_at_4_8_16() -> None:
    features, w_plus = encoder()(torch.randn(2, 3, 32, 32))
    assert [tuple(f.shape) for f in features] == [(2, 8, 4, 4), (2, 7, 8, 8), (2, 6, 16, 16)]
    assert w_plus.shape == (2, 10, 12)


def test_a_patch_replaces_the_extractor() -> None:
    net = encoder(patch=4, extractor_blocks=0, attention_hidden=0, stem=((6, 1),), level_convs=2)
    features, _ = net(torch.randn(1, 3, 64, 64))
    assert [f.shape[-1] for f in features] == [4, 8, 16]
    assert len(net.front) == 0
    assert [len(level.convs) for level in net.levels] == [2, 2]  # type: ignore[arg-type]


def test_dense_block_sees_everything_before_it() -> None:
    torch.manual_seed(0)
    block, x = ResidualDenseBlock(4), torch.randn(2, 4, 6, 6)
    seen = [x]
    for conv in list(block.convs)[:4]:
        seen.append(F.leaky_relu(conv(torch.cat(seen, 1)), 0.2))
    torch.testing.assert_close(block(x), x + 0.2 * block.convs[4](torch.cat(seen, 1)))


def test_residual_blocks_without_weights_pass_the_image() -> None:
    x = torch.randn(1, 4, 6, 6)
    dense, rrdb, extractor = ResidualDenseBlock(4), RRDB(4), FeatureExtractor(4, 4, 2)
    for module in (dense, rrdb, extractor.trunk, extractor.last):
        silence(module)
    torch.testing.assert_close(dense(x), x)
    torch.testing.assert_close(rrdb(x), 1.2 * x)  # its dense blocks pass it once more
    torch.testing.assert_close(extractor(x), extractor.first(x))


def test_residuals_start_small() -> None:
    torch.manual_seed(0)
    net, x = FeatureExtractor(3, 8, 4), torch.randn(1, 3, 16, 16)
    trunk_input = net.first(x)
    change = net.trunk(trunk_input) - 1.2**4 * trunk_input
    assert change.std() < 0.1 * trunk_input.std()


def test_attention_gates_channels_then_places() -> None:
    torch.manual_seed(0)
    net = Attention(4, 2).eval()
    x = torch.randn(2, 4, 6, 6)
    once = net.before(x)
    channels = torch.sigmoid(
        net.channel_gate(once.mean((2, 3))) + net.channel_gate(once.amax((2, 3)))
    )
    twice = net.before(once * channels[:, :, None, None])
    summary = torch.stack([twice.max(1).values, twice.mean(1)], dim=1)
    expected = twice * torch.sigmoid(net.spatial_gate(summary))
    torch.testing.assert_close(net(x), expected)


def test_latent_head_orders_its_numbers_by_channel_row_column() -> None:
    torch.manual_seed(0)
    head, x = LatentHead(5, 3, rows=4, style_size=2), torch.randn(2, 5, 4, 4)
    squeezed = F.leaky_relu(head.squeeze(x), 0.2)
    flat = torch.stack(
        [squeezed[:, c, i, j] for c in range(3) for i in range(4) for j in range(4)], 1
    )
    codes = head.linear(flat)
    torch.testing.assert_close(
        head(x), torch.stack([codes[:, :2], codes[:, 2:4], codes[:, 4:6], codes[:, 6:]], 1)
    )


def low_rank_head(seed: int = 0) -> LowRankLatentHead:
    torch.manual_seed(seed)
    head = LowRankLatentHead(5, 3, rank=2, rows=7, style_size=12)
    nn.init.normal_(head.directions)  # a new head gives every row the same
    return head


def test_rows_differ_by_a_low_rank() -> None:
    head, x = low_rank_head(), torch.randn(40, 5, 4, 4)
    with torch.no_grad():
        codes = head(x)
        features = F.leaky_relu(head.hidden(F.leaky_relu(head.squeeze(x), 0.2).flatten(1)), 0.2)
        base = head.code(features)
    assert codes.shape == (40, 7, 12)
    differences = codes - base[:, None]
    assert differences.std() > 0.1 * base.std()
    for row in range(7):  # over many faces a row leaves the base code in two directions only
        assert int(torch.linalg.matrix_rank(differences[:, row], rtol=1e-4)) == 2
        shares = torch.linalg.lstsq(head.directions[row].T, differences[:, row].T)
        torch.testing.assert_close(
            head.directions[row].T @ shares.solution, differences[:, row].T, rtol=0, atol=1e-4
        )


def test_a_new_low_rank_head_gives_one_code_for_all_rows() -> None:
    head = LowRankLatentHead(5, 3, rank=2, rows=7, style_size=12)
    codes = head(torch.randn(4, 5, 4, 4))
    assert torch.equal(codes, codes[:, :1].expand_as(codes))
    assert not torch.equal(codes[0], codes[1])
    with torch.no_grad():
        head.code.bias.copy_(torch.arange(12) * 100.0)  # as inversion starts from the mean latent
        moved = head(torch.randn(4, 5, 4, 4))
    assert (moved.mean((0, 1)) - head.code.bias).abs().max() < 10


def test_every_number_of_a_low_rank_head_is_trained() -> None:
    head = low_rank_head()
    head(torch.randn(4, 5, 4, 4)).square().mean().backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("rank", [0, 3])
def test_the_rank_chooses_the_head(rank: int) -> None:
    net = encoder(latent_rank=rank)
    assert isinstance(net.latent_head, LowRankLatentHead if rank else LatentHead)
    _, w_plus = net(torch.randn(2, 3, 32, 32))
    assert w_plus.shape == (2, 10, 12)


@pytest.mark.parametrize(
    "options", [{}, {"extractor_blocks": 0, "attention_hidden": 0}, {"latent_rank": 3}]
)
def test_samples_are_independent(options: dict[str, int]) -> None:
    net, images = encoder(**options), torch.randn(3, 3, 32, 32)
    features, w_plus = net(images)
    for index in range(3):
        alone, code = net(images[index : index + 1])
        torch.testing.assert_close(code[0], w_plus[index], rtol=1e-4, atol=1e-5)
        for a, b in zip(alone, features, strict=True):
            torch.testing.assert_close(a[0], b[index], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rank", [0, 3])
def test_layout_and_precision_change_little(rank: int) -> None:
    net, images = encoder(latent_rank=rank), torch.randn(2, 3, 32, 32)
    _, expected = net(images)
    net.to(memory_format=torch.channels_last)
    _, nhwc = net(images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(nhwc, expected, rtol=1e-4, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        _, cast = net(images)
    _, half = net.to(torch.bfloat16)(images.bfloat16())
    for other in (cast, half):
        assert (other.float() - expected).abs().mean() < 0.05 * expected.std()
