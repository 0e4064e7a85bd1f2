"""`panini demo` works without a network."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import torch

from panini_core.cli import main
from panini_core.images import read_image


def test_demo_writes_its_pictures_and_downloads_nothing(
    tmp_path: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("retinaface")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the demo wanted a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    output = tmp_path / "demo"
    output.mkdir()
    (output / "restored.png").write_bytes(b"an earlier demo's")
    assert main(["demo", "-o", str(output), "--model", str(tiny_model), "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert "faces found were restored" in printed
    assert str(output.resolve() / "before-after.png") in printed
    assert sorted(path.name for path in output.iterdir()) == [
        "before-after.png",
        "degraded.png",
        "restored.png",
    ]
    degraded, restored = (read_image(output / f"{n}.png") for n in ("degraded", "restored"))
    assert degraded.size == (512, 512)
    assert restored.size == (1024, 1024)
    assert torch.isfinite(restored.pixels).all()
