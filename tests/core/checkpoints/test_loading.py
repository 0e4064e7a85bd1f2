"""Reading, recognising, loading, saving and converting checkpoint files."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from panini_core.checkpoints import (
    DEFAULT_WEIGHTS,
    CheckpointError,
    Layout,
    convert_checkpoint,
    layouts,
    load_degradation_encoder,
    load_gan_prior,
    load_panini,
    loading,
    read_state_dict,
    recognise,
    save_panini,
    writing,
)
from panini_core.checkpoints.mean_latent import estimate_mean_latent
from panini_core.models.degradation_encoder import DegradationEncoder
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.models.stylegan2 import (
    StyleGAN2Discriminator,
    StyleGAN2Generator,
    fir_kernel,
)

pytestmark = pytest.mark.filterwarnings(  # torch's remarks on files that are odd on purpose
    "ignore:Detected pickle protocol", "ignore:Validating sparse", "ignore:Defining your"
)

TINY = PaniniConfig.preset("tiny")
SMALL_MFR = PaniniConfig(  # the official layout with few channels
    input_size=64,
    prior_channels=(8, 8, 6, 4),
    style_size=16,
    mapping_layers=2,
    extractor_channels=6,
    extractor_blocks=1,
    attention_hidden=3,
    stem=((6, 1), (8, 2), (8, 2)),
    level_channels=(8, 8, 8),
    latent_hidden=4,
    degradation_size=16,
    degradation_pool=1,
    degradation_layers=((8, 1), (8, 1), (16, 2)),
)
SMALL_SR = dataclasses.replace(
    SMALL_MFR,
    input_size=16,
    stem=((8, 1),),
    degradation_pool=2,
    degradation_layers=PaniniConfig.preset("official-sr").degradation_layers,
    learned_degradation=True,
)


def official(module: torch.nn.Module, table: layouts.Table) -> dict[str, Tensor]:
    """A module's state dict under official names."""
    own = module.state_dict()
    result: dict[str, Tensor] = {}
    for name, row in table.items():
        if isinstance(row, layouts.Kernel):
            result[name] = fir_kernel(row.gain)
        else:
            tensor = own[row.name]
            result[name] = tensor.reshape((1,) * row.before + tensor.shape + (1,) * row.after)
    return result


def small_net(config: PaniniConfig, seed: int = 0) -> PaniniNet:
    torch.manual_seed(seed)
    net = PaniniNet(config).eval()
    with torch.no_grad():  # what is zero or one in a fresh network would hide a mix-up
        for parameter in net.parameters():
            if parameter.unique().numel() == 1:
                parameter.normal_(parameter.mean().item(), 0.1)
        for name, buffer in net.named_buffers():
            if "running" in name:
                buffer.uniform_(0.5, 1.5)
            if "num_batches" in name:
                buffer.fill_(7)
        net.mean_latent.copy_(estimate_mean_latent(net.gan_prior))  # no official file holds it
    return net


def below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def assert_same(a: torch.nn.Module, b: torch.nn.Module) -> None:
    state, other = a.state_dict(), b.state_dict()
    assert state.keys() == other.keys()
    for name in state:
        assert torch.equal(state[name], other[name]), name


@pytest.fixture
def official_file(tmp_path: Path) -> Callable[[Any], Path]:
    def write(content: Any, name: str = "official.pth", **options: Any) -> Path:
        torch.save(content, tmp_path / name, **options)
        return tmp_path / name

    return write


# Official layouts


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

    loaded = load_panini(path)

    assert loaded.config == config  # read from shapes
    assert not loaded.training
    assert_same(loaded, net)
    images = torch.rand(2, 3, config.input_size, config.input_size) * 2 - 1
    assert torch.equal(loaded(images), net(images))


