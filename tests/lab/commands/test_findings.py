"""What `panini doctor` is told of the laboratory's networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from panini_lab.commands.findings import find_backbones
from panini_lab.metrics.backbones import IDENTITY_FILE, VGG_FILE

MISSING = "no {} (only panini evaluate uses it; see --backbones)"


def test_without_a_folder_every_network_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PANINI_BACKBONES", raising=False)
    assert list(find_backbones()) == [
        ("for evaluate", MISSING.format(VGG_FILE)),
        ("for evaluate", MISSING.format(IDENTITY_FILE)),
    ]


def test_each_network_is_told_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PANINI_BACKBONES", str(tmp_path))
    (tmp_path / IDENTITY_FILE).touch()
    found = [text for _, text in find_backbones()]
    assert found == [MISSING.format(VGG_FILE), str(tmp_path / IDENTITY_FILE)]
    (tmp_path / VGG_FILE).touch()
    found = [text for _, text in find_backbones()]
    assert found == [str(tmp_path / VGG_FILE), str(tmp_path / IDENTITY_FILE)]


def test_the_published_form_counts_as_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PANINI_BACKBONES", str(tmp_path))
    published = (tmp_path / IDENTITY_FILE).with_suffix(".onnx")
    published.touch()
    assert ("for evaluate", str(published)) in find_backbones()
