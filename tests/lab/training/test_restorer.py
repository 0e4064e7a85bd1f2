from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from panini_core.checkpoints import load_panini
from panini_lab.training.restorer import train_restorer
from panini_lab.training.session import LOG_FILE, STATE_FILE

PIXELS_ONLY = [
    "loss.perceptual=0.0",
    "loss.identity=0.0",
    "validation.degraded=''",
    "degradation=mild",
]


def read_log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / LOG_FILE).read_text().splitlines()]


def test_training_lowers_the_loss(run_overrides: list[str], tmp_path: Path) -> None:
    overrides = [*run_overrides, *PIXELS_ONLY, "run.steps=60", "run.learning_rate=0.003"]
    result = train_restorer("compact-restorer", overrides)
    log = read_log(tmp_path / "run")
    start = sum(line["pixel"] for line in log[:5])
    end = sum(line["pixel"] for line in log[-5:])
    assert end < 0.8 * start
    assert load_panini(result).config.input_size == 64


def test_a_resumed_run_equals_an_uninterrupted_one(
    run_overrides: list[str], tmp_path: Path
) -> None:
    adversary = ["adversary.weight=0.1", "adversary.channels=[8, 8, 8]", "adversary.r1_every=2"]
    overrides = [*run_overrides, *PIXELS_ONLY, *adversary, "alpha_jitter=0.5"]
    whole = f"run.output='{(tmp_path / 'whole').as_posix()}'"
    train_restorer("compact-restorer", [*overrides, "run.steps=4", whole])
    train_restorer("compact-restorer", [*overrides, "run.steps=2"])
    train_restorer("compact-restorer", [*overrides, "run.steps=4"])
    a = torch.load(tmp_path / "whole" / STATE_FILE, weights_only=True)
    b = torch.load(tmp_path / "run" / STATE_FILE, weights_only=True)
    assert a["step"] == b["step"] == 4
    for part in ("model", "average"):
        for name, value in a[part].items():
            torch.testing.assert_close(value, b[part][name], msg=f"{part} {name}")
    for name, value in a["adversary"]["discriminator"].items():
        torch.testing.assert_close(value, b["adversary"]["discriminator"][name])


def test_a_state_without_a_mean_latent_is_resumed(run_overrides: list[str], tmp_path: Path) -> None:
    overrides = [*run_overrides, *PIXELS_ONLY]
    train_restorer("compact-restorer", [*overrides, "run.steps=1"])
    path = tmp_path / "run" / STATE_FILE
    state = torch.load(path, weights_only=True)
    assert state["average"]["mean_latent"].any()
    for part in ("model", "average"):
        del state[part]["mean_latent"]
    torch.save(state, path)
    result = train_restorer("compact-restorer", [*overrides, "run.steps=2"])
    assert load_panini(result).mean_latent.any()


def test_perceptual_and_identity_losses_and_validation(
    run_overrides: list[str], tmp_path: Path, shared: Path
) -> None:
    weights = shared / "data" / "weights"
    train_restorer(
        "compact-restorer",
        [
            *run_overrides,
            "run.steps=2",
            "run.preview_every=1",
            f"loss.perceptual_weights='{(weights / 'vgg19_features.safetensors').as_posix()}'",
            "loss.identity=0.1",
            f"loss.identity_weights='{(weights / 'mobilefacenet.onnx').as_posix()}'",
            f"validation.degraded='{(shared / 'data/eval/degraded').as_posix()}'",
            f"validation.clean='{(shared / 'data/eval/clean').as_posix()}'",
            "validation.limit=2",
        ],
    )
    last = read_log(tmp_path / "run")[-1]
    assert {"pixel", "perceptual", "identity", "val_psnr", "val_vgg", "val_texture"} <= last.keys()
    assert {"val_fine", "val_fine_median"} <= last.keys()
    assert (tmp_path / "run" / "preview-0000002.jpg").is_file()


def test_a_loss_without_its_network_is_named(run_overrides: list[str]) -> None:
    with pytest.raises(ValueError, match=r"loss\.perceptual_weights"):
        train_restorer("compact-restorer", [*run_overrides, "loss.perceptual_weights=''"])


def test_a_loss_that_is_not_finite_stops_the_run(run_overrides: list[str], tmp_path: Path) -> None:
    overrides = [*run_overrides, *PIXELS_ONLY, "run.learning_rate=1e30", "run.steps=50"]
    with pytest.raises(FloatingPointError, match="not finite at step"):
        train_restorer("compact-restorer", [*overrides, "gradient_clip=0.0"])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to catch")
def test_a_stopped_run_saves_its_state(run_overrides: list[str], tmp_path: Path) -> None:
    overrides = [*run_overrides, *PIXELS_ONLY, "run.steps=1000000"]
    code = f"""
import panini_lab.training.restorer as r, os, signal
step = r.RestorerTraining.train_step
def stop_at_three(self):
    step(self)
    if self.step == 3:
        os.kill(os.getpid(), signal.SIGTERM)
r.RestorerTraining.train_step = stop_at_three
r.train_restorer("compact-restorer", {overrides!r})
"""
    finished = subprocess.run([sys.executable, "-c", code], check=False, timeout=300)
    assert finished.returncode == 0
    assert torch.load(tmp_path / "run" / STATE_FILE, weights_only=True)["step"] == 3
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.skipif(sys.platform == "win32", reason="gloo needs a different rendezvous there")
def test_two_processes_train_together(run_overrides: list[str], tmp_path: Path) -> None:
    overrides = [*run_overrides, *PIXELS_ONLY, "run.steps=2"]
    script = tmp_path / "train.py"
    script.write_text(
        "from panini_lab.training.restorer import train_restorer\n"
        f"train_restorer('compact-restorer', {overrides!r})\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    finished = subprocess.run(
        [*command, "--nproc-per-node=2", str(script)],
        check=False,
        timeout=300,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    assert torch.load(tmp_path / "run" / STATE_FILE, weights_only=True)["step"] == 2
