"""What the loaders' names stand for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from .pack import Pack


def test_auto_follows_the_folder_of_detectors(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        import_module("folder_paths"), "get_folder_paths", lambda _: [str(tmp_path)]
    )
    loader = pack.part("nodes.load").LoadDetector
    bundled = loader.fingerprint_inputs("bundled")
    assert loader.fingerprint_inputs("auto") == bundled
    better = tmp_path / "detection_Resnet50_Final.pth"
    better.write_bytes(b"1")
    assert str(better) in loader.fingerprint_inputs("auto")
    assert loader.fingerprint_inputs("bundled") == bundled


def test_precisions_are_those_of_the_core(pack: Pack) -> None:
    names, settings = pack.object_info()["PaniniLoadModel"]["input"]["required"]["dtype"]
    assert settings["default"] == "auto"
    assert (settings["options"] if names == "COMBO" else names) == list(pack.core.DTYPE_NAMES)
