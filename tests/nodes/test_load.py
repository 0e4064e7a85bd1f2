"""What the loaders' names stand for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import torch

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


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_auto_is_the_default_network_of_the_device_in_its_precision(
    pack: Pack, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    load, asked = pack.part("nodes.load"), list[tuple[Path, str]]()

    def record(path: Path, *, runs_on: torch.device, **_: object) -> None:
        asked.append((path, runs_on.type))

    monkeypatch.setattr(load.host, "compute_device", lambda: torch.device(device))
    monkeypatch.setattr(load.host, "manage", lambda network, source: source)
    for name in ("load_panini", "load_restorer"):
        monkeypatch.setattr(load.core, name, record)
    expected = pack.core.find_weights(runs_on=device)
    assert load.LoadModel.execute("auto", "auto").result == (expected,)
    assert load.default_model.__wrapped__() == expected
    assert asked == [(expected, device)] * 2
    assert str(expected) in load.LoadModel.fingerprint_inputs("auto", "auto")
    compact = pack.core.find_weights("compact")
    assert load.LoadModel.execute("panini_compact (bundled)", "auto").result == (compact,)


def test_precisions_are_those_of_the_core(pack: Pack) -> None:
    names, settings = pack.object_info()["PaniniLoadModel"]["input"]["required"]["dtype"]
    assert settings["default"] == "auto"
    assert (settings["options"] if names == "COMBO" else names) == list(pack.core.DTYPE_NAMES)
