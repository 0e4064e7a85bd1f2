from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from panini_core.checkpoints import load_gan_prior, load_panini, save_panini
from panini_core.images import read_image
from panini_core.models.mobile_stylegan import MobileGenerator
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.models.window import Window
from panini_lab.training.config import InversionConfig, load_config
from panini_lab.training.drawn_faces import DrawnFaces, FaceDrawer
from panini_lab.training.inversion import (
    FeatureStatistics,
    InversionLoss,
    InversionTraining,
    adopt_encoders,
    build_model,
    degrade_views,
    start_from_statistics,
    train_inversion,
)
from panini_lab.training.session import STATE_FILE, TrainingSession

ReadLog = Callable[[], list[dict[str, float]]]

TINY = PaniniConfig.preset("tiny-mobile")
LEVELS = {4: 12, 8: 12, 16: 8}  # the fused ones of tiny-mobile and the prior's widths there


def tiny_net(seed: int = 0) -> PaniniNet:
    torch.manual_seed(seed)
    return PaniniNet(TINY)


def tiny_drawer(prior_file: Path) -> FaceDrawer:
    prior = load_gan_prior(prior_file)
    assert isinstance(prior, MobileGenerator)
    return FaceDrawer(prior, prior.mean_latent, LEVELS)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# The run


def test_training_lowers_every_loss_on_other_faces(drawn_overrides: list[str]) -> None:
    overrides = [*drawn_overrides, "run.batch=16", "run.learning_rate=0.005", "ema=0.9"]
    config = load_config("mobile-inversion", InversionConfig, overrides)
    torch.manual_seed(config.run.seed)
    with TrainingSession(config.run) as session:
        training = InversionTraining(config, session)
        drawn = training.drawer.draw(training.drawer.codes(64, seeded(9)))
        degraded = degrade_views(drawn.images, "mild", 1, seeded(9)) * 2 - 1

        @torch.no_grad()
        def measure(model: PaniniNet) -> dict[str, float]:
            loss = InversionLoss(model, training.statistics, 1.0)
            losses = loss(*model.image_encoder(degraded), drawn, 1, None)
            return {name: value.item() for name, value in losses.items()}

        start = measure(training.model)
        for _ in range(60):
            training.train_step()
        for model in (training.model, training.average.average):
            end = measure(model)
            assert all(end[name] < start[name] for name in start)
            assert sum(end.values()) < 0.85 * sum(start.values())


def test_the_log_tells_speed_and_where_time_goes(
    drawn_overrides: list[str], run_log: ReadLog
) -> None:
    train_inversion("mobile-inversion", [*drawn_overrides, "run.steps=2"])
    last = run_log()[-1]
    assert last["faces_per_second"] > 0
    shares = [last[f"time_{section}"] for section in ("drawing", "degrading", "network")]
    assert all(share > 0 for share in shares)
    assert sum(shares) <= 1


def test_a_resumed_run_equals_an_uninterrupted_one(
    drawn_overrides: list[str], tmp_path: Path
) -> None:
    overrides = [*drawn_overrides, "window=6"]
    whole = f"run.output='{(tmp_path / 'whole').as_posix()}'"
    train_inversion("mobile-inversion", [*overrides, "run.steps=4", whole])
    train_inversion("mobile-inversion", [*overrides, "run.steps=2"])
    result = train_inversion("mobile-inversion", [*overrides, "run.steps=4"])
    a = torch.load(tmp_path / "whole" / STATE_FILE, weights_only=True)
    b = torch.load(tmp_path / "run" / STATE_FILE, weights_only=True)
    assert a["step"] == b["step"] == 4
    assert a["average_updates"] == b["average_updates"] == 4
    for part in ("model", "average", "statistics"):
        for name, value in a[part].items():
            torch.testing.assert_close(value, b[part][name], msg=f"{part} {name}")
    for index, moments in a["optimizer"]["state"].items():
        for name, value in moments.items():
            torch.testing.assert_close(value, b["optimizer"]["state"][index][name])
    loaded = load_panini(result, dtype=torch.float32)
    assert loaded.config == TINY
    for name, value in loaded.state_dict().items():
        torch.testing.assert_close(value, b["average"][name], rtol=0, atol=0, msg=name)


