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


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory `project` in a folder without backbones, and no settings."""
    monkeypatch.delenv("PANINI_BACKBONES", raising=False)
    monkeypatch.delenv("PANINI_SHARED", raising=False)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def _place(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "net.onnx").write_bytes(b"net")
    return folder / "net.onnx"


def test_places_are_tried_in_their_order(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = _place(bare / "shared" / "data" / "weights")
    assert find_backbone("net.onnx").samefile(beside)

    of_shared = _place(bare / "elsewhere" / "data" / "weights")
    monkeypatch.setenv("PANINI_SHARED", str(bare / "elsewhere"))
    assert find_backbone("net.onnx") == of_shared

    chosen = _place(bare / "chosen")
    monkeypatch.setenv("PANINI_BACKBONES", str(bare / "chosen"))
    assert find_backbone("net.onnx") == chosen

    given = _place(bare / "given")
    assert find_backbone("net.onnx", bare / "given") == given


def test_a_place_without_the_file_is_passed_over(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = _place(bare / "shared" / "data" / "weights")
    monkeypatch.setenv("PANINI_BACKBONES", str(bare / "empty"))
    assert find_backbone("net.onnx").samefile(beside)


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


def test_a_given_folder_is_the_only_place(bare: Path) -> None:
    _place(bare / "shared" / "data" / "weights")
    with pytest.raises(MetricUnavailable, match="given") as failure:
        find_backbone("net.onnx", bare / "given")
    assert "shared" not in str(failure.value)


def test_all_places_are_told(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANINI_BACKBONES", "first")
    monkeypatch.setenv("PANINI_SHARED", "second")
    with pytest.raises(MetricUnavailable, match=r"net\.onnx") as failure:
        find_backbone("net.onnx")
    message = str(failure.value).replace("\\", "/")
    for place in ("first", "second/data/weights", "../shared/data/weights", "PANINI_BACKBONES"):
        assert place in message


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
