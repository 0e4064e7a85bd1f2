"""The tables of official names, sizes read from shapes, and recognition."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from panini_core.checkpoints import (
    Layout,
    layouts,
    loading,
    recognise,
)
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.models.stylegan2 import (
    StyleGAN2Discriminator,
)

from .small_files import (
    SMALL_MFR,
    below,
    official,
    small_net,
)


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
