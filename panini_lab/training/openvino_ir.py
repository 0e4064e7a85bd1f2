"""OpenVINO networks (intermediate representation) as graphs to walk; nothing in them is executed.

A network is two files: an `.xml` with layers and edges, and a `.bin` with the numbers of its
constants. Both are read with the standard library and numpy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

VERSIONS = ("10", "11")  # of the format; both have the layout that is read here
ELEMENT_TYPES = {"f32": "<f4", "f16": "<f2", "i64": "<i8", "i32": "<i4"}


class NetworkError(ValueError):
    """A network cannot be used; the message names it, what was expected and found."""

    def __init__(self, network: str, problem: str) -> None:
        super().__init__(f"{network}: {problem}")
        self.network = network
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Layer:
    """One operation: its kind ("Add", "Const", …) and where its inputs come from."""

    id: str
    kind: str
    name: str
    attributes: Mapping[str, str]
    sources: Mapping[int, tuple[str, int]]  # input port -> layer id, number of its output (from 0)
    shapes: tuple[tuple[int, ...], ...]  # of its outputs

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r} (layer {self.id})"


class Network:
    """The layers of one network, walked from a layer to the sources of its inputs."""

    def __init__(self, name: str, layers: Mapping[str, Layer], weights: bytes) -> None:
        self.name = name
        self.layers = layers
        self._weights = weights

    def error(self, problem: str) -> NetworkError:
        return NetworkError(self.name, problem)

    def only(self, kind: str) -> Layer:
        """The one layer of a kind, such as "Parameter" (the input) or "Result" (the output)."""
        found = [layer for layer in self.layers.values() if layer.kind == kind]
        if len(found) != 1:
            raise self.error(f"expected one layer of the kind {kind}, found {len(found)}.")
        return found[0]

    def source(self, layer: Layer, port: int, kind: str | None = None) -> Layer:
        """The layer that an input comes from; of this kind, if one is given."""
        return self.output(layer, port, kind)[0]

    def output(self, layer: Layer, port: int, kind: str | None = None) -> tuple[Layer, int]:
        """As `source`, with the number of that layer's output, from 0."""
        if port not in layer.sources:
            raise self.error(f"no edge leads to input {port} of {layer}.")
        source_id, number = layer.sources[port]
        source = self.layers[source_id]
        if kind is not None and source.kind != kind:
            raise self.error(f"expected {kind} as input {port} of {layer}, found {source}.")
        return source, number

    def constant(self, layer: Layer, port: int) -> NDArray[Any]:
        """As `numbers`, of the Const that is an input of a layer."""
        return self.numbers(self.source(layer, port, "Const"))

    def constant_and_other(self, layer: Layer) -> tuple[NDArray[Any], Layer]:
        """Of the two inputs of a layer, in either order: the constant one, and the other's source.

        Only one of them may be a constant.
        """
        inputs = [self.source(layer, port) for port in (0, 1)]
        constants = [source for source in inputs if source.kind == "Const"]
        if len(constants) != 1:
            found = " and ".join(map(str, inputs))
            raise self.error(f"expected one constant as an input of {layer}, found {found}.")
        (other,) = [source for source in inputs if source.kind != "Const"]
        return self.numbers(constants[0]), other

    def numbers(self, layer: Layer) -> NDArray[Any]:
        """The numbers of a Const itself, in their stored type."""
        element_type = layer.attributes.get("element_type")
        if element_type not in ELEMENT_TYPES:
            known = ", ".join(ELEMENT_TYPES)
            raise self.error(f"{layer}: expected numbers of {known}, found {element_type!r}.")
        dtype = np.dtype(ELEMENT_TYPES[element_type])
        shape = _whole_numbers(self.name, layer.name, layer.attributes.get("shape", ""))
        offset, size = _extent(self.name, layer)
        count = math.prod(shape)
        if size != count * dtype.itemsize:
            raise self.error(
                f"{layer}: {list(shape)} numbers of {element_type} take {count * dtype.itemsize} "
                f"bytes, but {size} are named."
            )
        return np.frombuffer(self._weights, dtype, count, offset).reshape(shape)


