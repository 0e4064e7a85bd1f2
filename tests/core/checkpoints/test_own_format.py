"""Our own format: round trips, and headers that cannot be used."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from panini_core.checkpoints import (
    CheckpointError,
    load_panini,
    save_panini,
)
from panini_core.models.panini import PaniniConfig

from .small_files import (
    MOBILE,
    TINY,
    small_net,
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    "config",
    [TINY, dataclasses.replace(TINY, degradation_discriminants=3), MOBILE],
    ids=["tiny", "discriminants", "mobile"],
)
def test_own_format_round_trip(tmp_path: Path, dtype: torch.dtype, config: PaniniConfig) -> None:
    net = small_net(config)
    path = tmp_path / "sub" / "net.safetensors"
    save_panini(path, net, dtype=dtype, metadata={"licence": "own"})

    loaded = load_panini(path, dtype=torch.float32)

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
        ({"config": {"prior": "stylegan3"}}, "must be one of stylegan2, mobile, got 'stylegan3'"),
        ({"config": {"prior": True}}, "prior should be str, found True"),
        ({"config": {"interpolated_picture": 1}}, "interpolated_picture should be true or false"),
        ({"config": {"prior": "mobile", "detail_patch": 1}}, "output as large as the input"),
        ({"config": {"latent_rank": 4}}, "missing: image_encoder.latent_head."),
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
        load_panini(path, dtype=torch.float32)
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
    assert load_panini(tmp_path / "own.safetensors", dtype=torch.float32).config == TINY
