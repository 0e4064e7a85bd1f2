"""LPIPS: the wiring with random weights, and quick failures without the real ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from panini_lab.metrics import lpips as module
from panini_lab.metrics.backbones import MetricUnavailable
from panini_lab.metrics.lpips import load_lpips_network, lpips


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of torch, and an error for every attempt to download."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("attempted a download")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    return tmp_path / "hub" / "checkpoints"


def test_missing_weights_are_told_without_a_download(empty_cache: Path) -> None:
    with pytest.raises(MetricUnavailable, match=r"alexnet-owt-7be5be79\.pth") as failure:
        load_lpips_network()
    assert str(empty_cache) in str(failure.value)


def test_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "check_hub_checkpoint", Path)
    monkeypatch.setitem(sys.modules, "torchmetrics.image", None)
    with pytest.raises(MetricUnavailable, match="pip install torchmetrics"):
        load_lpips_network()


def test_distances_of_pairs(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With random weights in the cache, where torchvision looks for them."""
    pytest.importorskip("torchmetrics", reason="needs torchmetrics")
    models = pytest.importorskip("torchvision.models", reason="needs torchvision")
    empty_cache.mkdir(parents=True)
    with torch.device("meta"):
        whole = models.alexnet(weights=None).state_dict()
    weights = {  # the layers behind the features are large and not used
        name: 0.05 * torch.randn(empty.shape)
        if name.startswith("features")
        else torch.zeros(()).expand(empty.shape)
        for name, empty in whole.items()
    }
    torch.save(weights, empty_cache / "alexnet-owt-7be5be79.pth")
    monkeypatch.setattr(module, "check_hub_checkpoint", Path)  # random weights, another hash

    network = load_lpips_network()
    a, b = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    distance = lpips(network, a, b)
    assert distance.shape == (2,)
    assert (distance > 0).all()
    torch.testing.assert_close(lpips(network, a[1:], b[1:]), distance[1:])
    torch.testing.assert_close(lpips(network, a, a), torch.zeros(2))
    torch.testing.assert_close(lpips(network, a, b[:1])[:1], distance[:1])
