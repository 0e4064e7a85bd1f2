"""MobileFaceNet as an ONNX file in the layout of the published one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from panini_lab.metrics.mobilefacenet import Bottleneck, MobileFaceNet


class OnnxFile:
    """Nodes in a row, each of which takes what the one before gave."""

    def __init__(self) -> None:
        import onnx

        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self.last = "input0"

    def add(self, kind: str, *others: str, **attributes: Any) -> str:
        name = f"{kind.lower()}{len(self.nodes)}"
        node = self.onnx.helper.make_node(kind, [self.last, *others], [name], name, **attributes)
        self.nodes.append(node)
        self.last = name
        return name

    def constant(self, value: np.ndarray) -> str:
        """As of an exporter: sizes and limits are nodes, weights initialisers."""
        name = f"constant{len(self.nodes)}"
        tensor = self.onnx.numpy_helper.from_array(value, name)
        self.nodes.append(self.onnx.helper.make_node("Constant", [], [name], name, value=tensor))
        return name

    def convolve(self, layer: nn.Conv2d, **changes: Any) -> None:
        assert layer.bias is not None
        weight, bias = f"weight{len(self.nodes)}", f"bias{len(self.nodes)}"
        self.constants[weight] = layer.weight.detach().numpy()
        self.constants[bias] = layer.bias.detach().numpy()
        settings = {
            "kernel_shape": layer.kernel_size,
            "strides": layer.stride,
            "pads": [*layer.padding, *layer.padding],
            "dilations": layer.dilation,
            "group": layer.groups,
        }
        self.add("Conv", weight, bias, **(settings | changes))

    def clip(self, most: float = 6.0) -> None:
        self.add(
            "Clip",
            self.constant(np.array(0.0, np.float32)),
            self.constant(np.array(most, np.float32)),
        )

    def save(self, path: Path, size: int) -> Path:
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "test",
            [helper.make_tensor_value_info("input0", kind, [1, 3, 112, 112])],
            [helper.make_tensor_value_info(self.last, kind, [1, size])],
            [self.onnx.numpy_helper.from_array(v, name) for name, v in self.constants.items()],
        )
        opset = [helper.make_opsetid("", 18)]
        self.onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
        return path


def write_mobilefacenet_onnx(
    path: Path,
    network: MobileFaceNet,
    *,
    activation: str = "Relu",  # of the two after the stem's own
    most: float = 6.0,  # that the others let through
    **last: Any,  # settings of the last convolution
) -> Path:
    """The network's file; other values than the defaults make it another network."""
    file = OnnxFile()
    file.convolve(network.stem)
    file.clip(most)
    for layer in (network.depthwise, network.pointwise):
        file.convolve(layer)
        file.add(activation)
    for block in network.blocks:
        assert isinstance(block, Bottleneck)
        start = file.last
        file.convolve(block.expand)
        file.clip(most)
        file.convolve(block.depthwise)
        file.clip(most)
        file.convolve(block.project)
        if block.residual:
            file.add("Add", start)
    file.convolve(network.widen)
    file.clip(most)
    file.convolve(network.gather)
    file.convolve(network.embed, **last)
    file.add("Reshape", file.constant(np.array([1, -1])))
    return file.save(path, network.embed.out_channels)
