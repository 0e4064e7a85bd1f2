"""`panini convert` of the identity network."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from panini_core.cli import laboratory, main
from panini_lab.metrics.mobilefacenet import MobileFaceNet, load_mobilefacenet

from ..metrics.onnx_files import write_mobilefacenet_onnx

pytest.importorskip("onnx", reason="needs the package onnx")
pytestmark = pytest.mark.usefixtures("work_folder")


@pytest.fixture
def network(work_folder: Path) -> MobileFaceNet:
    """The network of the file `network.onnx`."""
    torch.manual_seed(0)
    network = MobileFaceNet(width=2, embedding_size=6)
    write_mobilefacenet_onnx(work_folder / "network.onnx", network)
    return network


@pytest.mark.parametrize("dtype", ["fp32", "fp16"])
def test_the_network_is_the_same_in_the_new_file(
    network: MobileFaceNet, dtype: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", "network.onnx", "new.safetensors", "--dtype", dtype]) == 0
    assert "Converted network.onnx -> new.safetensors" in capsys.readouterr().out
    rounded = network.half().float() if dtype == "fp16" else network
    for name, tensor in load_mobilefacenet("new.safetensors").state_dict().items():
        assert torch.equal(tensor, rounded.state_dict()[name]), name


@pytest.mark.usefixtures("network")
def test_an_existing_file_is_kept() -> None:
    Path("mine.safetensors").write_bytes(b"mine")
    assert main(["convert", "network.onnx", "mine.safetensors"]) == 2
    assert Path("mine.safetensors").read_bytes() == b"mine"


@pytest.mark.usefixtures("network")
def test_what_is_missing_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["convert", "network.onnx", "new.safetensors"]) == 2
    assert "pip install onnx" in capsys.readouterr().err
    monkeypatch.setattr(laboratory, "LABORATORY", "panini_lab_elsewhere")
    assert main(["convert", "network.onnx", "new.safetensors"]) == 2
    assert "belongs to the laboratory" in capsys.readouterr().err


def test_another_network_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.onnx").write_bytes(b"\xff no graph")
    assert main(["convert", "other.onnx", "new.safetensors"]) == 1
    assert "other.onnx" in capsys.readouterr().err
    assert not Path("new.safetensors").exists()