def test_the_pickle_format_before_zip_files_loads(official_file: Callable[..., Path]) -> None:
    net = small_net(SMALL_MFR)
    content = {"state_dict": official(net, layouts.panini_table(SMALL_MFR))}
    path = official_file(content, _use_new_zipfile_serialization=False)
    assert_same(load_panini(path), net)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_an_official_file_of_another_precision_loads(
    official_file: Callable[..., Path], dtype: torch.dtype
) -> None:
    net = small_net(SMALL_MFR)
    tensors = official(net, layouts.panini_table(SMALL_MFR))
    path = official_file(
        {k: t.to(dtype) if t.is_floating_point() else t for k, t in tensors.items()}
    )
    loaded = load_panini(path)
    net = net.to(dtype).float()
    net.mean_latent = estimate_mean_latent(net.gan_prior)  # of the rounded mapping network
    assert_same(loaded, net)
    assert load_panini(path, dtype=torch.bfloat16).dtype == torch.bfloat16


def test_official_names_in_a_safetensors_file_load(tmp_path: Path) -> None:
    net = small_net(SMALL_MFR)
    save_file(official(net, layouts.panini_table(SMALL_MFR)), tmp_path / "mfr.safetensors")
    assert_same(load_panini(tmp_path / "mfr.safetensors"), net)


@pytest.mark.parametrize("kind", ["mfr", "sr"])
def test_the_tables_are_the_official_keys(shared: Path, kind: str) -> None:
    keys = json.loads((shared / "fixtures" / f"{kind}_keys.json").read_text())
    config = PaniniConfig.preset(f"official-{kind}")
    with torch.device("meta"):
        net = PaniniNet(config)
    own = net.state_dict()
    table = layouts.panini_table(config)
    assert table.keys() == keys.keys()
    rows = [row for row in table.values() if isinstance(row, layouts.Own)]
    # Each of ours exactly once, but for what is estimated.
    assert sorted([*(row.name for row in rows), "mean_latent"]) == sorted(own)
    for name, row in table.items():
        if isinstance(row, layouts.Own):
            shape = (1,) * row.before + own[row.name].shape + (1,) * row.after
            assert list(shape) == keys[name], name


@pytest.mark.parametrize("kind", ["mfr", "sr"])
def test_the_configuration_is_read_from_official_shapes(shared: Path, kind: str) -> None:
    keys = json.loads((shared / "fixtures" / f"{kind}_keys.json").read_text())
    tensors = {name: torch.empty(shape, device="meta") for name, shape in keys.items()}
    file = loading.CheckpointFile(Path("x.pth"), tensors)
    assert layouts.read_config(file, tensors) == PaniniConfig.preset(f"official-{kind}")


def test_the_discriminator_table_is_the_official_keys(shared: Path) -> None:
    keys = json.loads((shared / "fixtures" / "disc_keys.json").read_text())
    channels = dict(zip((4, 8, 16, 32, 64, 128, 256, 512, 1024), official_widths(), strict=True))
    with torch.device("meta"):
        own = StyleGAN2Discriminator(channels).state_dict()
    table = layouts.discriminator_table(len(channels))
    assert table.keys() == keys.keys()
    rows = {name: row for name, row in table.items() if isinstance(row, layouts.Own)}
    assert sorted(row.name for row in rows.values()) == sorted(own)
    for name, row in rows.items():
        assert list(own[row.name].shape) == keys[name], name


def official_widths() -> tuple[int, ...]:
    return PaniniConfig.preset("official-mfr").prior_channels


def moco_content(encoder: DegradationEncoder, other: DegradationEncoder) -> dict[str, Any]:
    table = layouts.degradation_encoder_table(3)
    return {
        "epoch": 200,
        "arch": "resnet50",
        "state_dict": {
            "module.queue": torch.zeros(16, 32),
            "module.queue_ptr": torch.zeros(1, dtype=torch.long),
            **below("module.encoder_q.", official(encoder, table)),
            **below("module.encoder_k.", official(other, table)),
        },
        "optimizer": {"state": {}, "param_groups": []},
    }


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
    load_gan_prior(path, generator)
    assert_same(generator, average)
    load_gan_prior(path, generator, discriminator)
    assert_same(discriminator, critic)


