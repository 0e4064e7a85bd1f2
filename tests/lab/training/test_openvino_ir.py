"""OpenVINO networks as graphs: what was written is read, and everything else is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from panini_lab.training.openvino_ir import Network, NetworkError, read_network

from .openvino_networks import NetworkWriter

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)


def small_network() -> NetworkWriter:
    """x @ weight.T + bias, its two halves; layers 0 to 6."""
    net = NetworkWriter("small")
    x = net.layer("Parameter", name="x", shapes=((1, 3),))
    product = net.layer("MatMul", x, net.constant(WEIGHT), shapes=((1, 2),), transpose_b="true")
    total = net.layer("Add", net.constant([0.5]), product)
    halves = net.layer("Split", total, shapes=((1, 1), (1, 1)))
    net.layer("Result", (halves[0], 1), shapes=())
    return net


def read(net: NetworkWriter) -> Network:
    return read_network("small.xml", net.xml(), bytes(net.weights))


def test_a_walk_from_the_result_to_the_input() -> None:
    network = read(small_network())
    split, number = network.output(network.only("Result"), 0)
    assert (split.kind, number, split.shapes) == ("Split", 1, ((1, 1), (1, 1)))
    bias, product = network.constant_and_other(network.source(split, 0, "Add"))
    assert bias.tolist() == [0.5]
    assert product.attributes["transpose_b"] == "true"
    np.testing.assert_array_equal(network.constant(product, 1), WEIGHT)
    assert network.source(product, 0) == network.only("Parameter")


@given(
    arrays.arrays(
        st.sampled_from(["<f4", "<f2", "<i8", "<i4"]).map(np.dtype),
        arrays.array_shapes(min_dims=0, max_dims=4, max_side=3),
    )
)
def test_constants_of_any_shape_and_type_come_back(numbers: np.ndarray[Any, Any]) -> None:
    net = NetworkWriter("constants")
    net.constant(np.ones(3, np.float32))
    net.layer("Result", net.constant(numbers), shapes=())
    network = read(net)
    found = network.constant(network.only("Result"), 0)
    assert found.dtype == numbers.dtype
    np.testing.assert_array_equal(found, numbers)


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (b"", "as XML"),
        (b"<net", "as XML"),
        (b"\xff\xfe\x00<", "as XML"),
        (b"PK\x03\x04", "as XML"),
        (b"<html/>", "<html>"),
        (b'<net version="6"><layers/></net>', "version 6"),
        (b'<net version="10"><layers/><edges/></net>', "one layer of the kind Result, found 0"),
    ],
)
def test_other_files_are_refused(xml: bytes, reason: str) -> None:
    with pytest.raises(NetworkError, match=rf"small\.xml: .*{reason}"):
        read_network("small.xml", xml, b"").only("Result")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_not_expanded(encoding: str) -> None:
    # Were they, the test would never end: 10^11 copies.
    lines = [f'<!ENTITY e{k} "{f"&e{k - 1};" * 10}">' for k in range(1, 12)]
    text = f'<!DOCTYPE net [<!ENTITY e0 "ha">{"".join(lines)}]><net version="10">&e11;</net>'
    with pytest.raises(NetworkError, match="expected"):
        read_network("small.xml", text.encode(encoding), b"")


def test_a_declared_encoding_hides_nothing() -> None:
    xml = small_network().xml().replace(b"encoding='utf-8'", b"encoding='utf-7'")
    assert b"utf-7" in xml
    network = read_network("small.xml", xml, bytes(small_network().weights))
    assert network.only("Parameter").name == "x"


def test_a_missing_edge_is_named() -> None:
    net = small_network()
    (edge,) = [e for e in net.edges if (e.get("to-layer"), e.get("to-port")) == ("2", "1")]
    net.edges.remove(edge)
    network = read(net)
    with pytest.raises(NetworkError, match="no edge leads to input 1 of MatMul '2'"):
        network.constant(network.only("MatMul"), 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("from-layer", "99"),
        ("from-port", "7"),
        ("to-layer", "99"),
        ("to-port", "x"),
        ("to-port", ""),
        ("to-port", "0"),  # which has an edge
    ],
)
def test_edges_that_lead_nowhere_are_refused(name: str, value: str) -> None:
    net = small_network()
    net.edges[1].set(name, value)
    with pytest.raises(NetworkError, match="edge"):
        read(net)


def test_two_layers_with_one_id_are_refused() -> None:
    net = small_network()
    net.layers[1].set("id", "0")
    with pytest.raises(NetworkError, match="same id"):
        read(net)


def test_another_kind_or_constant_than_expected_is_named() -> None:
    network = read(small_network())
    with pytest.raises(NetworkError, match=r"expected Tile as input 0 of Result .* found Split"):
        network.source(network.only("Result"), 0, "Tile")
    with pytest.raises(NetworkError, match="expected Const"):
        network.constant(network.only("Result"), 0)
    net = small_network()
    net.layer("Add", ("1", 0), ("3", 0))
    network = read(net)
    with pytest.raises(NetworkError, match="expected one constant"):
        network.constant_and_other(network.layers["7"])
    with pytest.raises(NetworkError, match="one layer of the kind Add, found 2"):
        network.only("Add")


def test_a_truncated_file_of_numbers_is_refused() -> None:
    net = small_network()
    for length in (0, len(net.weights) - 1):
        with pytest.raises(NetworkError, match=rf"which has {length}; it is truncated"):
            read_network("small.xml", net.xml(), bytes(net.weights[:length]))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("size", "20", r"take 24 bytes, but 20 are named"),
        ("shape", "2, 4", r"take 32 bytes"),
        ("shape", "2, x", "whole numbers"),
        ("shape", "-2, -3", "whole numbers"),
        ("offset", "-4", "whole numbers"),
        ("offset", "", "an offset and a size"),
        ("offset", "9" * 5000, "whole numbers"),
        ("element_type", "u1", "found 'u1'"),
    ],
)
def test_constants_that_cannot_be_are_refused(name: str, value: str, reason: str) -> None:
    net = small_network()
    (data,) = net.layers[1].findall("data")
    data.set(name, value)

    def read_constant() -> object:
        network = read(net)
        return network.constant(network.only("MatMul"), 1)

    with pytest.raises(NetworkError, match=reason):
        read_constant()
