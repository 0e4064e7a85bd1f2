"""ONNX files as torch modules: the same numbers as onnxruntime, and clear refusals."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from panini_lab.metrics.backbones import MetricUnavailable
from panini_lab.metrics.onnx_graph import load_onnx_graph

onnx = pytest.importorskip("onnx", reason="needs the package onnx")


def _save(path: Path, nodes: list, constants: dict[str, np.ndarray]) -> Path:
    helper = onnx.helper
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, str(path))
    return path


def _small_network(path: Path) -> Path:
    """Every known operation once: a strided convolution, clip, depthwise one, add, relu."""
    random = np.random.default_rng(0)
    node = onnx.helper.make_node
    weights = {
        "w": random.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "b": random.normal(size=4).astype(np.float32),
        "d": random.normal(size=(4, 1, 3, 3)).astype(np.float32),
        "low": np.array(0.1, np.float32),
        "high": np.array(1.5, np.float32),
        "shape": np.array([1, -1]),
    }
    nodes = [
        node("Conv", ["x", "w", "b"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Clip", ["a", "low", "high"], ["c"]),
        node("Conv", ["c", "d"], ["e"], group=4, pads=[2, 2, 2, 2], dilations=[2, 2]),
        node("Add", ["a", "e"], ["f"]),
        node("Relu", ["f"], ["g"]),
        node("Reshape", ["g", "shape"], ["y"]),
    ]
    return _save(path, nodes, weights)


def test_agrees_with_onnxruntime(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    path = _small_network(tmp_path / "small.onnx")
    x = torch.randn(1, 3, 8, 8)
    (expected,) = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(
        None, {"x": x.numpy()}
    )
    torch.testing.assert_close(load_onnx_graph(path)(x), torch.from_numpy(expected))


def test_takes_batches_and_gradients(tmp_path: Path) -> None:
    network = load_onnx_graph(_small_network(tmp_path / "small.onnx"))
    x = torch.randn(3, 3, 8, 8, requires_grad=True)
    y = network(x)
    torch.testing.assert_close(y, torch.cat([network(x[i : i + 1]) for i in range(3)]))
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.abs().max() > 0
    assert all(not parameter.requires_grad for parameter in network.parameters())


def test_unknown_operation_is_named(tmp_path: Path) -> None:
    path = _save(tmp_path / "odd.onnx", [onnx.helper.make_node("Sigmoid", ["x"], ["y"])], {})
    with pytest.raises(ValueError, match=r"odd\.onnx.*Sigmoid"):
        load_onnx_graph(path)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"auto_pad": "SAME_UPPER"}, "auto_pad"),
        ({"pads": [0, 0, 1, 1]}, "symmetric"),
    ],
)
def test_unknown_settings_are_refused(tmp_path: Path, attributes: dict, reason: str) -> None:
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"], **attributes)
    path = _save(tmp_path / "conv.onnx", [node], {"w": np.zeros((4, 3, 3, 3), np.float32)})
    with pytest.raises(ValueError, match=reason):
        load_onnx_graph(path)


def test_reshape_other_than_flattening_is_refused(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Reshape", ["x", "shape"], ["y"])
    path = _save(tmp_path / "reshape.onnx", [node], {"shape": np.array([1, 3, 64])})
    with pytest.raises(ValueError, match=r"\[1, 3, 64\]"):
        load_onnx_graph(path)


def test_weights_that_are_computed_are_refused(tmp_path: Path) -> None:
    nodes = [
        onnx.helper.make_node("Relu", ["x"], ["w"]),
        onnx.helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    with pytest.raises(ValueError, match="Conv"):
        load_onnx_graph(_save(tmp_path / "computed.onnx", nodes, {}))


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.onnx"):
        load_onnx_graph(tmp_path / "none.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\xff\xfe this is not a graph")
    with pytest.raises(ValueError, match=r"broken\.onnx"):
        load_onnx_graph(broken)
    empty = tmp_path / "empty.onnx"
    empty.write_bytes(b"")
    with pytest.raises(ValueError, match=r"empty\.onnx"):
        load_onnx_graph(empty)


def test_without_the_package_the_remedy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _small_network(tmp_path / "small.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MetricUnavailable, match="pip install onnx"):
        load_onnx_graph(path)
