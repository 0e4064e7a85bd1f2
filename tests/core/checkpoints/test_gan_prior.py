"""Generators by themselves, from files of every layout."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from panini_core import load_gan_prior as public_load_gan_prior
from panini_core.checkpoints import (
    CheckpointError,
    fill_gan_prior,
    layouts,
    load_gan_prior,
    save_panini,
)
from panini_core.models.mobile_stylegan import MobileGenerator
from panini_core.models.panini import GanPrior, PaniniConfig, PaniniNet
from panini_core.models.stylegan2 import StyleGAN2Generator

from .published_prior import published_arrays, write_published
from .small_files import (
    MOBILE,
    SMALL_MFR,
    TINY,
    assert_same,
    below,
    moco_content,
    official,
    small_net,
)

NETWORKS = {"stylegan2": SMALL_MFR, "with a patch": TINY, "mobile": MOBILE}


def network(config: PaniniConfig, seed: int = 0) -> PaniniNet:
    """A small network whose generator, if it is the mobile one, knows its mean."""
    net = small_net(config, seed)
    if net.gan_prior.mean_latent is not None:
        net.gan_prior.mean_latent.normal_()
    return net


def draw(prior: GanPrior) -> torch.Tensor:
    """Two pictures from codes that are always the same."""
    random = torch.Generator().manual_seed(5)
    with torch.no_grad():
        return prior(torch.randn(2, prior.w_plus_rows, prior.style_size, generator=random))


def write_result(path: Path, prior: GanPrior) -> Path:
    """What the training of a prior leaves."""
    save_file({name: t.contiguous() for name, t in prior.state_dict().items()}, path)
    return path


@pytest.mark.parametrize("config", NETWORKS.values(), ids=NETWORKS)
def test_the_prior_of_a_training_and_of_a_whole_network(
    tmp_path: Path, config: PaniniConfig
) -> None:
    net = network(config)
    save_panini(tmp_path / "net.safetensors", net)
    for path in (
        write_result(tmp_path / "prior.safetensors", net.gan_prior),
        tmp_path / "net.safetensors",
    ):
        prior = load_gan_prior(path)
        assert type(prior) is type(net.gan_prior)
        assert not prior.training
        assert_same(prior, net.gan_prior)
        assert torch.equal(draw(prior), draw(net.gan_prior))
        assert all(parameter.requires_grad for parameter in prior.parameters())


@pytest.mark.parametrize("prefix", ["", "generator."], ids=["stripped", "mmediting"])
def test_the_prior_of_an_official_network(official_file: Callable[..., Path], prefix: str) -> None:
    net = network(SMALL_MFR)
    tensors = official(net, layouts.panini_table(SMALL_MFR))
    prior = load_gan_prior(official_file({"state_dict": below(prefix, tensors)}))
    assert_same(prior, net.gan_prior)


def test_an_official_prior_by_itself_is_the_average(official_file: Callable[..., Path]) -> None:
    average, live = (network(SMALL_MFR, seed).gan_prior for seed in (0, 1))
    table = layouts.prior_table(4, 2)
    tensors = {
        **below("generator_ema.", official(average, table)),
        **below("generator.", official(live, table)),
        "discriminator.convs.0.1.bias": torch.ones(3),
    }
    prior = load_gan_prior(official_file({"state_dict": tensors}))
    assert isinstance(prior, StyleGAN2Generator)
    assert_same(prior, average)


def test_the_public_name_reads_the_published_arrays(tmp_path: Path) -> None:
    path = write_published(tmp_path / "published.safetensors", published_arrays())
    prior = public_load_gan_prior(path)
    assert type(prior).__name__ == "MobileGenerator"
    w = prior.mapping(torch.randn(2, prior.style_size))
    assert prior.mean_latent is not None
    assert w.shape[1:] == prior.mean_latent.shape
    w_plus = w[:, None].expand(-1, prior.w_plus_rows, -1)
    assert prior(w_plus, size=64).shape == (2, 3, 64, 64)


def test_loading_copies_and_draws_no_random_numbers(tmp_path: Path) -> None:
    net = network(MOBILE)
    path = write_result(tmp_path / "prior.safetensors", net.gan_prior)
    state = torch.get_rng_state()
    prior = load_gan_prior(path)
    assert torch.equal(torch.get_rng_state(), state)
    path.write_bytes(b"\0" * path.stat().st_size)
    assert_same(prior, net.gan_prior)


@pytest.mark.parametrize("config", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_half_precision(tmp_path: Path, config: PaniniConfig, dtype: torch.dtype) -> None:
    net = network(config)
    prior = load_gan_prior(write_result(tmp_path / "p.safetensors", net.gan_prior), dtype=dtype)
    assert {tensor.dtype for tensor in prior.state_dict().values()} == {dtype}
    expected = draw(net.gan_prior)
    assert (draw(prior) - expected).abs().mean() < 0.03 * max(expected.std().item(), 1e-3)


def test_a_whole_network_fills_a_prior_of_its_kind(tmp_path: Path) -> None:
    net, other = network(MOBILE, 1), network(MOBILE, 2)
    save_panini(tmp_path / "net.safetensors", net)
    fill_gan_prior(tmp_path / "net.safetensors", other.gan_prior)
    assert_same(other.gan_prior, net.gan_prior)
    with pytest.raises(CheckpointError, match="does not match StyleGAN2Generator"):
        fill_gan_prior(tmp_path / "net.safetensors", network(TINY).gan_prior)


# Files that are not whole


@pytest.mark.parametrize("config", NETWORKS.values(), ids=NETWORKS)
def test_every_missing_tensor_is_named(tmp_path: Path, config: PaniniConfig) -> None:
    prior = network(config).gan_prior
    path = write_result(tmp_path / "prior.safetensors", prior)
    tensors = load_file(path)
    for name in tensors:
        save_file({other: t for other, t in tensors.items() if other != name}, path)
        with pytest.raises(CheckpointError) as caught:
            load_gan_prior(path)
        assert str(path) in str(caught.value)
        assert name in str(caught.value)


@pytest.mark.parametrize("config", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("noise_1", lambda t: t[..., :2].contiguous(), "noise_1 is (1, 1, 8, 2), not (1, 1, 8, 8)"),
        ("noise_1", lambda t: t.long(), "noise_1 holds torch.int64, not torch.float32"),
        ("noise_1", lambda t: t * float("nan"), "hold NaN or infinity: noise_1"),
        ("extra", lambda _: torch.zeros(1), "1 unexpected: extra"),
        ("blocks.512.extra", lambda _: torch.zeros(1), "lacks blocks.512.conv"),
    ],
)
def test_errors_name_file_and_tensor(
    tmp_path: Path, config: PaniniConfig, name: str, change: Callable[[Any], Any], message: str
) -> None:
    path = write_result(tmp_path / "prior.safetensors", network(config).gan_prior)
    tensors = load_file(path)
    save_file({**tensors, name: change(tensors.get(name))}, path)
    with pytest.raises(CheckpointError) as caught:
        load_gan_prior(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"constant": torch.zeros(1, 10, 4, 4)},  # cannot be split into bands
        {"constant": torch.tensor(0.0)},
        {"constant": torch.zeros(1, 0, 4, 4)},
        {"mapping.layers.0.weight": torch.zeros(0, 0)},
        {"mapping.layers.0.weight": torch.zeros(16)},
        {"blocks.8.conv2.bias": torch.zeros(0)},
        {"blocks.8.conv2.bias": torch.tensor(1.0)},
        {"blocks.512.conv2.bias": torch.zeros(4)},
    ],
)
def test_sizes_that_describe_no_generator(tmp_path: Path, changes: dict[str, torch.Tensor]) -> None:
    path = write_result(tmp_path / "prior.safetensors", network(MOBILE).gan_prior)
    save_file({**load_file(path), **changes}, path)
    with pytest.raises(CheckpointError) as caught:
        load_gan_prior(path)
    assert str(path) in str(caught.value)


def test_a_whole_network_whose_header_describes_no_generator(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_panini(path, network(MOBILE))
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    changed = header["panini_config"].replace("[12, 12, 8, 8, 8]", "[10, 12, 8, 8, 8]")
    assert changed != header["panini_config"]
    save_file(load_file(path), path, {**header, "panini_config": changed})
    with pytest.raises(CheckpointError, match=r"net\.safetensors.*must divide; got \[10\]"):
        load_gan_prior(path)


def test_files_of_something_else_are_named(
    tmp_path: Path, official_file: Callable[..., Path]
) -> None:
    encoder = network(SMALL_MFR).degradation_encoder
    assert encoder is not None
    moco = official_file(moco_content(encoder, encoder), "moco.pth.tar")
    expected = (
        r"expected a StyleGAN2 prior .* or a MobileStyleGAN prior .* or a GAN prior of this "
        r"package or a Panini network of this package or an official Panini network .*, found "
    )
    with pytest.raises(CheckpointError, match=expected + "an official degradation encoder"):
        load_gan_prior(moco)
    other = official_file({"conv.weight": torch.ones(2)}, "other.pth")
    with pytest.raises(CheckpointError, match=expected + r"1 tensors such as conv\.weight"):
        load_gan_prior(other)
    with pytest.raises(CheckpointError, match="there is no such file"):
        load_gan_prior(tmp_path / "none.safetensors")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
@pytest.mark.parametrize("kind", ["published", "prior", "network"])
def test_damage_anywhere(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    path, whole = tmp_path / "damaged.safetensors", tmp_path / f"{kind}.safetensors"
    if not whole.exists():
        if kind == "published":
            write_published(whole, published_arrays())
        elif kind == "prior":
            write_result(whole, network(MOBILE).gan_prior)
        else:
            save_panini(whole, network(dataclasses.replace(MOBILE, picture_bands=0)))
    content = bytearray(whole.read_bytes())
    header = int.from_bytes(content[:8], "little")  # bytes of names and shapes
    offset = st.one_of(st.integers(0, 8 + header), st.integers(0, len(content) - 1))
    flips = data.draw(st.lists(st.tuples(offset, st.integers(1, 255)), min_size=1, max_size=3))
    for position, mask in flips:
        content[position] ^= mask
    path.write_bytes(content)
    with contextlib.suppress(CheckpointError):
        prior = load_gan_prior(path)
        assert isinstance(prior, MobileGenerator)
        assert all(tensor.isfinite().all() for tensor in prior.state_dict().values())
