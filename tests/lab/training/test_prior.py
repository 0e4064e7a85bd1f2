from __future__ import annotations

from pathlib import Path

import torch

from panini_core.checkpoints import fill_gan_prior
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_lab.training.config import CONFIG_FOLDER
from panini_lab.training.prior import train_prior
from panini_lab.training.session import STATE_FILE

SHORT = ["adversary.channels=[8, 8, 8]", "adversary.r1_every=2", "run.preview_every=2"]


def test_a_resumed_run_equals_an_uninterrupted_one_and_loads(
    run_overrides: list[str], tmp_path: Path
) -> None:
    assert (CONFIG_FOLDER / "compact-prior.toml").is_file()
    whole = f"run.output='{(tmp_path / 'whole').as_posix()}'"
    result = train_prior("compact-prior", [*run_overrides, *SHORT, "run.steps=4", whole])
    train_prior("compact-prior", [*run_overrides, *SHORT, "run.steps=2"])
    train_prior("compact-prior", [*run_overrides, *SHORT, "run.steps=4"])
    a = torch.load(tmp_path / "whole" / STATE_FILE, weights_only=True)
    b = torch.load(tmp_path / "run" / STATE_FILE, weights_only=True)
    for part in ("generator", "average"):
        for name, value in a[part].items():
            torch.testing.assert_close(value, b[part][name], msg=f"{part} {name}")
    assert (tmp_path / "run" / "samples-0000004.jpg").is_file()

    prior = PaniniNet(PaniniConfig.preset("tiny")).gan_prior
    fill_gan_prior(result, prior)
    torch.testing.assert_close(prior.constant, a["average"]["constant"])
