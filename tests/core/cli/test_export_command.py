"""`panini export`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from panini_core.checkpoints import load_panini
from panini_core.checkpoints.fingerprint import network_fingerprint
from panini_core.cli import main

pytestmark = pytest.mark.usefixtures("work_folder")


def test_export_writes_the_model_as_onnx(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package, reason=f"needs {package}: pip install {package}")
    import onnx

    assert main(["export", "new/tiny.onnx", "--model", str(tiny_model)]) == 0
    assert f"Exported {tiny_model} -> " in capsys.readouterr().out
    said = {item.key: item.value for item in onnx.load("new/tiny.onnx").metadata_props}
    model = load_panini(tiny_model, dtype=torch.float32)
    assert said["network_fingerprint"] == network_fingerprint(model)


def test_export_refuses_other_names_and_existing_files(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "out.pt", "--model", str(tiny_model)]) == 2
    assert "ends in .onnx" in capsys.readouterr().err
    Path("mine.onnx").write_bytes(b"mine")
    assert main(["export", "mine.onnx", "--model", str(tiny_model)]) == 2
    assert Path("mine.onnx").read_bytes() == b"mine"
    Path("broken.pth").write_bytes(b"PK\x03\x04 no checkpoint")
    assert main(["export", "new.onnx", "--model", "broken.pth"]) == 1
    assert "broken.pth" in capsys.readouterr().err
    assert not Path("new.onnx").exists()


def test_export_names_the_extra_that_is_missing(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", "new.onnx", "--model", str(tiny_model)]) == 1
    assert "panini-face-restoration[export]" in capsys.readouterr().err
    assert not Path("new.onnx").exists()
