"""How the restorer's losses and its adversary meet in one gradient."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor

from panini_lab.training.adversary import StyleGAN2Adversary
from panini_lab.training.config import DataConfig
from panini_lab.training.data import load_faces
from panini_lab.training.projected_adversary import ProjectedAdversary
from panini_lab.training.restorer import train_restorer
from panini_lab.training.windows import FEATURE_MARGIN, random_window

from .restorer_runs import ReadLog, changed, opened, seeded, weights_of


def test_the_step_follows_the_sum_of_all_losses(
    with_vgg: list[str], file_overrides: list[str]
) -> None:
    """Gradients that meet at the picture are those of the plain sum."""
    overrides = [
        *with_vgg,
        *file_overrides,
        "window=6",
        "loss.drawn=0.5",
        "loss.inversion=0.7",
        "loss.code=0.3",
        "gradient_clip=0.0",
        "alpha_jitter=0.5",
    ]
    with opened(overrides) as run, opened(overrides) as plain:
        run.train_step()

        generator = plain.generator(0, purpose=2)
        batch, window = plain.batch(generator), plain.window(generator)
        assert window is not None
        assert batch.drawn is not None
        alpha = plain.alpha(batch.degraded, generator)
        restored, drawn, w_plus, features = plain.parallel(batch.degraded, alpha, window)
        target = plain.losses.target(window.inner(batch.clean), generator, whole=False)
        total = torch.stack(list(plain.losses(restored, target)[0].values())).sum()
        total = total + 0.5 * torch.stack(list(plain.losses(drawn, target)[0].values())).sum()
        cut = random_window(plain.model.config, 6, generator, margin=FEATURE_MARGIN)
        count = len(batch.drawn.codes)  # the files' faces have no known codes
        inversion = plain.inversion(
            [f[:count] for f in features], w_plus[:count], batch.drawn, 1, cut
        )
        total = total + 0.7 * torch.stack(list(inversion.values())).sum()
        total.backward()
        for (name, got), wanted in zip(
            run.model.named_parameters(), plain.model.parameters(), strict=True
        ):
            assert (got.grad is None) == (wanted.grad is None), name
            if got.grad is not None:
                torch.testing.assert_close(got.grad, wanted.grad, rtol=1e-3, atol=1e-7, msg=name)


def test_without_inversion_loss_or_drawn_faces_there_is_none(
    restorer_overrides: list[str], file_overrides: list[str], run_log: ReadLog
) -> None:
    train_restorer("mobile-restorer", [*restorer_overrides, "run.steps=1"])
    files_only = [*file_overrides, "drawn_share=0.0", "loss.inversion=1.0"]
    train_restorer("mobile-restorer", [*restorer_overrides, *files_only, "run.steps=2"])
    for line in run_log():
        assert not any(name.startswith("level_") or name == "code" for name in line)
    with_both = [*restorer_overrides, "loss.inversion=1.0", "run.steps=3"]
    train_restorer("mobile-restorer", with_both)
    assert {"level_4", "level_8", "level_16", "code"} <= run_log()[-1].keys()


# The adversary


def test_an_adversary_is_built_as_configured(
    restorer_overrides: list[str], projected: list[str]
) -> None:
    with opened(restorer_overrides) as run:
        assert run.adversary is None
    with opened(projected) as run:
        assert isinstance(run.adversary, ProjectedAdversary)
    small = ["adversary.kind=stylegan2", "adversary.weight=0.1", "adversary.channels=[8, 8]"]
    with opened([*restorer_overrides, *small]) as run:
        assert isinstance(run.adversary, StyleGAN2Adversary)
    with pytest.raises(ValueError, match=r"adversary\.kind.*'patch'"):
        train_restorer("mobile-restorer", [*restorer_overrides, *small, "adversary.kind=patch"])


@pytest.mark.parametrize(
    ("override", "missing"),
    [("loss.perceptual=0.0", "relu1_2, relu2_2, relu3_4"), ("", "relu2_2, relu3_4")],
)
def test_layers_that_the_projected_adversary_lacks_are_named_at_the_start(
    projected: list[str], override: str, missing: str
) -> None:
    layers = [override] if override else ['loss.perceptual_layers=["relu1_2"]']
    with pytest.raises(ValueError, match=f"to include {missing}"):
        train_restorer("mobile-restorer", [*projected, *layers, "adversary.start=1000"])


def test_the_discriminator_first_learns_alone(projected: list[str], run_log: ReadLog) -> None:
    overrides = [*projected, "adversary.start=1", "adversary.alone=2", "loss.drawn=0.5"]
    with opened(overrides) as run:
        assert run.adversary is not None
        moved: list[tuple[bool, bool]] = []
        for _ in range(5):
            restorer = weights_of(run.model)
            judge = copy.deepcopy(run.adversary.state_dict()["discriminator"])
            updates = run.average.updates
            run.train_step()
            learned = bool(changed(run.model, restorer))
            assert (run.average.updates > updates) == learned
            after = run.adversary.state_dict()["discriminator"]
            judged = any(not torch.equal(value, judge[name]) for name, value in after.items())
            moved.append((learned, judged))
            run.session.log(run.step)
    assert moved == [(True, False), (False, True), (False, True), (True, True), (True, True)]
    log = run_log()
    assert [("discriminator" in line, "adversarial" in line) for line in log] == [
        (False, False),
        *[(True, False)] * 2,
        *[(True, True)] * 2,
    ]
    assert {"drawn_discriminator", "drawn_adversarial", "drawn_pixel"} <= log[-1].keys()


@pytest.mark.parametrize("kind", ["projected", "stylegan2"])
@pytest.mark.parametrize("share", [0.3, 2.0])
def test_the_adversarys_share_of_the_gradient_is_held(
    projected: list[str], kind: str, share: float
) -> None:
    overrides = [
        *projected,
        f"adversary.kind={kind}",
        "adversary.channels=[8, 8]",
        f"adversary.gradient_share={share}",
        "adversary.start=1",
    ]
    with opened(overrides) as run:
        target = run.losses.target(run.batch(seeded()).clean, seeded(1))
        picture = torch.rand(4, 3, 64, 64, generator=seeded(2)) * 2 - 1
        others = run.picture_gradient(picture, target, seeded(3))  # before its first step
        run.step = 1
        total = run.picture_gradient(picture, target, seeded(3))
        assert ((total - others).norm() / others.norm()).item() == pytest.approx(share, rel=1e-3)


def test_a_weight_scales_the_adversarys_gradient(projected: list[str]) -> None:
    gradients: list[Tensor] = []
    for weight in (0.1, 0.4):
        overrides = [*projected, "adversary.gradient_share=0.0", f"adversary.weight={weight}"]
        with opened([*overrides, "adversary.start=1"]) as run:
            target = run.losses.target(run.batch(seeded()).clean, seeded(1))
            picture = torch.rand(4, 3, 64, 64, generator=seeded(2)) * 2 - 1
            others = run.picture_gradient(picture, target, seeded(3))
            run.step = 1
            gradients.append(run.picture_gradient(picture, target, seeded(3)) - others)
    torch.testing.assert_close(gradients[1], 4 * gradients[0], rtol=1e-3, atol=1e-7)


def test_clean_faces_are_real_where_no_crisp_ones_are_listed(projected: list[str]) -> None:
    with opened(projected) as run:
        target = run.losses.target(run.batch(seeded()).clean, seeded(1))
        assert run.real_pictures(target, seeded(2)) is target.seen


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_crisp_files_are_real_whatever_is_drawn(
    projected: list[str],
    file_overrides: list[str],
    crisp_list: str,
    face_folder: Path,
    share: float,
) -> None:
    plain = ["data.flip=false", "data.max_shift=0", "data.colour=0.0", "data.grey_probability=0.0"]
    overrides = [*projected, *file_overrides, crisp_list, *plain, f"drawn_share={share}"]
    with opened(overrides) as run:
        assert (run.sampler is None) == (share == 1)
        target = run.losses.target(run.batch(seeded()).clean, seeded(1))
        real = run.real_pictures(target, seeded(2))
        assert real.images.shape == target.seen.images.shape == (4, 3, 24, 24)
        assert real.features.keys() == target.seen.features.keys()
        bank = load_faces(DataConfig(sources=(str(face_folder),), image_size=64)) / 127.5 - 1
        patches = bank[[2, 5]].unfold(2, 24, 1).unfold(3, 24, 1)  # (2, 3, 41, 41, 24, 24)
        for image in real.images:
            distance = (patches - image[None, :, None, None]).abs().amax((1, 4, 5))
            assert distance.min() < 1e-5
        run.train_step()
