"""Small OpenVINO networks for tests: a writer, and MobileStyleGAN of any size with random numbers.

The layers follow each other as in the published networks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from panini_core.checkpoints.mobile_prior import PriorSizes

TINY = PriorSizes(code=6, mapping_layers=2, start=8, widths=(8, 4))
TYPES = {"float32": "f32", "float16": "f16", "int64": "i64", "int32": "i32"}
Output = tuple[str, int]  # of a layer: its id, the number of the output

Arrays = dict[str, NDArray[Any]]


class NetworkWriter:
    """Layers with edges, one after the other; `save` writes the two files."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root = ElementTree.Element("net", name=name, version="10")
        self.layers = ElementTree.SubElement(self.root, "layers")
        self.edges = ElementTree.SubElement(self.root, "edges")
        self.weights = bytearray()

    def layer(
        self,
        kind: str,
        *inputs: Output,
        shapes: tuple[tuple[int, ...], ...] = ((),),
        name: str = "",
        **attributes: str,
    ) -> Output:
        """The first output of a new layer; output k of it is `(id, k)`."""
        key = str(len(self.layers))
        layer = ElementTree.SubElement(self.layers, "layer", id=key, type=kind, name=name or key)
        ElementTree.SubElement(layer, "data", attributes)
        output = ElementTree.SubElement(layer, "output")
        for number, shape in enumerate(shapes):
            port = ElementTree.SubElement(output, "port", id=str(len(inputs) + number))
            for size in shape:
                ElementTree.SubElement(port, "dim").text = str(size)
        for port, (source, number) in enumerate(inputs):
            found = self.layers[int(source)].findall("output/port")[number].attrib["id"]
            ends = {"from-layer": source, "from-port": found, "to-layer": key, "to-port": str(port)}
            ElementTree.SubElement(self.edges, "edge", ends)
        return key, 0

    def constant(self, numbers: Any, *, name: str = "") -> Output:
        array = np.asarray(numbers)
        array = array.astype(np.float32) if array.dtype == np.float64 else array
        offset = len(self.weights)
        self.weights += array.tobytes()
        return self.layer(
            "Const",
            name=name,
            shapes=(array.shape,),
            element_type=TYPES[array.dtype.name],
            shape=", ".join(map(str, array.shape)),
            offset=str(offset),
            size=str(array.nbytes),
        )

    def xml(self) -> bytes:
        return ElementTree.tostring(self.root, xml_declaration=True, encoding="utf-8")

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.xml").write_bytes(self.xml())
        (folder / f"{self.name}.bin").write_bytes(self.weights)


def write_prior(folder: Path, sizes: PriorSizes = TINY) -> Arrays:
    """Both networks with random numbers; returns what is to be read from them, in float32.

    Without `mean_latent`.
    """
    random = np.random.default_rng(0)
    arrays = {
        name: random.standard_normal(shape, np.float32)
        for name, shape in sizes.shapes().items()
        if name != "mean_latent"
    }
    _write_mapping(folder, sizes, arrays)
    return _Synthesis(sizes, arrays).write(folder)


def _write_mapping(folder: Path, sizes: PriorSizes, arrays: Arrays) -> None:
    net = NetworkWriter("MappingNetwork")
    code = net.layer("Parameter", name="var", shapes=((1, sizes.code),))
    x = net.layer("Power", code, net.constant([[2.0]]))
    x = net.layer("ReduceMean", x, net.constant([1]))
    x = net.layer("Add", x, net.constant([[1e-8]], name="epsilon"))
    x = net.layer("Power", x, net.constant([[0.5]]))
    x = net.layer("Power", x, net.constant([[-1.0]]))
    x = net.layer("Multiply", net.constant([[1.0]]), x)
    x = net.layer("Multiply", code, x)
    for index in range(sizes.mapping_layers):
        weight = net.constant(arrays[f"mapping.{index}.weight"])
        x = net.layer("MatMul", x, weight, transpose_a="false", transpose_b="true")
        bias = net.constant(arrays[f"mapping.{index}.bias"])
        x = net.layer("Add", x, net.layer("Reshape", bias, net.constant([1, sizes.code])))
        x = net.layer("PReLU", x, net.constant([0.2]), name=f"activation {index}")
        x = net.layer("Multiply", x, net.constant([[2**0.5]], name=f"gain {index}"))
    net.layer("Result", x, shapes=())
    net.save(folder)


