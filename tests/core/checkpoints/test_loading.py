"""Loading networks from official files and our own, and converting them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from panini_core.checkpoints import (
    CheckpointError,
    bundled,
    convert_checkpoint,
    default_network,
    fill_gan_prior,
    find_weights,
    layouts,
    load_degradation_encoder,
    load_panini,
    save_panini,
)
from panini_core.checkpoints.fingerprint import encoder_fingerprint
from panini_core.checkpoints.image_models import load_restorer
from panini_core.checkpoints.mean_latent import estimate_mean_latent
from panini_core.compute import choose_dtype, choose_layout
from panini_core.models.panini import PaniniConfig
from panini_core.models.precision import full_precision_names
from panini_core.models.stylegan2 import (
    StyleGAN2Discriminator,
    StyleGAN2Generator,
)
from panini_core.options import BUNDLED_NETWORKS

from .small_files import (
    SMALL_MFR,
    SMALL_SR,
    TINY,
    assert_same,
    below,
    moco_content,
    official,
    small_net,
)


@pytest.mark.parametrize("config", [SMALL_MFR, SMALL_SR], ids=["mfr", "sr"])
@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda s: {"state_dict": below("generator.", s), "meta": {}}, id="mmediting"),
        pytest.param(lambda s: below("generator.", s), id="no top level"),
        pytest.param(lambda s: s, id="stripped"),
        pytest.param(lambda s: {"state_dict": s}, id="stripped, top level"),
        pytest.param(lambda s: below("module.generator.", s), id="module in front"),
        pytest.param(lambda s: below("generator.module.", s), id="module after a name"),
        pytest.param(
            lambda s: {
                "state_dict": {
                    **below("generator.", s),
                    "discriminator.convs.0.1.bias": torch.ones(3),
                    "perceptual_loss.vgg.vgg_layers.0.weight": torch.ones(2, 3, 3, 3),
                    "perceptual_loss.vgg.mean": torch.ones(1, 3, 1, 1),
                },
                "optimizer": {"generator": {"state": {0: {"step": 3, "exp_avg": torch.ones(2)}}}},
            },
            id="with training-only parts",
        ),
        pytest.param(
            lambda s: (
                OrderedDict((k, torch.nn.Parameter(v)) for k, v in s.items() if "num_" not in k)
                | {k: v for k, v in s.items() if "num_" in k}
            ),
            id="parameters in an ordered dict",
        ),
    ],
)
def test_official_panini_loads_whatever_surrounds_it(
    official_file: Callable[..., Path], config: PaniniConfig, wrap: Callable[[Any], Any]
) -> None:
    net = small_net(config)
    path = official_file(wrap(official(net, layouts.panini_table(config))))

    loaded = load_panini(path, dtype=torch.float32)

    assert loaded.config == config  # read from shapes
    assert not loaded.training
    assert_same(loaded, net)
    images = torch.rand(2, 3, config.input_size, config.input_size) * 2 - 1
    loaded.to(memory_format=torch.contiguous_format)  # another order rounds otherwise
    assert torch.equal(loaded(images), net(images))


def test_the_pickle_format_before_zip_files_loads(official_file: Callable[..., Path]) -> None:
    net = small_net(SMALL_MFR)
    content = {"state_dict": official(net, layouts.panini_table(SMALL_MFR))}
    path = official_file(content, _use_new_zipfile_serialization=False)
    assert_same(load_panini(path, dtype=torch.float32), net)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_an_official_file_of_another_precision_loads(
    official_file: Callable[..., Path], dtype: torch.dtype
) -> None:
    net = small_net(SMALL_MFR)
    tensors = official(net, layouts.panini_table(SMALL_MFR))
    path = official_file(
        {k: t.to(dtype) if t.is_floating_point() else t for k, t in tensors.items()}
    )
    loaded = load_panini(path, dtype=torch.float32)
    net = net.to(dtype).float()
    net.mean_latent = estimate_mean_latent(net.gan_prior)  # of the rounded mapping network
    assert_same(loaded, net)
    assert load_panini(path, dtype=torch.bfloat16).dtype == torch.bfloat16


def test_official_names_in_a_safetensors_file_load(tmp_path: Path) -> None:
    net = small_net(SMALL_MFR)
    save_file(official(net, layouts.panini_table(SMALL_MFR)), tmp_path / "mfr.safetensors")
    assert_same(load_panini(tmp_path / "mfr.safetensors", dtype=torch.float32), net)


def test_moco_query_encoder_loads(official_file: Callable[..., Path]) -> None:
    nets = [small_net(SMALL_MFR, seed) for seed in range(3)]
    query, key, target = (net.degradation_encoder for net in nets)
    assert query is not None
    assert key is not None
    assert target is not None
    path = official_file(moco_content(query, key), "checkpoint_0199.pth.tar")
    load_degradation_encoder(path, target)
    assert_same(target, query)


def test_degradation_encoder_loads_from_our_files_and_whole_networks(tmp_path: Path) -> None:
    net = small_net(SMALL_MFR, 1)
    encoder = net.degradation_encoder
    assert encoder is not None
    save_file(encoder.state_dict(), tmp_path / "encoder.safetensors")
    save_panini(tmp_path / "net.safetensors", net)
    torch.save(official(net, layouts.panini_table(SMALL_MFR)), tmp_path / "official.pth")
    for name in ("encoder.safetensors", "net.safetensors", "official.pth"):
        target = small_net(SMALL_MFR, 2).degradation_encoder
        assert target is not None
        load_degradation_encoder(tmp_path / name, target)
        assert_same(target, encoder)


def test_degradation_encoder_of_another_size_is_refused(official_file: Callable[..., Path]) -> None:
    encoder = small_net(SMALL_MFR).degradation_encoder
    target = small_net(TINY).degradation_encoder
    assert encoder is not None
    assert target is not None
    path = official_file(moco_content(encoder, encoder))
    with pytest.raises(CheckpointError, match="does not match DegradationEncoder"):
        load_degradation_encoder(path, target)


def small_prior(seed: int) -> tuple[StyleGAN2Generator, StyleGAN2Discriminator]:
    torch.manual_seed(seed)
    channels = {4: 8, 8: 6, 16: 4}
    return StyleGAN2Generator(channels, 16, 2), StyleGAN2Discriminator(channels)


def prior_content(
    average: StyleGAN2Generator, live: StyleGAN2Generator, critic: StyleGAN2Discriminator
) -> dict[str, Any]:
    table = layouts.prior_table(3, 2)
    tensors = {
        **below("generator.", official(live, table)),
        **below("generator_ema.", official(average, table)),
        **below("discriminator.", official(critic, layouts.discriminator_table(3))),
    }
    return {"state_dict": tensors, "meta": {"mmgen_version": "0.1.0"}}


def test_gan_prior_is_the_average_and_its_discriminator(official_file: Callable[..., Path]) -> None:
    (average, critic), (live, _) = small_prior(0), small_prior(1)
    path = official_file(prior_content(average, live, critic))
    generator, discriminator = small_prior(2)
    fill_gan_prior(path, generator)
    assert_same(generator, average)
    fill_gan_prior(path, generator, discriminator)
    assert_same(discriminator, critic)


def test_gan_prior_loads_from_our_files_and_whole_networks(tmp_path: Path) -> None:
    net = small_net(SMALL_MFR, 1)
    save_file(net.gan_prior.state_dict(), tmp_path / "prior.safetensors")
    save_panini(tmp_path / "net.safetensors", net)
    torch.save(official(net, layouts.panini_table(SMALL_MFR)), tmp_path / "official.pth")
    for name in ("prior.safetensors", "net.safetensors", "official.pth"):
        target = small_net(SMALL_MFR, 2).gan_prior
        fill_gan_prior(tmp_path / name, target)
        assert_same(target, net.gan_prior)


def test_a_prior_that_does_not_fit_changes_neither_network(
    official_file: Callable[..., Path],
) -> None:
    average, critic = small_prior(0)
    content = prior_content(average, average, critic)
    del content["state_dict"]["discriminator.final_linear.1.bias"]
    path = official_file(content)
    generator, discriminator = small_prior(1)
    with pytest.raises(CheckpointError, match=r"1 missing: final_linear\.1\.bias"):
        fill_gan_prior(path, generator, discriminator)
    untouched, same = small_prior(1)
    assert_same(generator, untouched)
    assert_same(discriminator, same)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_loads_into_half_precision(tmp_path: Path, dtype: torch.dtype) -> None:
    net = small_net(TINY)
    save_panini(tmp_path / "net.safetensors", net)

    half = load_panini(tmp_path / "net.safetensors", dtype=dtype)

    for name, tensor in half.state_dict().items():
        if "num_batches" in name:
            assert tensor == 7, name
        else:
            full = name in full_precision_names(net)
            assert tensor.dtype == (torch.float32 if full else dtype), name
            assert not full or torch.equal(tensor, net.state_dict()[name]), name
        if name.endswith("running_var"):
            assert (tensor > 0.4).all(), name
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        assert (half(images) - net(images)).abs().mean() < 2 / 255


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_what_is_not_said_suits_the_device_that_it_runs_on(tmp_path: Path, device: str) -> None:
    path = tmp_path / "net.safetensors"
    save_panini(path, small_net(TINY))
    loaded = load_panini(path, runs_on=device)
    assert loaded.dtype == choose_dtype("auto", device)
    assert loaded.device == torch.device("cpu")
    layout = choose_layout(loaded.dtype, device)
    conv = loaded.image_encoder.stem.convs[0]
    assert isinstance(conv, torch.nn.Conv2d)
    assert conv.weight.is_contiguous(memory_format=layout)
    assert encoder_fingerprint(loaded) == encoder_fingerprint(small_net(TINY))


def test_loading_draws_no_random_numbers_and_is_independent_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    net = small_net(TINY)
    save_panini(path, net)
    state = torch.get_rng_state()
    loaded = load_panini(path, dtype=torch.float32)
    assert torch.equal(torch.get_rng_state(), state)
    save_panini(path, small_net(TINY, 1))  # the same name, other numbers
    path.write_bytes(b"\0" * path.stat().st_size)
    assert_same(loaded, net)
    assert all(parameter.requires_grad for parameter in loaded.parameters())


def test_convert_makes_one_file_of_an_official_one(
    tmp_path: Path, official_file: Callable[..., Path]
) -> None:
    net = small_net(SMALL_MFR)
    source = official_file({"state_dict": official(net, layouts.panini_table(SMALL_MFR))})
    convert_checkpoint(source, tmp_path / "full.safetensors")
    convert_checkpoint(source, tmp_path / "half.safetensors", dtype=torch.float16)
    assert_same(load_panini(tmp_path / "full.safetensors", dtype=torch.float32), net)
    full, half = ((tmp_path / f"{n}.safetensors").stat().st_size for n in ("full", "half"))
    assert half < 0.7 * full
    save_panini(
        tmp_path / "full.safetensors",
        load_panini(tmp_path / "half.safetensors", dtype=torch.float32),
    )


def test_convert_may_overwrite_its_source(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    net = small_net(TINY)
    save_panini(path, net)
    convert_checkpoint(path, path)
    assert_same(load_panini(path, dtype=torch.float32), net)


def test_without_a_path_the_default_network_of_the_device_loads() -> None:
    net = load_panini(dtype=torch.float32)
    assert_same(net, load_panini(find_weights(), dtype=torch.float32))
    assert net.config == PaniniConfig.preset(default_network("cpu"))


@pytest.mark.parametrize("name", BUNDLED_NETWORKS)
def test_bundled_networks_load_by_name(name: str) -> None:
    assert load_panini(name, dtype=torch.float32).config == PaniniConfig.preset(name)


def test_a_bundled_network_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bundled, "WEIGHTS_FOLDER", tmp_path)
    for load in (load_panini, load_restorer, find_weights):
        with pytest.raises(CheckpointError, match=r"panini_compact\.safetensors.*reinstall"):
            load("compact")


def test_the_wrong_kind_of_checkpoint_is_named(official_file: Callable[..., Path]) -> None:
    encoder = small_net(SMALL_MFR).degradation_encoder
    assert encoder is not None
    path = official_file(moco_content(encoder, encoder), "moco.pth.tar")
    with pytest.raises(CheckpointError, match=r"moco.*expected a Panini.*found an official degr"):
        load_panini(path, dtype=torch.float32)
    other = official_file({"conv.weight": torch.ones(2)}, "other.pth")
    with pytest.raises(CheckpointError, match=r"other\.pth.*found 1 tensors such as conv\.weight"):
        load_panini(other, dtype=torch.float32)
    with pytest.raises(CheckpointError, match=r"expected a StyleGAN2 prior.*found an official"):
        fill_gan_prior(path, small_prior(0)[0])
    with pytest.raises(CheckpointError, match="expected an official degradation encoder"):
        load_degradation_encoder(other, encoder)


def test_messages_stay_short_and_printable(official_file: Callable[..., Path]) -> None:
    path = official_file({"odd\x1b[31m\n\udcfa" + "x" * 10**5: torch.ones(1)})
    with pytest.raises(CheckpointError, match=r"odd\\x1b\[31m\\n\\udcfaxxx") as caught:
        load_panini(path, dtype=torch.float32)
    assert len(str(caught.value)) < len(str(path)) + 1100
    assert str(caught.value).isprintable()
