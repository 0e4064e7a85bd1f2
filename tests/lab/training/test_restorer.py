from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from panini_core.checkpoints import load_panini, save_panini
from panini_core.images import read_image
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_lab.training.inversion import train_inversion
from panini_lab.training.restorer import train_restorer
from panini_lab.training.session import LOG_FILE, STATE_FILE

from .restorer_runs import ReadLog, changed, opened, seeded, weights_of

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
    assert load_panini(result, dtype=torch.float32).config.input_size == 64


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
    assert load_panini(result, dtype=torch.float32).mean_latent.any()


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


# Faces that a prior draws


SECTIONS = ("drawing", "degrading", "network", "losses", "backward")


def test_drawn_faces_alone_need_no_files(restorer_overrides: list[str], run_log: ReadLog) -> None:
    overrides = [*restorer_overrides, "run.steps=40", "run.learning_rate=0.005"]
    assert "data.sources" not in " ".join(overrides)
    result = train_restorer("mobile-restorer", overrides)
    log = run_log()
    assert sum(line["pixel"] for line in log[-5:]) < 0.9 * sum(line["pixel"] for line in log[:5])
    assert load_panini(result, dtype=torch.float32).config == PaniniConfig.preset("tiny-mobile")


def test_the_log_tells_speed_and_where_time_goes(
    restorer_overrides: list[str], file_overrides: list[str], run_log: ReadLog
) -> None:
    train_restorer("mobile-restorer", [*restorer_overrides, *file_overrides, "run.steps=2"])
    last = run_log()[-1]
    assert last["faces_per_second"] > 0
    shares = [last[f"time_{section}"] for section in SECTIONS]
    assert all(share > 0 for share in shares)
    assert sum(shares) <= 1


def test_a_mixed_batch_has_drawn_faces_first(
    restorer_overrides: list[str], file_overrides: list[str]
) -> None:
    with opened([*restorer_overrides, *file_overrides, "run.batch=5", "drawn_share=0.4"]) as run:
        assert run.drawer is not None
        assert run.sampler is not None
        batch = run.batch(seeded())
        drawn = run.drawer.draw(run.drawer.codes(2, seeded()))
        assert batch.drawn is not None
        assert torch.equal(batch.drawn.codes, drawn.codes)
        assert torch.equal(batch.clean, torch.cat([drawn.images, run.sampler(0)]) * 2 - 1)
        assert batch.degraded.shape == (5, 3, 64, 64)
        for degraded, clean in zip(batch.degraded, batch.clean, strict=True):
            assert not torch.equal(degraded, clean)
    undegraded = ["run.batch=5", "drawn_share=0.4", "degradation=none"]
    with opened([*restorer_overrides, *file_overrides, *undegraded]) as run:
        batch = run.batch(seeded())
        assert torch.equal(batch.degraded, batch.clean)


def test_only_a_mobile_prior_draws_and_is_cut(run_overrides: list[str]) -> None:
    overrides = [*run_overrides, *PIXELS_ONLY]
    with pytest.raises(ValueError, match="drawn_share=0"):
        train_restorer("compact-restorer", [*overrides, "drawn_share=0.5"])
    with pytest.raises(ValueError, match="window=0"):
        train_restorer("compact-restorer", [*overrides, "window=6"])


@pytest.mark.parametrize("finest", [0, 32])
def test_the_prior_is_frozen_or_trained_from_a_level_on(
    restorer_overrides: list[str], finest: int
) -> None:
    frozen = "true" if finest == 0 else "false"
    overrides = [*restorer_overrides, f"freeze_prior={frozen}", f"prior_from={finest}"]
    with opened([*overrides, "loss.drawn=1.0"]) as run:
        before = weights_of(run.model)
        for _ in range(2):
            run.train_step()
        names = changed(run.model, before)
        prior = {name for name in names if name.startswith("gan_prior.")}
        parts = {".".join(name.split(".")[1:3]) for name in prior}
        assert {part for part in parts if part.startswith("blocks")} == (
            {"blocks.32", "blocks.64"} if finest else set()
        )
        assert {part for part in parts if not part.startswith("blocks")} == (
            {"to_bands.weight", "to_bands.bias", "to_bands.style"} if finest else set()
        )
        others = {name.split(".")[0] for name in names - prior}
        # The mean latent is the prior's, from the first step on.
        assert others == {
            *("image_encoder", "feature_interpolation", "interpolation_predictor", "mean_latent")
        }
        assert changed(run.average.average, before) == names


def test_training_the_prior_does_not_change_what_is_learned_from(
    restorer_overrides: list[str],
) -> None:
    overrides = [*restorer_overrides, "freeze_prior=false", "prior_from=8", "loss.inversion=1.0"]
    with opened(overrides) as run:
        first = run.batch(seeded())
        for _ in range(2):
            run.train_step()
        assert first.drawn is not None
        again = run.batch(seeded())
        assert again.drawn is not None
        assert torch.equal(again.clean, first.clean)
        for resolution, x in first.drawn.features.items():
            assert torch.equal(again.drawn.features[resolution], x)


