"""MobileFaceNet from the ONNX file in which it is published.

The file has no names of layers that last, so the convolutions are taken in their order, once all
operations are seen to be those of `MobileFaceNet`, with its strides, paddings and sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .backbones import MetricUnavailable
from .mobilefacenet import Bottleneck, MobileFaceNet

Constants = Mapping[str, NDArray[Any]]  # initialisers and Constant nodes by their value's name
_RELU6 = [0.0, 6.0]


def read_mobilefacenet_onnx(path: str | Path) -> MobileFaceNet:
    """The network of an ONNX file, float32, on the CPU.

    Raises FileNotFoundError, ValueError for a file that is not ONNX or another network, and
    MetricUnavailable where the package `onnx` is not installed.
    """
    path = Path(path)
    nodes, constants = _read_graph(path)
    try:
        return _build(nodes, constants)
    except KeyError as error:
        raise ValueError(f"{path} is not MobileFaceNet: {error} is no constant in it.") from error
    except ValueError as error:
        raise ValueError(f"{path} is not MobileFaceNet as it was published: {error}.") from error


def _read_graph(path: Path) -> tuple[list[Any], Constants]:
    """The operations in their order without constants, and the constants."""
    if not path.is_file():
        raise FileNotFoundError(f"No face recognition network at {path}.")
    try:
        import onnx
    except ImportError as error:
        raise MetricUnavailable(
            f"reading {path.name} needs the package onnx. Install it: pip install onnx; or convert "
            "the file once where it is installed, as `panini convert --help` says."
        ) from error
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    try:
        graph = onnx.load(str(path), load_external_data=False).graph
    except DecodeError as error:
        raise ValueError(f"{path} is not a readable ONNX file: {error}.") from error
    constants: dict[str, NDArray[Any]] = {
        tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer
    }
    for node in graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return [node for node in graph.node if node.op_type != "Constant"], constants


def _build(nodes: Sequence[Any], constants: Constants) -> MobileFaceNet:
    convolutions = [node for node in nodes if node.op_type == "Conv"]
    if not convolutions:
        raise ValueError("it has no convolution")
    width, size = (len(constants[node.input[1]]) for node in (convolutions[0], convolutions[-1]))
    network = MobileFaceNet(width, size)
    steps = _operations(network)
    if len(nodes) != len(steps):
        raise ValueError(f"expected {len(steps)} operations, got {len(nodes)}")
    before: Any = None
    for node, (kind, layer) in zip(nodes, steps, strict=True):
        if node.op_type != kind:
            raise ValueError(f"{node.name}: expected the operation {kind}, got {node.op_type}")
        if before is not None and before.output[0] not in node.input:
            raise ValueError(f"{node.name} does not take what {before.name} gives")
        before = node
        if layer is not None:
            _fill(layer, node, constants)
        elif node.op_type == "Clip":
            limits = [float(constants[name]) for name in node.input[1:]]
            if limits != _RELU6:
                raise ValueError(f"{node.name} must clip to {_RELU6}, got {limits}")
    return network


def _operations(network: MobileFaceNet) -> list[tuple[str, nn.Conv2d | None]]:
    """What the file has in a row: names of operations, and the layer of each convolution."""
    clip, relu = ("Clip", None), ("Relu", None)
    steps: list[tuple[str, nn.Conv2d | None]] = [("Conv", network.stem), clip]
    steps += [("Conv", network.depthwise), relu, ("Conv", network.pointwise), relu]
    for block in network.blocks:
        assert isinstance(block, Bottleneck)
        steps += [("Conv", block.expand), clip, ("Conv", block.depthwise), clip]
        steps += [("Conv", block.project)]
        steps += [("Add", None)] if block.residual else []
    steps += [("Conv", network.widen), clip, ("Conv", network.gather), ("Conv", network.embed)]
    return [*steps, ("Reshape", None)]


@torch.no_grad()
def _fill(layer: nn.Conv2d, node: Any, constants: Constants) -> None:
    """Copies the numbers of an ONNX convolution whose settings are the layer's."""
    settings = {one.name: list(one.ints) or one.i for one in node.attribute}
    expected = {
        "kernel_shape": list(layer.kernel_size),
        "strides": list(layer.stride),
        "pads": [*layer.padding, *layer.padding],
        "dilations": [1, 1],
        "group": layer.groups,
    }
    if settings != expected:
        raise ValueError(f"{node.name} must have the settings {expected}, got {settings}")
    arrays = [constants[name] for name in node.input[1:]]
    shapes = [array.shape for array in arrays]
    assert layer.bias is not None
    if shapes != [tuple(layer.weight.shape), tuple(layer.bias.shape)]:
        raise ValueError(f"{node.name} has weights of the sizes {shapes}")
    layer.weight.copy_(torch.from_numpy(np.array(arrays[0], dtype=np.float32)))
    layer.bias.copy_(torch.from_numpy(np.array(arrays[1], dtype=np.float32)))
