"""A small folder of training faces, small networks, and ways to configure short runs on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from panini_core.models.mobile_stylegan import MobileGenerator, Modulation
from panini_core.models.panini import PaniniConfig, build_gan_prior
from panini_lab.metrics.identity import IdentityNetwork
from panini_lab.metrics.vgg_distance import VggFeatures
from panini_lab.training import losses
from panini_lab.training.session import LOG_FILE

# Where torchvision's VGG19 has its convolutions: ReLUs and poolings count too.
VGG_POSITIONS = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25)


@pytest.fixture(scope="session")
def face_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten smooth, different pictures of 64 px: enough structure to learn from."""
    folder = tmp_path_factory.mktemp("faces")
    random = np.random.default_rng(0)
    for index in range(10):
        coarse = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC)
        picture.save(folder / f"{index:02d}.png")
    return folder


@pytest.fixture
def run_overrides(face_folder: Path, tmp_path: Path) -> list[str]:
    """Overrides that turn a configuration into a short run of the tiny preset on the CPU."""
    return [
        "model=tiny",
        f"run.output='{(tmp_path / 'run').as_posix()}'",
        f"data.sources=['{face_folder.as_posix()}']",
        "data.image_size=64",
        "data.max_shift=4",
        "run.device=cpu",
        "run.bf16=false",
        "run.batch=4",
        "run.log_every=1",
        "run.warmup_steps=1",
        "run.decay=none",
    ]


@pytest.fixture(scope="session")
def prior_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The GAN prior of the preset `tiny-mobile`, random, with the mean of its codes."""
    torch.manual_seed(0)
    prior = build_gan_prior(PaniniConfig.preset("tiny-mobile"))
    assert isinstance(prior, MobileGenerator)
    with torch.no_grad():
        for module in prior.modules():  # faces that differ, none of them by far
            if isinstance(module, Modulation):
                module.weight.mul_(0.3)
        for name, parameter in prior.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.05)
        # Pictures that hardly leave [-1, 1].
        prior.to_bands.weight.mul_(0.4 / prior.sample(torch.randn(64, prior.style_size)).std())
        prior.mean_latent.copy_(prior.mapping(torch.randn(512, prior.style_size)).mean(0))
    path = tmp_path_factory.mktemp("prior") / "gan_prior.safetensors"
    save_file(prior.state_dict(), path)
    return path


@pytest.fixture(scope="session")
def vgg_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in the layout of VGG19's: widths as published where the adversary looks."""
    torch.manual_seed(0)
    vgg = VggFeatures((64, 128, 256, 8))
    names = (f"{p}.{kind}" for p in VGG_POSITIONS for kind in ("weight", "bias"))
    weights: dict[str, Tensor] = {}
    for block in vgg.blocks:
        for convolution in block.children():
            assert isinstance(convolution, nn.Conv2d)
            nn.init.kaiming_normal_(convolution.weight)  # features as strong as the input
            assert convolution.bias is not None
            nn.init.zeros_(convolution.bias)
            weights[next(names)] = convolution.weight.detach()
            weights[next(names)] = convolution.bias.detach()
    path = tmp_path_factory.mktemp("vgg") / "vgg19_features.safetensors"
    save_file(weights, path)
    return path


class Thumbnail(nn.Module):
    """Stands in for a recognition network: a face is its 4x4 px."""

    def forward(self, faces: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(faces, 4).flatten(1)


@pytest.fixture
def small_identity(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a file from which losses load a network that compares thumbnails."""
    name = "thumbnail"

    def load(path: str) -> IdentityNetwork:
        assert path == name
        return IdentityNetwork(Thumbnail())

    monkeypatch.setattr(losses, "load_identity_network", load)
    return name


@pytest.fixture
def drawn_overrides(prior_file: Path, tmp_path: Path) -> list[str]:
    """Overrides for a short run of the tiny mobile preset on the CPU, on faces that it draws."""
    return [
        "model=tiny-mobile",
        f"initial_prior='{prior_file.as_posix()}'",
        "degradation=mild",
        "window=0",
        "validation.degraded=''",
        f"run.output='{(tmp_path / 'run').as_posix()}'",
        "run.device=cpu",
        "run.bf16=false",
        "run.batch=4",
        "run.log_every=1",
        "run.warmup_steps=1",
        "run.decay=none",
    ]


@pytest.fixture
def restorer_overrides(drawn_overrides: list[str]) -> list[str]:
    """`drawn_overrides` for the restorer: no file is read, pixels alone are compared."""
    return [
        *drawn_overrides,
        "drawn_share=1.0",
        "data.image_size=64",
        "data.max_shift=4",
        "whole_every=0",
        "loss.perceptual=0.0",
        "loss.identity=0.0",
        "loss.inversion=0.0",
        "loss.drawn=0.0",
    ]


@pytest.fixture
def run_log(tmp_path: Path) -> Callable[[], list[dict[str, float]]]:
    """run_log(): the lines of the run's log."""

    def read() -> list[dict[str, float]]:
        lines = (tmp_path / "run" / LOG_FILE).read_text().splitlines()
        return [json.loads(line) for line in lines]

    return read


@pytest.fixture
def validation_overrides(face_folder: Path) -> list[str]:
    """Overrides that let a run show two faces at each step."""
    folder = face_folder.as_posix()
    return [
        f"validation.degraded='{folder}'",
        f"validation.clean='{folder}'",
        "validation.limit=2",
        "run.preview_every=1",
    ]


@pytest.fixture
def with_vgg(restorer_overrides: list[str], vgg_file: Path) -> list[str]:
    """`restorer_overrides` with a perceptual loss on crops."""
    return [
        *restorer_overrides,
        "loss.perceptual=0.5",
        'loss.perceptual_layers=["relu1_2", "relu2_2", "relu3_4"]',
        "loss.perceptual_crop=24",
        f"loss.perceptual_weights='{vgg_file.as_posix()}'",
    ]


@pytest.fixture
def projected(with_vgg: list[str]) -> list[str]:
    """`with_vgg` with the projected adversary."""
    return [*with_vgg, "adversary.kind=projected", "adversary.gradient_share=0.3"]


@pytest.fixture
def file_overrides(face_folder: Path) -> list[str]:
    """Overrides that let half of each batch come from files."""
    return [f"data.sources=['{face_folder.as_posix()}']", "drawn_share=0.5"]


@pytest.fixture
def crisp_list(face_folder: Path, tmp_path: Path) -> str:
    """The override with a list in which two of the files are crisp."""
    path = tmp_path / "crisp.csv"
    rows = [f"{face_folder.name},{name}.png,films,1.0" for name in ("02", "05")]
    path.write_text("\n".join(["shard,name,source,scale", *rows]))
    return f"adversary.real_index='{path.as_posix()}'"
