"""MobileFaceNet from its published file: the numbers of onnxruntime, and clear refusals."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from panini_lab.metrics.backbones import MetricUnavailable
from panini_lab.metrics.mobilefacenet import MobileFaceNet
from panini_lab.metrics.mobilefacenet_onnx import read_mobilefacenet_onnx

from .onnx_files import write_mobilefacenet_onnx

onnx = pytest.importorskip("onnx", reason="needs the package onnx")


def run(path: Path, faces: Tensor) -> Tensor:
    """What onnxruntime makes of the faces, one by one."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rows = [session.run(None, {"input0": face[None].numpy()})[0] for face in faces]
    return torch.cat([torch.from_numpy(row) for row in rows])


def assert_same_embeddings(network: MobileFaceNet, path: Path) -> None:
    faces = torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = F.normalize(network(faces), dim=1)
    torch.testing.assert_close(found, F.normalize(run(path, faces), dim=1), rtol=0, atol=1e-5)


def test_a_small_file_gives_the_embeddings_of_onnxruntime(
    narrow_network: MobileFaceNet, tmp_path: Path
) -> None:
    path = write_mobilefacenet_onnx(tmp_path / "small.onnx", narrow_network)
    read = read_mobilefacenet_onnx(path)
    for name, tensor in narrow_network.state_dict().items():
        assert torch.equal(read.state_dict()[name], tensor), name
    assert_same_embeddings(read, path)


def test_the_published_file_gives_the_embeddings_of_onnxruntime(shared: Path) -> None:
    path = shared / "data" / "weights" / "mobilefacenet.onnx"
    assert_same_embeddings(read_mobilefacenet_onnx(path), path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"activation": "Sigmoid"}, "expected the operation Relu, got Sigmoid"),
        ({"most": 1.0}, r"clip to \[0\.0, 6\.0\], got \[0\.0, 1\.0\]"),
        ({"pads": [1, 1, 1, 1]}, "'pads': .*0, 0, 0, 0.* got .*1, 1, 1, 1"),
        ({"auto_pad": "SAME_UPPER"}, "auto_pad"),
    ],
)
def test_other_networks_are_refused(
    narrow_network: MobileFaceNet, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    path = write_mobilefacenet_onnx(tmp_path / "other.onnx", narrow_network, **changes)
    with pytest.raises(ValueError, match=rf"other\.onnx is not MobileFaceNet.*{reason}"):
        read_mobilefacenet_onnx(path)


def test_other_sizes_and_wires_are_refused(narrow_network: MobileFaceNet, tmp_path: Path) -> None:
    path = write_mobilefacenet_onnx(tmp_path / "other.onnx", narrow_network)
    model = onnx.load(str(path))
    reshape, embed, gather = model.graph.node[-1], model.graph.node[-3], model.graph.node[-4]
    assert (reshape.op_type, embed.op_type, gather.op_type) == ("Reshape", "Conv", "Conv")

    reshape.input[0] = gather.output[0]
    onnx.save(model, str(path))
    with pytest.raises(ValueError, match=f"{reshape.name} does not take what {embed.name} gives"):
        read_mobilefacenet_onnx(path)

    embed.input[1], reshape.input[0] = gather.input[1], embed.output[0]
    onnx.save(model, str(path))
    with pytest.raises(ValueError, match=f"{embed.name} has weights of the sizes"):
        read_mobilefacenet_onnx(path)

    embed.input[1] = gather.output[0]
    onnx.save(model, str(path))
    with pytest.raises(ValueError, match=f"{gather.output[0]}' is no constant"):
        read_mobilefacenet_onnx(path)


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.onnx"):
        read_mobilefacenet_onnx(tmp_path / "none.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\xff\xfe this is not a graph")
    with pytest.raises(ValueError, match=r"broken\.onnx is not a readable ONNX file"):
        read_mobilefacenet_onnx(broken)
    empty = tmp_path / "empty.onnx"
    empty.write_bytes(b"")
    with pytest.raises(ValueError, match=r"empty\.onnx.*no convolution"):
        read_mobilefacenet_onnx(empty)


def test_without_the_package_the_remedy_is_told(
    narrow_network: MobileFaceNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_mobilefacenet_onnx(tmp_path / "small.onnx", narrow_network)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MetricUnavailable, match=r"pip install onnx.*panini convert"):
        read_mobilefacenet_onnx(path)
