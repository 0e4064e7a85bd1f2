"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from panini_core.faces import Face, FaceSet
from panini_core.models.panini import PaniniConfig, PaniniNet

# Machines differ and may be busy: no test depends on how long an example takes.
settings.register_profile("panini", deadline=None)
settings.load_profile("panini")

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Say below everything but the figures how many tests a missing ComfyUI left out."""
    yield
    skipped = terminalreporter.getreports("skipped")
    # (file, line, "Skipped: needs …")
    reasons = [report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple)]
    missing = [reason for reason in reasons if "needs ComfyUI" in reason]
    if missing:
        reason = missing[-1].removeprefix("Skipped: ")
        terminalreporter.write_line(f"{len(missing)} tests were left out: {reason}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with development data (PANINI_SHARED, default ../shared); skips without it."""
    folder = Path(os.environ.get("PANINI_SHARED", PROJECT_ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"needs the development data: no folder {folder}/data (set PANINI_SHARED)")
    return folder


def make_tiny_model(preset: str) -> PaniniNet:
    """A small network with random weights that changes its input (a new one does not)."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = PaniniNet(PaniniConfig.preset(preset)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return model


@pytest.fixture(scope="session")
def tiny_model() -> PaniniNet:
    """A small network with random weights, over a StyleGAN2."""
    return make_tiny_model("tiny")


@pytest.fixture(scope="session", params=["tiny", "tiny-mobile"])
def either_model(request: pytest.FixtureRequest) -> PaniniNet:
    """A small network with random weights, over each of the GAN priors in turn."""
    return make_tiny_model(request.param)


@pytest.fixture(scope="session")
def random_faces() -> Callable[..., FaceSet]:
    """random_faces(count, size=64): aligned faces of random pixels, the same in every call."""

    def make(count: int, size: int = 64) -> FaceSet:
        generator = torch.Generator().manual_seed(count)
        return FaceSet(
            faces=tuple(Face(torch.zeros(4), torch.zeros(5, 2), 1.0) for _ in range(count)),
            crops=torch.rand(count, 3, size, size, generator=generator),
            to_crop=torch.zeros(count, 2, 3),
        )

    return make


@pytest.fixture
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