def test_gan_prior_loads_from_our_files_and_whole_networks(tmp_path: Path) -> None:
    net = small_net(SMALL_MFR, 1)
    save_file(net.gan_prior.state_dict(), tmp_path / "prior.safetensors")
    save_panini(tmp_path / "net.safetensors", net)
    torch.save(official(net, layouts.panini_table(SMALL_MFR)), tmp_path / "official.pth")
    for name in ("prior.safetensors", "net.safetensors", "official.pth"):
        target = small_net(SMALL_MFR, 2).gan_prior
        load_gan_prior(tmp_path / name, target)
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
        load_gan_prior(path, generator, discriminator)
    untouched, same = small_prior(1)
    assert_same(generator, untouched)
    assert_same(discriminator, same)


# Our own format


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("discriminants", [0, 3])
def test_own_format_round_trip(tmp_path: Path, dtype: torch.dtype, discriminants: int) -> None:
    net = small_net(dataclasses.replace(TINY, degradation_discriminants=discriminants))
    path = tmp_path / "sub" / "net.safetensors"
    save_panini(path, net, dtype=dtype, metadata={"licence": "own"})

    loaded = load_panini(path)

    assert loaded.config == net.config
    tolerance = {torch.float32: 0.0, torch.float16: 1e-3, torch.bfloat16: 1e-2}[dtype]
    for name, tensor in net.state_dict().items():
        other = loaded.state_dict()[name]
        assert other.dtype == tensor.dtype
        torch.testing.assert_close(other, tensor, rtol=tolerance, atol=1e-7 if tolerance else 0)
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["licence"] == "own"
        assert json.loads(file.metadata()["panini_config"])["input_size"] == 64
        assert file.get_tensor("gan_prior.constant").dtype == dtype
    assert [p.name for p in path.parent.iterdir()] == ["net.safetensors"]  # no temporary file


def test_a_save_that_fails_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(tensors: object, path: Path, **_: object) -> None:
        path.write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    path = tmp_path / "net.safetensors"
    net = small_net(TINY)
    save_panini(path, net)
    monkeypatch.setattr(writing, "save_file", fail)
    with pytest.raises(OSError, match="No space"):
        save_panini(path, small_net(TINY, 1))
    assert_same(load_panini(path), net)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_loads_into_half_precision(tmp_path: Path, dtype: torch.dtype) -> None:
    net = small_net(TINY)
    save_panini(tmp_path / "net.safetensors", net)

    half = load_panini(tmp_path / "net.safetensors", dtype=dtype)

    for name, tensor in half.state_dict().items():
        if "num_batches" in name:
            assert tensor == 7, name
        else:
            assert tensor.dtype == dtype, name
        if name.endswith("running_var"):
            assert (tensor > 0.4).all(), name
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        assert (half(images) - net(images)).abs().mean() < 2 / 255


def test_loading_draws_no_random_numbers_and_is_independent_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    net = small_net(TINY)
    save_panini(path, net)
    state = torch.get_rng_state()
    loaded = load_panini(path)
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
    assert_same(load_panini(tmp_path / "full.safetensors"), net)
    full, half = ((tmp_path / f"{n}.safetensors").stat().st_size for n in ("full", "half"))
    assert half < 0.7 * full
    save_panini(tmp_path / "full.safetensors", load_panini(tmp_path / "half.safetensors"))


