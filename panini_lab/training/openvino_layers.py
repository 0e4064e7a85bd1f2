"""The groups of layers that MobileStyleGAN is made of, recognised in an OpenVINO network.

Every function takes the last layer of a group, checks the group, and gives its numbers or the layer
that the group takes its input from. They raise NetworkError for anything else.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .openvino_ir import Layer, Network

SLOPE = 0.2  # of every leaky ReLU
EPSILON = 1e-8  # of the normalisation of z


def expect(network: Network, layer: Layer, kind: str, **attributes: str) -> Layer:
    """The layer itself, which must be of this kind and have these attributes."""
    if layer.kind != kind:
        raise network.error(f"expected {kind}, found {layer}.")
    for name, value in attributes.items():
        if layer.attributes.get(name) != value:
            raise network.error(
                f"{layer}: expected {name} = {value!r}, found {layer.attributes.get(name)!r}."
            )
    return layer


def number(network: Network, layer: Layer, constant: NDArray[Any]) -> float:
    """A constant input of a layer that is one number."""
    if constant.size != 1:
        raise network.error(f"{layer}: expected one number, found {list(constant.shape)}.")
    return float(constant.reshape(-1)[0])


def vector(network: Network, layer: Layer, constant: NDArray[Any]) -> NDArray[Any]:
    """A constant input of a layer with one number a channel, without its axes of length 1."""
    if constant.size != max(constant.shape, default=1):
        raise network.error(
            f"{layer}: expected one number a channel, found {list(constant.shape)}."
        )
    return constant.reshape(-1)


def matrix(network: Network, product: Layer) -> NDArray[Any]:
    """The weight `(out, in)` of x @ weight.T."""
    expect(network, product, "MatMul", transpose_a="false", transpose_b="true")
    return network.constant(product, 1)


def kernel(network: Network, convolution: Layer, kind: str, *, padding: int) -> NDArray[Any]:
    """The kernel of a convolution with stride 1."""
    pads = f"{padding}, {padding}"
    attributes = {"strides": "1, 1", "dilations": "1, 1", "pads_begin": pads, "pads_end": pads}
    return network.constant(expect(network, convolution, kind, **attributes), 1)


def depthwise_kernel(network: Network, convolution: Layer) -> NDArray[Any]:
    """The kernel `(C, 1, 3, 3)` of a depthwise convolution with stride 1."""
    found = kernel(network, convolution, "GroupConvolution", padding=1)
    if found.ndim != 5 or found.shape[1] != 1:  # groups, outputs and inputs of each, 3, 3
        raise network.error(
            f"{convolution}: expected one filter a channel, found {list(found.shape)}."
        )
    return found[:, 0]


def leaky_relu_input(network: Network, layer: Layer) -> Layer:
    """lrelu(x) -> the Add that x, which has a bias, comes from."""
    expect(network, layer, "PReLU")
    slope = number(network, layer, network.constant(layer, 1))
    if not math.isclose(slope, SLOPE, rel_tol=1e-6):
        raise network.error(f"{layer}: expected the slope {SLOPE}, found {slope}.")
    return network.source(layer, 0, "Add")


def scaled_input(network: Network, layer: Layer) -> tuple[float, Layer]:
    """scale * x -> the scale, and the layer that x comes from."""
    constant, x = network.constant_and_other(expect(network, layer, "Multiply"))
    return number(network, layer, constant), x


def normalised_input(network: Network, layer: Layer) -> Layer:
    """z / rms(z) -> z."""
    expect(network, layer, "Multiply")
    z, x = (network.source(layer, port) for port in (0, 1))
    numbers: list[float] = []
    for kind in ("Multiply", "Power", "Power", "Add", "ReduceMean", "Power"):
        constant, source = network.constant_and_other(expect(network, x, kind))
        numbers.append(number(network, x, constant))
        x = source
    expected = [1, -1, 0.5, EPSILON, 1, 2]  # 1 * ((the mean over axis 1 of z^2) + eps)^0.5^-1
    if x != z or not np.allclose(numbers, expected, rtol=1e-6, atol=0):
        raise network.error(
            f"{layer}: expected z over the root of its mean square, with the numbers {expected}, "
            f"found {numbers} of {x}."
        )
    return z


def modulation(network: Network, layer: Layer) -> tuple[NDArray[Any], NDArray[Any], Layer]:
    """x * (scale * (A w + b)) -> scale * A, scale * b, the layer that x comes from.

    w is the input of the network. The scale may be missing.
    """
    sources = [network.source(expect(network, layer, "Multiply"), port) for port in (0, 1)]
    styles = [source for source in sources if source.kind in ("Multiply", "Reshape")]
    if len(styles) != 1:
        found = " and ".join(map(str, sources))
        raise network.error(f"{layer}: expected features times a style, found {found}.")
    (style,) = styles
    (x,) = [source for source in sources if source != style]
    scale = 1.0
    if style.kind == "Multiply":
        scale, style = scaled_input(network, style)
    biased = network.source(expect(network, style, "Reshape"), 0, "Add")
    bias, product = network.constant_and_other(biased)
    weight = matrix(network, product)
    if network.source(product, 0) != network.only("Parameter"):
        raise network.error(f"{layer}: expected the style to depend on the code alone.")
    factor = np.float32(scale)
    return weight * factor, vector(network, biased, bias) * factor, x


def haar_up_input(network: Network, layer: Layer) -> Layer:
    """An inverse Haar transform of C low channels, then (lh, hl, hh) of each -> its input.

    Columns are joined last: `joined(joined(low, lh), joined(hl, hh))`, where `joined` is the sum of
    two transposed convolutions with `(1, 1) / sqrt(2)` and `(1, -1) / sqrt(2)`.
    """
    low, lh, hl, hh = (
        band
        for rows in _joined_inputs(network, layer, axis=3)
        for band in _joined_inputs(network, rows[0], axis=2)
    )
    split, index = low
    expect(network, split, "VariadicSplit")
    lengths = network.constant(split, 2).reshape(-1).tolist()
    axis = number(network, split, network.constant(split, 1))
    if index != 0 or axis != 1 or len(lengths) != 2 or lengths[1] != 3 * lengths[0]:
        raise network.error(
            f"{split}: expected a quarter of the channels as the low band, found output {index} of "
            f"the lengths {lengths} along axis {axis:.0f}."
        )
    for expected, (band, _) in enumerate((lh, hl, hh)):
        details, index = network.output(expect(network, band, "Squeeze"), 0, "VariadicSplit")
        axis = number(network, details, network.constant(details, 1))
        grouped = network.source(details, 0, "Reshape")
        if index != expected or axis != 2 or grouped.shapes[0][1:3] != (lengths[0], 3):
            raise network.error(
                f"{band}: expected detail {expected} of each low channel, found output {index} "
                f"along axis {axis:.0f} of {grouped}."
            )
        if network.output(grouped, 0) != (split, 1):
            raise network.error(f"{grouped}: expected the channels after the low band.")
    return network.source(split, 0)


def _joined_inputs(network: Network, layer: Layer, *, axis: int) -> list[tuple[Layer, int]]:
    """The two halves, low and high, that are interleaved along an axis of (N, C, H, W)."""
    expect(network, layer, "Add")
    strides = "2, 1" if axis == 2 else "1, 2"
    halves: list[tuple[Layer, int]] = []
    for port, sign in ((0, 1), (1, -1)):
        kind = "GroupConvolutionBackpropData"
        enlarged = expect(network, network.source(layer, port), kind, strides=strides)
        filters = network.constant(enlarged, 1)
        size = (2, 1) if axis == 2 else (1, 2)
        expected = math.sqrt(0.5) * np.array([1, sign]).reshape(size)
        if filters.shape[1:] != (1, 1, *size) or not np.allclose(filters, expected, atol=1e-6):
            raise network.error(
                f"{enlarged}: expected the filter {expected.tolist()} of every channel, found "
                f"{filters.reshape(-1)[:2].tolist()} first, of the shape {list(filters.shape)}."
            )
        halves.append(network.output(enlarged, 0))
    return halves
