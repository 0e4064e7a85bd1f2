"""A small ONNX graph as a differentiable torch module: convolutional networks only.

Covers the operations of the face recognition network and refuses every other one by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .backbones import MetricUnavailable

Constants = Mapping[str, NDArray[Any]]  # initialisers and Constant nodes by their value's name


class OnnxGraph(nn.Module):
    """The operations of a graph in their order; values go from one to the next by name."""

    def __init__(
        self,
        operations: Sequence[nn.Module],
        wires: Sequence[tuple[tuple[str, ...], str]],
        source: str,
        result: str,
    ) -> None:
        super().__init__()
        self.operations = nn.ModuleList(operations)
        self.wires = tuple(wires)  # of each operation: the names of its inputs, of its output
        self.source = source
        self.result = result

    def forward(self, x: Tensor) -> Tensor:
        """The graph's only output for its only input, both with any batch size."""
        values = {self.source: x}
        for operation, (inputs, output) in zip(self.operations, self.wires, strict=True):
            values[output] = operation(*[values[name] for name in inputs])
        return values[self.result]


class _Add(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b


def load_onnx_graph(path: str | Path) -> OnnxGraph:
    """Reads an ONNX file with one input and one output as a frozen float32 module on the CPU.

    Raises FileNotFoundError, ValueError for a file that is not ONNX or has an operation or a
    setting that this converter does not know, MetricUnavailable without the package `onnx`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No ONNX file at {path}.")
    try:
        import onnx
    except ImportError as error:
        raise MetricUnavailable(
            f"reading {path.name} needs the package onnx. Install it: pip install onnx"
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
    sources = [value.name for value in graph.input if value.name not in constants]
    results = [value.name for value in graph.output]
    if len(sources) != 1 or len(results) != 1:
        raise ValueError(f"{path} must have one input and one output, has {sources}, {results}.")

    operations: list[nn.Module] = []
    wires: list[tuple[tuple[str, ...], str]] = []
    for node in graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Constant" and "value" in attributes:
            constants[node.output[0]] = numpy_helper.to_array(attributes["value"])
            continue
        if node.op_type not in _CONVERTERS:
            raise ValueError(
                f"{path}: cannot convert the operation {node.op_type} ({node.name}); "
                f"known are {', '.join(sorted(_CONVERTERS))}."
            )
        try:
            operations.append(_CONVERTERS[node.op_type](list(node.input), attributes, constants))
        except (KeyError, ValueError) as error:
            raise ValueError(f"{path}: {node.op_type} ({node.name}): {error}.") from error
        data_inputs = tuple(name for name in node.input if name and name not in constants)
        wires.append((data_inputs, node.output[0]))
    module = OnnxGraph(operations, wires, sources[0], results[0])
    return module.requires_grad_(False).eval()


def _convolution(
    inputs: Sequence[str], attributes: Mapping[str, Any], constants: Constants
) -> nn.Module:
    if attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
        raise ValueError(f"auto_pad {attributes['auto_pad']!r} is not known, only explicit pads")
    weight = torch.from_numpy(np.array(constants[inputs[1]], dtype=np.float32))
    if weight.ndim != 4:
        raise ValueError(f"expected a kernel of 4 axes, got {tuple(weight.shape)}")
    groups = int(attributes.get("group", 1))
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    if (top, left) != (bottom, right):
        raise ValueError(f"pads must be symmetric, got {[top, left, bottom, right]}")
    convolution = nn.Conv2d(
        weight.shape[1] * groups,
        weight.shape[0],
        (weight.shape[2], weight.shape[3]),
        stride=tuple(attributes.get("strides", (1, 1))),
        padding=(top, left),
        dilation=tuple(attributes.get("dilations", (1, 1))),
        groups=groups,
        bias=len(inputs) == 3,
    )
    state = {"weight": weight}
    if len(inputs) == 3:
        state["bias"] = torch.from_numpy(np.array(constants[inputs[2]], dtype=np.float32))
    convolution.load_state_dict(state)
    return convolution


def _clip(inputs: Sequence[str], _: Mapping[str, Any], constants: Constants) -> nn.Module:
    limits = [-math.inf, math.inf]
    for index, name in enumerate(inputs[1:]):
        if name:
            limits[index] = float(constants[name])
    return nn.Hardtanh(limits[0], limits[1])


def _reshape(inputs: Sequence[str], _: Mapping[str, Any], constants: Constants) -> nn.Module:
    shape = constants[inputs[1]].tolist()
    if shape not in ([1, -1], [0, -1]):
        raise ValueError(f"only flattening to (N, features) is known, got the shape {shape}")
    return nn.Flatten()


def _relu(*_: object) -> nn.Module:
    return nn.ReLU()


def _add(inputs: Sequence[str], _: Mapping[str, Any], constants: Constants) -> nn.Module:
    if any(name in constants for name in inputs):
        raise ValueError("adding a constant is not known, only two computed values")
    return _Add()


_CONVERTERS: dict[str, Callable[[Sequence[str], Mapping[str, Any], Constants], nn.Module]] = {
    "Add": _add,
    "Clip": _clip,
    "Conv": _convolution,
    "Relu": _relu,
    "Reshape": _reshape,
}