def test_convert_may_overwrite_its_source(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    net = small_net(TINY)
    save_panini(path, net)
    convert_checkpoint(path, path)
    assert_same(load_panini(path), net)


def test_saving_refuses_what_could_not_be_loaded(tmp_path: Path) -> None:
    net = small_net(TINY)
    path = tmp_path / "net.safetensors"
    with pytest.raises(ValueError, match="panini_config"):
        save_panini(path, net, metadata={"panini_config": "{}"})
    with torch.no_grad():
        net.gan_prior.constant.fill_(1e6)
    with pytest.raises(ValueError, match=r"numbers beyond torch.float16: gan_prior.constant"):
        save_panini(path, net, dtype=torch.float16)
    assert not list(tmp_path.iterdir())
    save_panini(path, net)
    with pytest.raises(CheckpointError, match=r"beyond torch.float16: gan_prior.constant"):
        load_panini(path, dtype=torch.float16)
    assert load_panini(path, dtype=torch.bfloat16).gan_prior.constant.isfinite().all()
    with pytest.raises(ValueError, match="floating-point"):
        load_panini(path, dtype=torch.int8)


def test_without_a_path_the_default_weights_load(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert DEFAULT_WEIGHTS.name == "panini_compact.safetensors"
    monkeypatch.setattr(loading, "DEFAULT_WEIGHTS", tmp_path / "none.safetensors")
    with pytest.raises(CheckpointError, match="default weights are not installed"):
        load_panini()
    net = small_net(TINY)
    save_panini(tmp_path / "none.safetensors", net)
    assert_same(load_panini(), net)


# Recognition


def test_recognises_every_layout_by_names() -> None:
    net = small_net(SMALL_MFR)
    bare = official(net, layouts.panini_table(SMALL_MFR))
    encoder = net.degradation_encoder
    assert encoder is not None
    moco = below("encoder_q.", official(encoder, layouts.degradation_encoder_table(3)))
    assert recognise(net.state_dict()) is Layout.PANINI
    assert recognise(bare) is Layout.OFFICIAL_PANINI
    assert recognise(below("generator.", bare)) is Layout.OFFICIAL_PANINI
    assert recognise(moco) is Layout.OFFICIAL_UDRL
    assert recognise(encoder.state_dict()) is Layout.DEGRADATION_ENCODER
    assert recognise(net.gan_prior.state_dict()) is Layout.GAN_PRIOR
    prior = below("generator_ema.", official(net.gan_prior, layouts.prior_table(4, 2)))
    assert recognise(prior) is Layout.STYLEGAN2
    assert recognise(["layer1.0.conv1.weight"]) is None


def test_the_wrong_kind_of_checkpoint_is_named(official_file: Callable[..., Path]) -> None:
    encoder = small_net(SMALL_MFR).degradation_encoder
    assert encoder is not None
    path = official_file(moco_content(encoder, encoder), "moco.pth.tar")
    with pytest.raises(CheckpointError, match=r"moco.*expected a Panini.*found an official degr"):
        load_panini(path)
    other = official_file({"conv.weight": torch.ones(2)}, "other.pth")
    with pytest.raises(CheckpointError, match=r"other\.pth.*found 1 tensors such as conv\.weight"):
        load_panini(other)
    with pytest.raises(CheckpointError, match=r"expected a StyleGAN2 prior.*found an official"):
        load_gan_prior(path, small_prior(0)[0])
    with pytest.raises(CheckpointError, match="expected an official degradation encoder"):
        load_degradation_encoder(other, encoder)


# What is refused


def test_messages_stay_short_and_printable(official_file: Callable[..., Path]) -> None:
    path = official_file({"odd\x1b[31m\n\udcfa" + "x" * 10**5: torch.ones(1)})
    with pytest.raises(CheckpointError, match=r"odd\\x1b\[31m\\n\\udcfaxxx") as caught:
        load_panini(path)
    assert len(str(caught.value)) < len(str(path)) + 1100
    assert str(caught.value).isprintable()


def test_names_lose_module_and_the_top_level(official_file: Callable[..., Path]) -> None:
    content = {"state_dict": {"module.body.module.w": torch.ones(2)}, "epoch": 3}
    assert list(read_state_dict(official_file(content))) == ["body.w"]
    twice = official_file({"module.w": torch.ones(2), "w": torch.ones(2)})
    with pytest.raises(CheckpointError, match="holds w twice"):
        read_state_dict(twice)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            lambda s: s.pop("fusion_out.1.bias"), "1 missing: fusion_out.1.bias", id="one"
        ),
        pytest.param(
            lambda s: [s.pop(k) for k in list(s) if k.startswith("deg_encoder.E.3.")],
            "but deg_encoder.E.3.weight is missing among 162 tensors",
            id="a layer",
        ),
        pytest.param(
            lambda s: s.pop("generator.constant_input.input"), "input is missing", id="size"
        ),
        pytest.param(
            lambda s: [s.pop(k) for k in list(s) if k.startswith("encoder.0.0.body.0.rdb2.conv4.")],
            "2 missing: encoder.0.0.body.0.rdb2.conv4.weight",
            id="a convolution",
        ),
        pytest.param(
            lambda s: s.update({"new.weight": torch.ones(1)}),
            "1 unexpected: new.weight",
            id="extra",
        ),
        pytest.param(
            lambda s: s.update({"encoder.0.0.conv_first.bias": torch.ones(5)}),
            "1 wrong: encoder.0.0.conv_first.bias is (5,), not (6,)",
            id="shape",
        ),
        pytest.param(
            lambda s: s.update({"encoder.0.0.conv_first.weight": torch.ones(6)}),
            "encoder.0.0.conv_first.weight should have 4 axes, it is (6,)",
            id="axes",
        ),
        pytest.param(
            lambda s: s.update({"fusion_out.0.bias": torch.ones(8, dtype=torch.long)}),
            "fusion_out.0.bias holds torch.int64, not torch.float32",
            id="integers",
        ),
        pytest.param(
            lambda s: s["generator.convs.0.conv.blur.kernel"].mul_(2),
            "generator.convs.0.conv.blur.kernel is not the filter [1, 3, 3, 1] with sum 4",
            id="filter",
        ),
        pytest.param(
            lambda s: s["fusion_out.0.bias"].fill_(float("nan")),
            "1 of 164 tensors hold NaN or infinity: fusion_out.0.bias",
            id="nan",
        ),
        pytest.param(
            lambda s: s["fusion_out.0.bias"][3].fill_(float("inf")),
            "tensors hold NaN or infinity: fusion_out.0.bias",
            id="infinity",
        ),
        pytest.param(
            lambda s: s.update({"fusion_out.0.bias": 3}),
            "1 of 164 entries are something else: 'fusion_out.0.bias' (int)",
            id="not a tensor",
        ),
        pytest.param(
            lambda s: s.update({"fusion_out.0.bias": torch.ones(8).to_sparse()}),
            "expected dense tensors",
            id="sparse",
        ),
        pytest.param(
            lambda s: s.update({"fusion_out.0.bias": torch.ones(1).expand(10**12)}),
            "expected dense tensors",
            id="enormous view",
        ),
        pytest.param(
            lambda s: s.update({"fusion_out.0.bias": torch.ones(8, device="meta")}),
            "expected dense tensors",
            id="no storage",
        ),
        pytest.param(lambda s: s.clear(), "expected named tensors, found none", id="empty"),
    ],
)
def test_a_changed_official_file_gives_one_clear_error(
    official_file: Callable[..., Path], change: Callable[[Any], Any], message: str
) -> None:
    tensors = official(small_net(SMALL_MFR), layouts.panini_table(SMALL_MFR))
    change(tensors)
    path = official_file({"state_dict": tensors})
    with pytest.raises(CheckpointError) as caught:
        load_panini(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert caught.value.path == path


def own_header(tmp_path: Path, **changes: Any) -> Path:
    """Our format with a changed header; None removes an entry."""
    net = small_net(TINY)
    values = {**net.config.to_dict(), **changes.pop("config", {})}
    header = {"panini_format": "1", "panini_config": json.dumps(values), **changes}
    path = tmp_path / "own.safetensors"
    save_file(net.state_dict(), path, {k: v for k, v in header.items() if v is not None})
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"panini_config": None}, "lacks the configuration ('panini_config')"),
        ({"panini_config": "{"}, "cannot be used"),
        ({"panini_config": "[1]"}, "expected a JSON object, found [1]"),
        ({"panini_config": '{"prior_channels": [8]}'}, "input_size"),
        ({"panini_format": "2"}, "its format is '2', expected '1'. Update"),
        ({"panini_format": None}, "its format is None"),
        ({"config": {"depth": 3}}, "Unknown fields in a PaniniConfig: depth"),
        ({"config": {"style_size": "16"}}, "style_size should be a whole number, found '16'"),
        ({"config": {"style_size": 16.5}}, "style_size should be a whole number"),
        ({"config": {"stem": [8]}}, "stem should be a list of a list of a whole number"),
        ({"config": {"stem": []}}, "stem should be"),
        ({"config": {"input_patch": 0}}, "input_patch must be positive"),
        ({"config": {"extractor_blocks": 10**9}}, "extractor_blocks = 1000000000 layers, but"),
        ({"config": {"prior_channels": [8] * 10**5}}, "prior_channels has 100000 numbers"),
        (
            {"config": {"prior_channels": [8] * 90, "picture_bands": 0}},
            "describes no network",
        ),
        ({"config": {"input_size": 65}}, "input_size of 64, got 65"),
        ({"config": {"style_size": 15}}, "layers.0.weight is (16, 16), not (15, 15)"),
        ({"config": {"mapping_layers": 3}}, "2 missing: gan_prior.mapping.layers.2."),
        ({"config": {"mapping_layers": 1}}, "2 unexpected: gan_prior.mapping.layers.1."),
    ],
)
def test_a_changed_header_gives_one_clear_error(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = own_header(tmp_path, **changes)
    with pytest.raises(CheckpointError) as caught:
        load_panini(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_fields_that_a_header_lacks_take_their_defaults(tmp_path: Path) -> None:
    net = small_net(TINY)
    values = {k: v for k, v in net.config.to_dict().items() if k != "level_convs"}
    save_file(
        net.state_dict(),
        tmp_path / "own.safetensors",
        {"panini_format": "1", "panini_config": json.dumps(values)},
    )
    assert load_panini(tmp_path / "own.safetensors").config == TINY


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty file"),
        (b"<!DOCTYPE html><html>", "found a file that begins with b'<!DOCTYPE html"),
        (b"\x80\x02}q\x00", "not a whole torch checkpoint"),
        (b"PK\x03\x04" + b"\0" * 100, "not a whole torch checkpoint"),
        (struct.pack("<Q", 10**7) + b'{"a": 1}', "not a whole safetensors file"),
        (struct.pack("<Q", 2) + b"{}", "expected named tensors, found none"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        read_state_dict(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nothing\.pth.*no such file"):
        read_state_dict(tmp_path / "nothing.pth")
    with pytest.raises(CheckpointError, match="cannot be read as a file"):
        read_state_dict(tmp_path)


@pytest.mark.parametrize("content", [[torch.ones(2)], torch.ones(2), 3, {"state_dict": 3}])
def test_other_content_is_refused(official_file: Callable[..., Path], content: Any) -> None:
    with pytest.raises(CheckpointError, match="expected a dict of tensors"):
        read_state_dict(official_file(content))


# Safety


class Attack:
    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["state_dict", "meta", "top"])
@pytest.mark.parametrize("function", [os.system, eval, exec])
def test_code_in_a_pickle_is_never_executed(
    tmp_path: Path, function: Callable[..., Any], place: str, zipped: bool
) -> None:
    trace = tmp_path / "executed"
    code = f"touch {trace}" if function is os.system else f"open({str(trace)!r}, 'w').close()"
    attack = Attack(function, code)
    content: Any = {"state_dict": {"w": torch.ones(2)}, "meta": {}}
    if place == "top":
        content = attack
    else:
        content[place]["attack"] = attack
    path = tmp_path / "attack.pth"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        CheckpointError, match=r"attack\.pth: its pickle refers to .*nothing was ex"
    ):
        read_state_dict(path)
    assert not trace.exists()
    if zipped:  # the attack itself works: a reader that is not safe falls for it
        torch.load(path, weights_only=False)
        assert trace.exists()


def test_a_plain_pickle_is_never_executed(tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    path = tmp_path / "attack.pkl"
    path.write_bytes(pickle.dumps(Attack(os.system, f"touch {trace}"), protocol=4))
    with pytest.raises(CheckpointError):
        read_state_dict(path)
    assert not trace.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_training_leftovers_beside_the_weights_do_no_harm(tmp_path: Path, zipped: bool) -> None:
    content = {
        "state_dict": OrderedDict(w=torch.ones(2)),
        "meta": {
            "options": argparse.Namespace(lr=0.1, sizes=[1, 2]),
            "loss": np.float64(0.5),
            "counts": np.arange(3),
            "shape": torch.Size([1, 2]),
            "hooks": {"best": np.float32(1), "order": OrderedDict(a=1)},
        },
        "optimizer": {"state": {0: {"step": torch.tensor(3)}}},
    }
    before = set(torch.serialization.get_safe_globals())
    torch.save(content, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    assert torch.equal(read_state_dict(tmp_path / "x.pth")["w"], torch.ones(2))
    assert set(torch.serialization.get_safe_globals()) == before


def test_placeholders_do_not_let_numpy_arrays_pass_as_weights(
    official_file: Callable[..., Path],
) -> None:
    with pytest.raises(CheckpointError, match=r"'w' \(_reconstruct\)"):
        read_state_dict(official_file({"w": np.ones(3)}))


# Damage anywhere: either a CheckpointError or a network of finite numbers


@dataclasses.dataclass(frozen=True)
class WholeFile:
    content: bytes = dataclasses.field(repr=False)


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, WholeFile]:
    folder = tmp_path_factory.mktemp("whole")
    config = dataclasses.replace(SMALL_MFR, prior_channels=(4, 4, 4), extractor_channels=2)
    content = {"state_dict": official(small_net(config), layouts.panini_table(config))}
    torch.save(content, folder / "zip.pth")
    torch.save(content, folder / "old.pth", _use_new_zipfile_serialization=False)
    save_panini(folder / "own.safetensors", small_net(TINY))
    return {path.name: WholeFile(path.read_bytes()) for path in folder.iterdir()}


FUZZ = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("name", ["zip.pth", "old.pth", "own.safetensors"])
class TestDamage:
    @FUZZ
    @given(share=st.floats(0, 1, exclude_max=True))
    def test_truncation(
        self, whole_files: dict[str, WholeFile], tmp_path: Path, name: str, share: float
    ) -> None:
        data = whole_files[name].content
        path = tmp_path / name
        path.write_bytes(data[: int(share * len(data))])
        with pytest.raises(CheckpointError, match=name):
            load_panini(path)

    @FUZZ
    @given(data=st.data())
    def test_flipped_bytes(
        self, whole_files: dict[str, WholeFile], tmp_path: Path, name: str, data: st.DataObject
    ) -> None:
        content = bytearray(whole_files[name].content)
        # Names, shapes and directories stand at the beginning and at the end.
        edge = st.integers(0, 20_000)
        offset = st.one_of(edge, edge.map(lambda i: -1 - i), st.integers(0, len(content) - 1))
        flips = st.tuples(offset, st.integers(1, 255))
        for position, mask in data.draw(st.lists(flips, min_size=1, max_size=4)):
            content[position % len(content)] ^= mask
        path = tmp_path / name
        path.write_bytes(content)
        with contextlib.suppress(CheckpointError):
            net = load_panini(path)
            assert all(tensor.isfinite().all() for tensor in net.state_dict().values())