def test_another_prior_may_draw_the_faces(
    restorer_overrides: list[str], prior_file: Path, tmp_path: Path
) -> None:
    """The model's own may have been trained on."""
    torch.manual_seed(3)
    save_panini(tmp_path / "start.safetensors", PaniniNet(PaniniConfig.preset("tiny-mobile")))
    overrides = [
        *(override for override in restorer_overrides if not override.startswith("initial_prior")),
        f"initial_model='{(tmp_path / 'start.safetensors').as_posix()}'",
        f"drawing_prior='{prior_file.as_posix()}'",
        "loss.inversion=1.0",
    ]
    with opened(overrides) as run, opened(restorer_overrides) as own:
        assert torch.equal(run.batch(seeded()).clean, own.batch(seeded()).clean)
        start = load_panini(
            tmp_path / "start.safetensors", dtype=torch.float32
        ).gan_prior.state_dict()
        assert not changed(run.model.gan_prior, start)
        run.train_step()


def test_each_part_has_its_learning_rate(restorer_overrides: list[str]) -> None:
    overrides = [
        *restorer_overrides,
        "freeze_prior=false",
        "prior_from=0",
        "prior_rate=0.25",
        "alpha_rate=0.5",
        "run.learning_rate=0.004",
        "run.warmup_steps=0",
    ]
    with opened(overrides) as run:
        run.train_step()
        rates = {
            id(parameter): group["lr"]
            for group in run.optimizer.param_groups
            for parameter in group["params"]
        }
        wanted = {"gan_prior": 0.001, "interpolation_predictor": 0.002}
        for name, parameter in run.model.named_parameters():
            part = name.split(".")[0]
            if part == "degradation_encoder":
                assert id(parameter) not in rates
            else:
                assert rates[id(parameter)] == pytest.approx(wanted.get(part, 0.004)), name


def test_previews_show_what_is_restored_and_what_the_prior_drew(
    restorer_overrides: list[str],
    validation_overrides: list[str],
    tmp_path: Path,
    run_log: ReadLog,
) -> None:
    overrides = [*restorer_overrides, *validation_overrides, "run.steps=1"]
    train_restorer("mobile-restorer", overrides)
    pixels = read_image(tmp_path / "run" / "preview-0000001.jpg").pixels
    assert pixels.shape[-1] >= 4 * 64  # degraded, restored, drawn, clean
    assert {"val_psnr", "drawn_val_psnr", "val_fine", "drawn_val_fine"} <= run_log()[-1].keys()


def test_all_of_it_resumes_to_the_step(
    projected: list[str], file_overrides: list[str], crisp_list: str, tmp_path: Path
) -> None:
    overrides = [
        *projected,
        *file_overrides,
        crisp_list,
        "freeze_prior=false",
        "prior_from=16",
        "window=6",
        "whole_every=2",
        "loss.drawn=0.33",
        "loss.inversion=0.3",
        "alpha_jitter=0.5",
        "adversary.alone=1",
    ]
    whole = f"run.output='{(tmp_path / 'whole').as_posix()}'"
    train_restorer("mobile-adversary", [*overrides, "run.steps=4", whole])
    train_restorer("mobile-adversary", [*overrides, "run.steps=2"])
    train_restorer("mobile-adversary", [*overrides, "run.steps=4"])
    a = torch.load(tmp_path / "whole" / STATE_FILE, weights_only=True)
    b = torch.load(tmp_path / "run" / STATE_FILE, weights_only=True)
    assert a["step"] == b["step"] == 4
    assert a["average_updates"] == b["average_updates"] == 3
    for part in ("model", "average"):
        for name, value in a[part].items():
            torch.testing.assert_close(value, b[part][name], msg=f"{part} {name}")
    for name, value in a["adversary"]["discriminator"].items():
        torch.testing.assert_close(value, b["adversary"]["discriminator"][name], msg=name)


def test_an_adversary_is_added_to_a_run_that_had_none(
    projected: list[str], restorer_overrides: list[str], tmp_path: Path
) -> None:
    train_restorer("mobile-restorer", [*restorer_overrides, "run.steps=1"])
    train_restorer("mobile-restorer", [*projected, "run.steps=2"])
    state = torch.load(tmp_path / "run" / STATE_FILE, weights_only=True)
    assert state["step"] == 2
    assert "adversary" in state


def test_the_result_of_the_inversion_is_where_restoration_starts(
    drawn_overrides: list[str], restorer_overrides: list[str], tmp_path: Path
) -> None:
    inverted = train_inversion("mobile-inversion", [*drawn_overrides, "run.steps=1"])
    overrides = [
        *(o for o in restorer_overrides if not o.startswith("initial_prior")),
        f"initial_model='{inverted.as_posix()}'",
        f"run.output='{(tmp_path / 'second').as_posix()}'",
    ]
    with opened(overrides) as run:
        for name, value in load_panini(inverted, dtype=torch.float32).state_dict().items():
            assert torch.equal(run.model.state_dict()[name], value), name
        run.train_step()
