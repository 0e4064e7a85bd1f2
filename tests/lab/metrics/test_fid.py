"""FID: known distances with a simple feature, and quick failures without Inception."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from panini_lab.metrics import fid as module
from panini_lab.metrics.backbones import MetricUnavailable
from panini_lab.metrics.fid import FrechetDistance


class _MeanColour(nn.Module):
    num_features = 3

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3))


@pytest.fixture
def distance() -> FrechetDistance:
    pytest.importorskip("torchmetrics", reason="needs torchmetrics")
    return FrechetDistance(_MeanColour())


def test_equal_sets_have_none(distance: FrechetDistance) -> None:
    images = torch.rand(8, 3, 4, 4)
    distance.add(images, reference=True)
    for part in images.split(3):
        distance.add(part, reference=False)
    assert distance.distance() == pytest.approx(0, abs=1e-6)


def test_a_shift_counts_by_its_square(distance: FrechetDistance) -> None:
    images = torch.rand(8, 3, 4, 4) / 2
    distance.add(images, reference=True)
    distance.add(images + 0.5, reference=False)
    assert distance.distance() == pytest.approx(3 * 0.5**2, abs=1e-4)


def test_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(MetricUnavailable, match="pip install torch-fidelity"):
        FrechetDistance()
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    with pytest.raises(MetricUnavailable, match="pip install torchmetrics"):
        FrechetDistance(_MeanColour())


def test_missing_weights_are_told_without_a_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("attempted a download")

    monkeypatch.setattr(module, "find_spec", lambda _: object())
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    with pytest.raises(MetricUnavailable, match=r"weights-inception-2015-12-05-6726825d\.pth"):
        FrechetDistance()