class _Synthesis:
    """Writes w -> picture; the stored modulation is what the arrays have, without its scale."""

    def __init__(self, sizes: PriorSizes, arrays: Arrays) -> None:
        self.sizes = sizes
        self.arrays = dict(arrays)
        self.net = NetworkWriter("SynthesisNetwork")
        self.code = self.net.layer("Parameter", name="style", shapes=((1, sizes.code),))

    def write(self, folder: Path) -> Arrays:
        net, arrays, sizes = self.net, self.arrays, self.sizes
        x = net.layer("Broadcast", net.constant(arrays["const"]), net.constant([1, 1, 1, 1]))
        x = net.layer("Tile", x, net.constant([1, 1, 1, 1]))
        x = self._modulate(x, "conv1", scale=0.25)
        x = self._convolve("Convolution", x, arrays["conv1.weight"], padding=1)
        x = self._activate(x, "conv1")
        channels = sizes.start
        for index, width in enumerate(sizes.widths):
            block = f"blocks.{index}"
            x = self._modulate(x, f"{block}.up", scale=None)
            x = self._haar_up(x, channels // 4, name=block)
            x = self._separable(x, f"{block}.conv1")
            x = self._separable(x, f"{block}.conv2")
            channels = width
        x = self._modulate(x, "to_bands", scale=0.125)
        x = self._convolve("Convolution", x, arrays["to_bands.weight"], padding=0)
        x = net.layer("Add", x, net.constant(arrays["to_bands.bias"].reshape(1, -1, 1, 1)))
        net.layer("Result", self._haar_up(x, 3, name="picture"), shapes=())
        net.save(folder)
        return self.arrays

    def _modulate(self, x: Output, name: str, *, scale: float | None) -> Output:
        net, weight = self.net, self.arrays[f"{name}.mod_weight"]
        style = net.layer(
            "MatMul", self.code, net.constant(weight), transpose_a="false", transpose_b="true"
        )
        bias = self.arrays[f"{name}.mod_bias"]
        style = net.layer("Add", style, net.constant(bias[None]))
        style = net.layer("Reshape", style, net.constant([1, len(bias), 1, 1]))
        if scale is not None:
            style = net.layer("Multiply", style, net.constant(np.full((1, 1, 1, 1), scale)))
            for part in ("mod_weight", "mod_bias"):
                self.arrays[f"{name}.{part}"] = self.arrays[f"{name}.{part}"] * np.float32(scale)
        return net.layer("Multiply", style, x, name=f"{name} modulated")

    def _convolve(self, kind: str, x: Output, kernel: NDArray[Any], *, padding: int) -> Output:
        pads = f"{padding}, {padding}"
        attributes = {"strides": "1, 1", "dilations": "1, 1", "pads_begin": pads, "pads_end": pads}
        return self.net.layer(kind, x, self.net.constant(kernel), name=kind, **attributes)

    def _separable(self, x: Output, name: str) -> Output:
        depthwise = self.arrays[f"{name}.depthwise"]
        x = self._modulate(x, name, scale=0.5)
        x = self._convolve("GroupConvolution", x, depthwise[:, None], padding=1)
        x = self._convolve("Convolution", x, self.arrays[f"{name}.pointwise"], padding=0)
        return self._activate(x, name)

    def _activate(self, x: Output, name: str) -> Output:
        net = self.net
        x = net.layer("Add", x, net.constant(self.arrays[f"{name}.noise"]))
        x = net.layer("Add", x, net.constant(self.arrays[f"{name}.bias"].reshape(1, -1, 1, 1)))
        return net.layer("PReLU", x, net.constant([0.2], name=f"{name} slope"))

    def _haar_up(self, x: Output, channels: int, *, name: str) -> Output:
        net = self.net
        low = net.layer(
            "VariadicSplit",
            x,
            net.constant(1),
            net.constant([channels, 3 * channels]),
            shapes=((), ()),
            name=f"{name} split",
        )
        details = net.layer(
            "Reshape",
            (low[0], 1),
            net.constant([1, channels, 3, -1, -1]),
            shapes=((1, channels, 3, 4, 4),),
            name=f"{name} details",
        )
        split = net.layer(
            "VariadicSplit", details, net.constant(2), net.constant([1, 1, 1]), shapes=((),) * 3
        )
        lh, hl, hh = (net.layer("Squeeze", (split[0], k), net.constant([2])) for k in range(3))
        left = self._join(low, lh, channels, axis=2, name=f"{name} low rows")
        right = self._join(hl, hh, channels, axis=2, name=f"{name} high rows")
        return self._join(left, right, channels, axis=3, name=f"{name} columns")

    def _join(self, low: Output, high: Output, channels: int, *, axis: int, name: str) -> Output:
        net = self.net
        shape = (channels, 1, 1, 2, 1) if axis == 2 else (channels, 1, 1, 1, 2)
        halves = [
            net.layer(
                "GroupConvolutionBackpropData",
                half,
                net.constant(
                    np.tile(np.array([0.5**0.5, sign * 0.5**0.5]), channels).reshape(shape),
                    name=f"{name} filter {sign}",
                ),
                strides="2, 1" if axis == 2 else "1, 2",
            )
            for half, sign in ((low, 1), (high, -1))
        ]
        return net.layer("Add", *halves, name=name)