def test_only_the_encoder_and_the_fusing_convolutions_learn(
    drawn_overrides: list[str], tmp_path: Path
) -> None:
    torch.manual_seed(5)
    start = tiny_net()
    save_panini(tmp_path / "start.safetensors", start)
    initial = f"initial_model='{(tmp_path / 'start.safetensors').as_posix()}'"
    config = load_config("mobile-inversion", InversionConfig, [*drawn_overrides, initial])
    with TrainingSession(config.run) as session:
        training = InversionTraining(config, session)
        before = {name: value.clone() for name, value in training.model.state_dict().items()}
        training.train_step()
    changed = {
        name.split(".")[0]
        for name, value in training.model.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert changed == {"image_encoder", "feature_interpolation"}
    # … and the average follows in the same parts.
    average = training.average.average.state_dict()
    for name, value in training.model.state_dict().items():
        if name.startswith(("gan_prior", "degradation_encoder", "interpolation_predictor")):
            assert torch.equal(average[name], value), name


def test_previews_show_what_codes_and_features_say(
    drawn_overrides: list[str],
    validation_overrides: list[str],
    tmp_path: Path,
    run_log: ReadLog,
) -> None:
    overrides = [*drawn_overrides, *validation_overrides, "run.steps=1"]
    train_inversion("mobile-inversion", overrides)
    pixels = read_image(tmp_path / "run" / "preview-0000001.jpg").pixels
    assert pixels.shape[-1] >= 4 * 64  # degraded, from its code, from its features, clean
    assert {"codes_val_psnr", "features_val_psnr"} <= run_log()[-1].keys()


def test_what_is_shown_of_codes_is_the_priors_picture_of_them(
    drawn_overrides: list[str], validation_overrides: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(
        "mobile-inversion", InversionConfig, [*drawn_overrides, *validation_overrides]
    )
    with TrainingSession(config.run) as session:
        training = InversionTraining(config, session)
        assert training.pairs is not None
        columns: dict[str, Tensor] = {}
        monkeypatch.setattr(
            training.pairs, "write_sheet", lambda path, restored: columns.update(restored)
        )
        training.preview()
        model = training.average.average
        images = training.pairs.degraded * 2 - 1
        with torch.no_grad():
            features, w_plus = model.image_encoder(images)
            alone = model.gan_prior(w_plus)
            fused = [
                conv(x) for conv, x in zip(model.feature_interpolation.convs, features, strict=True)
            ]
            resolutions = list(LEVELS)
            from_features = model.gan_prior(
                w_plus,
                fuse=lambda r, x: fused[resolutions.index(r)] if r in LEVELS else x,
            )
    for name, expected in (("from its code", alone), ("from its features", from_features)):
        torch.testing.assert_close(columns[name], (expected / 2 + 0.5).clamp(0, 1), msg=name)


@pytest.mark.skipif(sys.platform == "win32", reason="gloo needs a different rendezvous there")
def test_processes_learn_the_same_network(drawn_overrides: list[str], tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import os, torch\n"
        "import panini_lab.training.inversion as inversion\n"
        "step = inversion.InversionTraining.train_step\n"
        "def save_after(self):\n"
        "    step(self)\n"
        f"    torch.save(self.model.state_dict(), '{tmp_path.as_posix()}/' + os.environ['RANK'])\n"
        "inversion.InversionTraining.train_step = save_after\n"
        f"inversion.train_inversion('mobile-inversion', {[*drawn_overrides, 'run.steps=2']!r})\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    finished = subprocess.run(
        [*command, "--nproc-per-node=2", str(script)],
        check=False,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    a, b = (torch.load(tmp_path / rank, weights_only=True) for rank in "01")
    for name, value in a.items():
        torch.testing.assert_close(value, b[name], msg=name)


# The loss


def perfect(model: PaniniNet, drawn: DrawnFaces, views: int) -> tuple[list[Tensor], Tensor]:
    """Image features and codes with which nothing is wrong: the convolutions pass them on."""
    for conv, width in zip(model.feature_interpolation.convs, LEVELS.values(), strict=True):
        assert isinstance(conv, nn.Conv2d)
        conv.weight = nn.Parameter(torch.zeros(width, width, 3, 3))
        with torch.no_grad():
            conv.weight[:, :, 1, 1] = torch.eye(width)
    features = [drawn.features[r].repeat(views, 1, 1, 1) for r in LEVELS]
    codes = drawn.codes[:, None].expand(-1, model.gan_prior.w_plus_rows, -1)
    return features, codes.repeat(views, 1, 1)


@pytest.mark.parametrize("window", [None, Window(8, 2, 0, 6, margin=1)])
def test_nothing_is_lost_where_all_is_known(prior_file: Path, window: Window | None) -> None:
    drawer = tiny_drawer(prior_file)
    drawn, model = drawer.draw(drawer.codes(3, seeded())), tiny_net()
    loss = InversionLoss(model, FeatureStatistics(LEVELS, TINY.style_size), 1.0)
    losses = loss(*perfect(model, drawn, 2), drawn, 2, window)
    assert losses.keys() == {"level_4", "level_8", "level_16", "code"}
    for name, value in losses.items():
        assert value.item() == pytest.approx(0, abs=1e-12), name


def test_a_constant_costs_one_whatever_the_scale(prior_file: Path) -> None:
    drawer = tiny_drawer(prior_file)
    model, statistics = tiny_net(), FeatureStatistics(LEVELS, TINY.style_size)
    statistics.measure(drawer, seeded())
    loss = InversionLoss(model, statistics, code_weight=0.25)
    drawn = drawer.draw(drawer.codes(96, seeded(1)))
    with torch.no_grad():
        for conv, resolution in zip(model.feature_interpolation.convs, LEVELS, strict=True):
            assert isinstance(conv, nn.Conv2d)
            assert conv.bias is not None
            conv.weight.zero_()
            conv.bias.copy_(statistics.mean(resolution))
        features = [
            torch.zeros(96, width, r, r)
            for r, width in zip(LEVELS, TINY.level_channels, strict=True)
        ]
        constant = drawn.codes.mean(0).expand(96, model.gan_prior.w_plus_rows, -1)
        losses = loss(features, constant, drawn, 1, None)
    assert losses["code"].item() == pytest.approx(0.25, rel=0.2)
    for resolution in LEVELS:  # of one between the levels
        assert losses[f"level_{resolution}"].item() == pytest.approx(1 / 3, rel=0.2)


def test_each_view_is_compared_with_its_own_face(prior_file: Path) -> None:
    drawer = tiny_drawer(prior_file)
    drawn, model = drawer.draw(drawer.codes(2, seeded())), tiny_net()
    loss = InversionLoss(model, FeatureStatistics(LEVELS, TINY.style_size), 1.0)
    features, codes = perfect(model, drawn, 2)
    swapped = [1, 0, 3, 2]
    losses = loss([x[swapped] for x in features], codes[swapped], drawn, 2, None)
    assert all(value > 1e-4 for value in losses.values())


def test_a_window_looks_only_inside(prior_file: Path) -> None:
    """Errors outside of it cost nothing from its resolution on, and all before."""
    drawer = tiny_drawer(prior_file)
    drawn, model = drawer.draw(drawer.codes(2, seeded())), tiny_net()
    window = Window(8, 2, 0, 6, margin=1)
    loss = InversionLoss(model, FeatureStatistics(LEVELS, TINY.style_size), 1.0)
    features, codes = perfect(model, drawn, 1)
    inside = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    window.cut(inside)[:] = True
    for level, resolution in ((1, 8), (2, 16)):
        here = inside.repeat_interleave(resolution // 8, 2).repeat_interleave(resolution // 8, 3)
        spoilt = list(features)
        spoilt[level] = torch.where(here, features[level], features[level] + 10)
        losses = loss(spoilt, codes, drawn, 1, window)
        assert losses[f"level_{resolution}"].item() == pytest.approx(0, abs=1e-12)
        assert loss(spoilt, codes, drawn, 1, None)[f"level_{resolution}"] > 1
        spoilt[level] = torch.where(here, features[level] + 10, features[level])
        assert loss(spoilt, codes, drawn, 1, window)[f"level_{resolution}"] > 1
    coarse = [features[0] + 10, *features[1:]]
    assert loss(coarse, codes, drawn, 1, window)["level_4"] > 1


def test_a_windows_loss_is_that_of_the_same_place_in_the_whole(prior_file: Path) -> None:
    """The margin keeps the padding of the convolution out of it."""
    drawer = tiny_drawer(prior_file)
    drawn, model = drawer.draw(drawer.codes(2, seeded())), tiny_net()
    statistics = FeatureStatistics(LEVELS, TINY.style_size)
    image_features, w_plus = model.image_encoder(drawn.images * 2 - 1)
    window = Window(8, 0, 2, 6, margin=1)
    losses = InversionLoss(model, statistics, 1.0)(image_features, w_plus, drawn, 1, window)
    for level, resolution in ((1, 8), (2, 16)):
        guess = model.feature_interpolation.convs[level](image_features[level])
        error = window.inner(guess - drawn.features[resolution]).square().mean() / 3
        torch.testing.assert_close(losses[f"level_{resolution}"], error)


# Views and statistics


def test_views_are_the_same_faces_degraded_differently() -> None:
    faces = torch.rand(2, 3, 64, 64, generator=seeded())
    views = degrade_views(faces, "mild", 3, seeded(1))
    assert views.shape == (6, 3, 64, 64)
    flat = views.unflatten(0, (3, 2)).flatten(2)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert not torch.equal(flat[first], flat[second])
    for view in flat:  # nearer to their own face than to the other one
        distances = torch.cdist(view, faces.flatten(1))
        assert distances.argmin(1).tolist() == [0, 1]
    assert torch.equal(views, degrade_views(faces, "mild", 3, seeded(1)))


def test_a_batch_must_hold_whole_faces(drawn_overrides: list[str]) -> None:
    with pytest.raises(ValueError, match=r"run\.batch \(4\) must be a multiple of views \(3\)"):
        train_inversion("mobile-inversion", [*drawn_overrides, "views=3"])


def test_statistics_are_those_of_many_drawn_faces(prior_file: Path) -> None:
    drawer = tiny_drawer(prior_file)
    statistics = FeatureStatistics(LEVELS, TINY.style_size)
    statistics.measure(drawer, seeded())
    codes = drawer.codes(1024, seeded(1))
    torch.testing.assert_close(statistics.code_variance, codes.var(0), rtol=0.2, atol=0)
    for resolution, x in drawer.draw(codes[:256]).features.items():
        variance = x.transpose(0, 1).flatten(1).var(1)
        ratio = statistics.variance(resolution) / variance
        assert ratio.log().mean().abs() < 0.3
        difference = statistics.mean(resolution) - x.mean((0, 2, 3))
        assert (difference.square() < variance).all()


def test_a_new_network_starts_with_the_mean_code_and_features_of_the_priors_size(
    prior_file: Path,
) -> None:
    drawer, model = tiny_drawer(prior_file), tiny_net()
    model.mean_latent.copy_(drawer.mean_latent.expand_as(model.mean_latent))
    statistics = FeatureStatistics(LEVELS, TINY.style_size)
    statistics.measure(drawer, seeded())
    start_from_statistics(model, statistics)
    with torch.no_grad():
        features, w_plus = model.image_encoder(torch.zeros(2, 3, 64, 64))
        assert (w_plus - drawer.mean_latent).abs().max() < 1e-5  # black faces say nothing
        noise = [torch.randn(16, width, 4, 4, generator=seeded()) for width in TINY.level_channels]
        for level, resolution in enumerate(LEVELS):
            conv = model.feature_interpolation.convs[level]
            assert isinstance(conv, nn.Conv2d)
            torch.testing.assert_close(
                conv(torch.zeros_like(features[level]))[0, :, 0, 0], statistics.mean(resolution)
            )
            spread = conv(noise[level]).transpose(0, 1).flatten(1).var(1)
            ratio = (spread / statistics.variance(resolution)).sqrt()
            assert 0.1 < ratio.mean() < 0.6


def test_a_head_of_full_rank_is_refused(prior_file: Path) -> None:
    model = PaniniNet(dataclasses.replace(TINY, latent_rank=0))
    with pytest.raises(ValueError, match="latent_rank"):
        start_from_statistics(model, FeatureStatistics(LEVELS, TINY.style_size))


# The network to train


def test_the_network_holds_the_prior_and_its_mean(prior_file: Path) -> None:
    model = build_model(InversionConfig(model="tiny-mobile", initial_prior=str(prior_file)))
    prior = load_gan_prior(prior_file)
    for name, value in prior.state_dict().items():
        assert torch.equal(model.gan_prior.state_dict()[name], value), name
    assert prior.mean_latent is not None
    assert torch.equal(model.mean_latent, prior.mean_latent.expand(prior.w_plus_rows, -1))


def test_an_initial_network_keeps_all_but_its_prior(prior_file: Path, tmp_path: Path) -> None:
    start = tiny_net(seed=3)
    save_panini(tmp_path / "start.safetensors", start)
    model = build_model(
        InversionConfig(
            initial_prior=str(prior_file), initial_model=str(tmp_path / "start.safetensors")
        )
    )
    kept = ("image_encoder", "degradation_encoder", "feature_interpolation")
    for name, value in start.state_dict().items():
        if name.startswith(kept):
            assert torch.equal(model.state_dict()[name], value), name
    assert torch.equal(
        model.gan_prior.to_bands.weight, load_gan_prior(prior_file).state_dict()["to_bands.weight"]
    )


def test_a_prior_is_needed_and_one_that_knows_its_mean(prior_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="set initial_prior"):
        build_model(InversionConfig(model="tiny-mobile"))
    other = PaniniNet(PaniniConfig.preset("tiny"))
    save_panini(tmp_path / "stylegan2.safetensors", other)
    prior = str(tmp_path / "stylegan2.safetensors")
    with pytest.raises(ValueError, match="'stylegan2' knows no mean latent"):
        build_model(InversionConfig(model="tiny", initial_prior=prior))


def test_encoders_are_adopted_as_far_as_they_fit(prior_file: Path, tmp_path: Path) -> None:
    other = PaniniNet(
        dataclasses.replace(TINY, level_channels=(16, 10, 8), prior_channels=(12,) * 5)
    )
    model = tiny_net(seed=1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    adopt_encoders(model, other)
    theirs = other.state_dict()
    adopted: set[str] = set()
    for name, value in model.state_dict().items():
        if torch.equal(value, before[name]):
            continue
        assert torch.equal(value, theirs[name]), name
        adopted.add(name)
    assert {"image_encoder.stem.convs.0.weight", "image_encoder.levels.0.convs.0.weight"} <= adopted
    assert "image_encoder.levels.1.convs.0.weight" not in adopted  # 10 -> 16, not 12
    assert "degradation_encoder.features.0.weight" in adopted
    assert {name.split(".")[0] for name in adopted} == {"image_encoder", "degradation_encoder"}


def test_a_new_network_takes_the_encoders_of_the_one_that_is_named(
    prior_file: Path, tmp_path: Path
) -> None:
    other = tiny_net(seed=7)
    save_panini(tmp_path / "other.safetensors", other)
    config = InversionConfig(
        model="tiny-mobile",
        initial_prior=str(prior_file),
        initial_encoder=str(tmp_path / "other.safetensors"),
    )
    model = build_model(config)
    for name, value in other.image_encoder.state_dict().items():
        assert torch.equal(model.image_encoder.state_dict()[name], value), name