def read_network(name: str, xml: bytes, weights: bytes) -> Network:
    """A network from the bytes of its two files; `name` is for messages.

    Raises NetworkError for anything but a whole OpenVINO network. Files with a document type are
    refused: it could define entities that expand without end, and networks need none.
    """
    try:
        # The parser sees the very text that was searched: an encoding named inside has no say.
        text = xml.decode("utf-8-sig")
        if "<!DOCTYPE" in text:
            raise NetworkError(name, "expected plain XML, found a document type (DOCTYPE).")
        root = ElementTree.fromstring(text)
    except (UnicodeDecodeError, ElementTree.ParseError) as error:
        raise NetworkError(name, f"expected an OpenVINO network as XML: {error}.") from error
    if root.tag != "net" or root.get("version") not in VERSIONS:
        raise NetworkError(
            name,
            f"expected an OpenVINO network (<net>) of version {' or '.join(VERSIONS)}, found "
            f"<{root.tag}> of version {root.get('version')}.",
        )
    layers = _layers(name, root)
    for layer in layers.values():
        if layer.kind == "Const":
            offset, size = _extent(name, layer)
            if offset + size > len(weights):
                raise NetworkError(
                    name,
                    f"{layer} ends at byte {offset + size} of the .bin file, which has "
                    f"{len(weights)}; it is truncated or another network's.",
                )
    return Network(name, layers, weights)


def _layers(name: str, root: ElementTree.Element) -> dict[str, Layer]:
    found = {layer.get("id", ""): layer for layer in root.iterfind("layers/layer")}
    if len(found) != len(list(root.iterfind("layers/layer"))):
        raise NetworkError(name, "two layers have the same id.")
    outputs = {
        (key, port.get("id", "")): number
        for key, layer in found.items()
        for number, port in enumerate(layer.iterfind("output/port"))
    }
    sources: dict[str, dict[int, tuple[str, int]]] = {key: {} for key in found}
    for edge in root.iterfind("edges/edge"):
        start = edge.get("from-layer", ""), edge.get("from-port", "")
        end = edge.get("to-layer", "")
        ports = _whole_numbers(name, "an edge", edge.get("to-port", ""))
        if (
            start not in outputs
            or end not in sources
            or len(ports) != 1
            or ports[0] in sources[end]
        ):
            raise NetworkError(
                name,
                f"an edge leads nowhere, or to an input that has one already: {edge.attrib}.",
            )
        sources[end][ports[0]] = (start[0], outputs[start])
    return {
        key: Layer(
            id=key,
            kind=layer.get("type", ""),
            name=layer.get("name", ""),
            attributes=_attributes(layer),
            sources=sources[key],
            shapes=tuple(
                tuple(
                    number
                    for dim in port.iterfind("dim")
                    for number in _whole_numbers(name, layer.get("name", ""), dim.text or "")
                )
                for port in layer.iterfind("output/port")
            ),
        )
        for key, layer in found.items()
    }


def _attributes(layer: ElementTree.Element) -> dict[str, str]:
    data = layer.find("data")
    return {} if data is None else dict(data.attrib)


def _extent(name: str, layer: Layer) -> tuple[int, int]:
    """Where a constant's numbers lie in the `.bin` file: offset and size in bytes."""
    text = f"{layer.attributes.get('offset', '')}, {layer.attributes.get('size', '')}"
    numbers = _whole_numbers(name, layer.name, text)
    if len(numbers) != 2:
        raise NetworkError(name, f"{layer}: expected an offset and a size, found {text!r}.")
    return numbers[0], numbers[1]


def _whole_numbers(name: str, owner: str, text: str) -> tuple[int, ...]:
    """`"512, 4"` -> (512, 4); an empty text gives no numbers."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts):
        raise NetworkError(name, f"{owner}: expected whole numbers, found {text!r}.")
    return tuple(map(int, parts))
