"""The mean latent: kept while training, held by our files, estimated for others, pulled toward."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from panini_core.checkpoints import CheckpointError, load_panini, save_panini
from panini_core.checkpoints.mean_latent import estimate_mean_latent
from panini_core.models.panini import PaniniConfig, PaniniNet

TINY = PaniniConfig.preset("tiny")
MOBILE = PaniniConfig.preset("tiny-mobile")


def new_model(config: PaniniConfig = TINY, *, trained_mapping: bool = False) -> PaniniNet:
    torch.manual_seed(0)
    model = PaniniNet(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".to_rgb." in name or ".detail." in name:  # a picture that shows the codes
                parameter.normal_(0, 0.3)
            if trained_mapping and ".mapping." in name:
                parameter.add_(torch.randn_like(parameter))
    return model


def rewrite(path: Path, **changes: torch.Tensor | None) -> None:
    """Change tensors of one of our files; None takes one out."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = {**load_file(path), **changes}
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    save_file(kept, path, metadata=metadata)


def test_the_estimate_is_the_mean_of_many_codes() -> None:
    generator = new_model(trained_mapping=True).gan_prior
    state = torch.get_rng_state()
    estimate = estimate_mean_latent(generator)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(estimate, estimate_mean_latent(generator))
    assert estimate.shape == (generator.w_plus_rows, TINY.style_size)
    with torch.no_grad():
        codes = generator.mapping(torch.randn(20_000, TINY.style_size))
    error = (estimate[0] - codes.mean(0)).norm()
    assert error < 0.1 * codes.std(0).norm()


def test_a_mapping_network_that_was_never_trained_says_nothing() -> None:
    assert not estimate_mean_latent(new_model().gan_prior).any()


def test_what_a_gan_brings_needs_no_estimate() -> None:
    generator = new_model(MOBILE, trained_mapping=True).gan_prior
    assert generator.mean_latent is not None
    generator.mean_latent.normal_()
    expected = generator.mean_latent.expand(generator.w_plus_rows, -1)
    assert torch.equal(estimate_mean_latent(generator), expected)


def test_our_files_hold_it(tmp_path: Path) -> None:
    model = new_model(trained_mapping=True)
    model.mean_latent.normal_()
    save_panini(tmp_path / "net.safetensors", model)
    assert torch.equal(
        load_panini(tmp_path / "net.safetensors", dtype=torch.float32).mean_latent,
        model.mean_latent,
    )


@pytest.mark.parametrize("trained", [True, False])
def test_files_without_it_load(trained: bool, tmp_path: Path) -> None:
    model = new_model(trained_mapping=trained)
    path = tmp_path / "net.safetensors"
    save_panini(path, model)
    rewrite(path, mean_latent=None)
    loaded = load_panini(path, dtype=torch.float32)
    assert loaded.mean_latent.any() == trained
    assert torch.equal(loaded.mean_latent, estimate_mean_latent(model.gan_prior))
    assert load_panini(path, dtype=torch.bfloat16).mean_latent.dtype == torch.bfloat16


def test_one_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_panini(path, new_model())
    rewrite(path, mean_latent=torch.zeros(2, 3))
    with pytest.raises(CheckpointError, match="mean_latent is"):
        load_panini(path, dtype=torch.float32)


def test_training_follows_the_codes() -> None:
    model = new_model()
    images = torch.rand(4, 3, 64, 64) * 2 - 1
    model(images)
    assert not model.mean_latent.any()  # not while evaluating
    model.train()
    with torch.no_grad():
        first = model.image_encoder(images)[1].mean(0)
        model(images)
        torch.testing.assert_close(model.mean_latent, first)
        others = images.roll(1, 2) * 0.5
        model(others)
        second = model.image_encoder(others)[1].mean(0)
        torch.testing.assert_close(model.mean_latent, first + 0.005 * (second - first))
    model(images).sum().backward()
    assert not model.mean_latent.requires_grad


def test_the_pull_moves_the_codes_toward_the_mean() -> None:
    model = new_model(dataclasses.replace(TINY, picture_bands=0))
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    alpha = torch.ones(2, 3, 12)  # the prior alone: faces that differ in their codes only
    with torch.no_grad():
        model.mean_latent.copy_(model.image_encoder(images)[1].mean(0))
        plain, none, half, whole = (
            model(images, alpha, latent_pull=pull) for pull in (0, 0.0, 0.5, 1)
        )
    assert torch.equal(plain, none)
    spread = [(restored[0] - restored[1]).abs().mean().item() for restored in (plain, half, whole)]
    assert spread[0] > spread[1] > spread[2]
    assert spread[2] < 1e-5


def test_a_pull_without_a_mean_latent_is_refused() -> None:
    with pytest.raises(ValueError, match="no mean latent"):
        new_model()(torch.zeros(1, 3, 64, 64), latent_pull=0.5)
