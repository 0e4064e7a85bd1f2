"""The restorer's forward pass, for whole faces and for windows of them."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.models.window import Window
from panini_lab.training.losses import RestorationTarget
from panini_lab.training.restorer import RestorationPass, draw_alone, train_restorer
from panini_lab.training.windows import PICTURE_MARGIN

from .restorer_runs import ReadLog, opened, seeded

# The geometry of the preset `mobile` at a quarter of its size: 8 px a feature of the windows, cells
# of two such features in the picture's coarsest band.
WINDOWED = dataclasses.replace(
    PaniniConfig.preset("tiny-mobile"),
    input_size=128,
    prior_channels=(12, 12, 8, 8, 8, 8),
    level_channels=(12, 10, 10, 8),
    picture_bands=5,
)


def windowed_pass() -> tuple[RestorationPass, Tensor, Tensor]:
    """A pass of random weights, faces, and alpha that differs between channels and bands."""
    torch.manual_seed(0)
    model = PaniniNet(WINDOWED)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.1)
    channels = WINDOWED.interpolated_channels
    alpha = torch.rand(2, len(channels), max(channels), generator=seeded(1))
    faces = torch.rand(2, 3, 128, 128, generator=seeded(2)) * 2 - 1
    return RestorationPass(model).eval(), faces, alpha


@pytest.mark.parametrize(("top", "left"), [(0, 2), (2, 4), (4, 0)])
@torch.no_grad()
def test_a_window_shows_what_the_whole_picture_shows_there(top: int, left: int) -> None:
    forward, faces, alpha = windowed_pass()
    restored, drawn, w_plus, features = forward(faces, alpha, None)
    window = Window(16, top, left, 12, margin=PICTURE_MARGIN)
    part, part_drawn, part_w_plus, part_features = forward(faces, alpha, window)
    assert part.shape == part_drawn.shape == (2, 3, 64, 64)
    assert torch.equal(part_w_plus, w_plus)
    assert all(torch.equal(a, b) for a, b in zip(part_features, features, strict=True))
    scale = drawn.std().item()
    torch.testing.assert_close(part_drawn, window.inner(drawn), rtol=0, atol=1e-5 * scale)

    # Mixing spreads the margin once more, as far as the coarsest band reaches: 16 px.
    wider = dataclasses.replace(window, margin=2 * PICTURE_MARGIN)
    inner = forward(faces, alpha, wider)[0]
    torch.testing.assert_close(inner, wider.inner(restored), rtol=0, atol=1e-5 * scale)
    # … unless all bands weigh the same.
    alpha[:, -WINDOWED.picture_bands :] = 0.5
    even = forward(faces, alpha, None)[0]
    torch.testing.assert_close(
        forward(faces, alpha, window)[0], window.inner(even), rtol=0, atol=1e-5 * scale
    )


@torch.no_grad()
def test_a_margin_is_needed() -> None:
    forward, faces, alpha = windowed_pass()
    whole = forward(faces, alpha, None)[1]
    window = Window(16, 2, 4, 12, margin=PICTURE_MARGIN - 1)
    difference = (forward(faces, alpha, window)[1] - window.inner(whole)).abs()
    assert difference.max() > 1e-3 * whole.std()


@torch.no_grad()
def test_a_pass_is_the_networks_own() -> None:
    forward, faces, _ = windowed_pass()
    restored, drawn, _, _ = forward(faces, None, None)
    torch.testing.assert_close(restored, forward.model(faces))
    torch.testing.assert_close(drawn, draw_alone(forward.model, faces))


def test_windows_are_compared_with_the_same_place_of_the_clean_face(
    restorer_overrides: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened([*restorer_overrides, "window=6"]) as run:
        batch = run.batch(run.generator(0, purpose=2))
        targets: list[Tensor] = []
        target = run.losses.target

        def look(
            faces: Tensor, generator: torch.Generator, *, whole: bool, degraded: Tensor
        ) -> RestorationTarget:
            targets.extend((faces, degraded))
            assert not whole
            return target(faces, generator, whole=whole)

        monkeypatch.setattr(run.losses, "target", look)
        run.train_step()
    seen, degraded = targets
    assert seen.shape == (4, 3, 16, 16)  # 2 of 6 features, 8 px each
    places = [
        (..., slice(top, top + 16), slice(left, left + 16)) for top in (16, 32) for left in (16, 32)
    ]
    (place,) = (place for place in places if torch.equal(seen, batch.clean[place]))
    assert torch.equal(degraded, batch.degraded[place])


def test_whole_faces_come_every_so_many_steps_with_their_identity(
    restorer_overrides: list[str], small_identity: str, run_log: ReadLog
) -> None:
    overrides = [
        *restorer_overrides,
        "window=6",
        "whole_every=3",
        "loss.identity=1.0",
        f"loss.identity_weights={small_identity}",
        "run.steps=7",
    ]
    train_restorer("mobile-restorer", overrides)
    with_identity = ["identity" in line for line in run_log()]
    assert with_identity == [True, False, False, True, False, False, True]


def test_the_prior_alone_is_alpha_one_for_every_band() -> None:
    forward, faces, _ = windowed_pass()
    model = forward.model
    alpha = model.predict_alpha(model.encode_degradation(faces))
    features, w_plus = model.image_encoder(faces)
    drawn = model.gan_prior(w_plus, fuse=model.fusion(features, alpha))
    torch.testing.assert_close(draw_alone(model.requires_grad_(False), faces), drawn)
