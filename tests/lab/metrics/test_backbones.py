"""Where backbones are looked for."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from panini_lab.metrics.backbones import (
    IDENTITY_FILE,
    MetricUnavailable,
    check_hub_checkpoint,
    find_backbone,
)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PANINI_BACKBONES", raising=False)


def _place(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "net.onnx").write_bytes(b"net")
    return folder / "net.onnx"


def test_a_given_folder_goes_before_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = _place(tmp_path / "chosen")
    monkeypatch.setenv("PANINI_BACKBONES", str(tmp_path / "chosen"))
    assert find_backbone("net.onnx") == chosen

    given = _place(tmp_path / "given")
    assert find_backbone("net.onnx", tmp_path / "given") == given


def test_the_identity_network_serves_as_it_is_published(tmp_path: Path) -> None:
    published, converted = tmp_path / "mobilefacenet.onnx", tmp_path / IDENTITY_FILE
    with pytest.raises(
        MetricUnavailable, match=r"mobilefacenet\.safetensors or mobilefacenet\.onnx"
    ):
        find_backbone(IDENTITY_FILE, tmp_path)
    published.write_bytes(b"net")
    assert find_backbone(IDENTITY_FILE, tmp_path) == published
    converted.write_bytes(b"net")
    assert find_backbone(IDENTITY_FILE, tmp_path) == converted


def test_a_given_folder_is_the_only_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _place(tmp_path / "chosen")
    monkeypatch.setenv("PANINI_BACKBONES", str(tmp_path / "chosen"))
    with pytest.raises(MetricUnavailable, match="given") as failure:
        find_backbone("net.onnx", tmp_path / "given")
    assert "chosen" not in str(failure.value)


def test_the_place_and_the_remedy_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MetricUnavailable, match=r"net\.onnx was looked for nowhere.*PANINI_BACK"):
        find_backbone("net.onnx")
    monkeypatch.setenv("PANINI_BACKBONES", "first")
    with pytest.raises(MetricUnavailable, match=r"net\.onnx was not found in first\..*PANINI_BACK"):
        find_backbone("net.onnx")


def test_a_folder_of_developers_is_not_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _place(tmp_path / "shared" / "data" / "weights")
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("PANINI_SHARED", str(tmp_path / "shared"))
    with pytest.raises(MetricUnavailable):
        find_backbone("net.onnx")


def test_cached_checkpoint_is_found_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    digest = hashlib.sha256(b"weights").hexdigest()[:8]
    url = f"https://example.org/models/net-{digest}.pth"
    with pytest.raises(MetricUnavailable, match=r"Download https://example\.org") as failure:
        check_hub_checkpoint(url)
    assert str(tmp_path) in str(failure.value)

    path = tmp_path / "checkpoints" / f"net-{digest}.pth"
    path.parent.mkdir()
    path.write_bytes(b"weights")
    assert check_hub_checkpoint(url) == path

    path.write_bytes(b"weigh")
    with pytest.raises(MetricUnavailable, match=f"should begin with {digest}"):
        check_hub_checkpoint(url)
