"""Groups of layers: whatever is not as our network computes it is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from panini_lab.training.openvino_ir import NetworkError
from panini_lab.training.openvino_prior import read_openvino_prior

from .openvino_networks import TINY, write_prior

Element = ElementTree.Element


def edit(folder: Path, network: str, change: Callable[[Element], None]) -> None:
    path = folder / f"{network}.xml"
    root = ElementTree.fromstring(path.read_bytes())
    change(root)
    path.write_bytes(ElementTree.tostring(root))


def layer_called(root: Element, name: str) -> Element:
    return next(layer for layer in root.iterfind("layers/layer") if layer.get("name") == name)


def overwrite(folder: Path, network: str, constant: str, numbers: list[float]) -> None:
    root = ElementTree.fromstring((folder / f"{network}.xml").read_bytes())
    data = layer_called(root, constant).find("data")
    assert data is not None
    path, start = folder / f"{network}.bin", int(data.attrib["offset"])
    weights = bytearray(path.read_bytes())
    new = np.array(numbers, np.float32).tobytes()
    weights[start : start + len(new)] = new
    path.write_bytes(weights)


def expect_refusal(folder: Path, reason: str) -> None:
    with pytest.raises(NetworkError, match=reason):
        read_openvino_prior(folder, sizes=TINY)


@pytest.mark.parametrize(
    ("network", "constant", "number", "reason"),
    [
        ("MappingNetwork", "epsilon", 1e-6, "root of its mean square"),
        ("MappingNetwork", "gain 0", 1.0, "expected the gain 1.41"),
        ("SynthesisNetwork", "conv1 slope", 0.1, "expected the slope 0.2, found 0.1"),
        ("SynthesisNetwork", "blocks.1.conv2 slope", 0.0, "expected the slope 0.2"),
        ("SynthesisNetwork", "picture columns filter 1", 0.5, "expected the filter"),
        ("SynthesisNetwork", "blocks.0 high rows filter -1", -0.7071, "expected the filter"),
    ],
)
def test_other_numbers_are_refused(
    tmp_path: Path, network: str, constant: str, number: float, reason: str
) -> None:
    write_prior(tmp_path)
    read_openvino_prior(tmp_path, sizes=TINY)
    overwrite(tmp_path, network, constant, [number])
    expect_refusal(tmp_path, reason)


@pytest.mark.parametrize(
    ("network", "name", "attributes", "reason"),
    [
        ("SynthesisNetwork", "Convolution", {"strides": "2, 2"}, "expected strides = '1, 1'"),
        ("SynthesisNetwork", "GroupConvolution", {"pads_end": "0, 0"}, "pads_end = '1, 1'"),
    ],
)
def test_other_settings_are_refused(
    tmp_path: Path, network: str, name: str, attributes: dict[str, str], reason: str
) -> None:
    write_prior(tmp_path)

    def change(root: Element) -> None:
        data = layer_called(root, name).find("data")
        assert data is not None
        data.attrib.update(attributes)

    edit(tmp_path, network, change)
    expect_refusal(tmp_path, reason)


@pytest.mark.parametrize(
    ("network", "name", "kind", "reason"),
    [
        ("MappingNetwork", "activation 1", "Relu", "expected PReLU, found Relu 'activation 1'"),
        ("SynthesisNetwork", "Convolution", "Pooling", "expected Convolution, found Pooling"),
        ("SynthesisNetwork", "to_bands modulated", "Add", "expected Multiply, found Add"),
        ("SynthesisNetwork", "picture columns", "Subtract", "expected Add, found Subtract"),
        ("SynthesisNetwork", "blocks.0 split", "Split", "expected VariadicSplit, found Split"),
    ],
)
def test_other_layers_are_refused(
    tmp_path: Path, network: str, name: str, kind: str, reason: str
) -> None:
    write_prior(tmp_path)
    edit(tmp_path, network, lambda root: layer_called(root, name).set("type", kind))
    expect_refusal(tmp_path, reason)


def test_bands_in_another_order_are_refused(tmp_path: Path) -> None:
    write_prior(tmp_path)

    def swap(root: Element) -> None:
        squeezes = [layer.get("id") for layer in root.iterfind("layers/layer[@type='Squeeze']")]
        first, second = (
            next(
                edge
                for edge in root.iterfind("edges/edge")
                if (edge.get("to-layer"), edge.get("to-port")) == (key, "0")
            )
            for key in squeezes[-3:-1]
        )
        first_port, second_port = first.attrib["from-port"], second.attrib["from-port"]
        first.set("from-port", second_port)
        second.set("from-port", first_port)

    edit(tmp_path, "SynthesisNetwork", swap)
    expect_refusal(tmp_path, "expected detail 0 of each low channel, found output 1")


def test_details_grouped_otherwise_are_refused(tmp_path: Path) -> None:
    write_prior(tmp_path)

    def regroup(root: Element) -> None:
        dims = layer_called(root, "picture details").findall("output/port/dim")
        dims[1].text, dims[2].text = "9", "1"

    edit(tmp_path, "SynthesisNetwork", regroup)
    expect_refusal(tmp_path, "detail 0 of each low channel")


def test_a_missing_edge_is_refused(tmp_path: Path) -> None:
    write_prior(tmp_path)

    def cut(root: Element) -> None:
        key = layer_called(root, "blocks.1.conv1 modulated").get("id")
        edges = root.find("edges")
        assert edges is not None
        edges.remove(next(e for e in edges if (e.get("to-layer"), e.get("to-port")) == (key, "1")))

    edit(tmp_path, "SynthesisNetwork", cut)
    expect_refusal(tmp_path, "no edge leads to input 1 of Multiply 'blocks.1.conv1 modulated'")


def test_factors_in_either_order_are_read(tmp_path: Path) -> None:
    write_prior(tmp_path)
    before = read_openvino_prior(tmp_path, sizes=TINY).arrays

    def swap(root: Element) -> None:
        multiplications = {
            layer.get("id")
            for layer in root.iterfind("layers/layer[@type='Multiply']")
            if (layer.get("name") or "").endswith("modulated")
        }
        for edge in root.iterfind("edges/edge"):
            if edge.get("to-layer") in multiplications:
                edge.set("to-port", {"0": "1", "1": "0"}[edge.attrib["to-port"]])

    edit(tmp_path, "SynthesisNetwork", swap)
    after = read_openvino_prior(tmp_path, sizes=TINY).arrays
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array)
