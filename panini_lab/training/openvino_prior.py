"""The public GAN prior as it was published, turned into our arrays.

MobileStyleGAN (Belousov 2021, arXiv 2104.04767) comes as two OpenVINO networks in the package
`random-face`: MappingNetwork (z -> w) and SynthesisNetwork (w -> picture). Their graphs are walked
from the result to the input; what our network takes for granted (the order of layers, strides,
slopes, the filters of the inverse Haar transform) is checked on the way. Nothing is executed.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panini_core.checkpoints.mobile_prior import PriorSizes

from ..options import GET_PRIOR
from . import openvino_layers as layers
from .openvino_ir import Layer, Network, NetworkError, read_network

NETWORKS = ("MappingNetwork", "SynthesisNetwork")
FOLDERS = ("random_face/data/", "data/", "")  # where they are: wheel or its parent, package, beside
MAX_FILE = 1 << 27  # bytes; the largest published one has 32 million
GAIN = math.sqrt(2)  # after every activation of the mapping
MEAN_CODES = 4096  # as many as the package itself draws for its mean

Arrays = dict[str, NDArray[Any]]

PUBLISHED = PriorSizes()


@dataclass(frozen=True, slots=True)
class OpenVINOPrior:
    """The arrays of a prior under our names, and the SHA-256 of the files they were read from."""

    arrays: dict[str, NDArray[np.float16]]
    hashes: dict[str, str]


def read_openvino_prior(source: str | Path, *, sizes: PriorSizes = PUBLISHED) -> OpenVINOPrior:
    """MobileStyleGAN's numbers as half floats, from the package `random-face`.

    `source` is its wheel, the installed or unpacked package, or a folder with the four files.
    The names and shapes are those of `sizes.shapes()`. Of a modulated layer X, the style of its
    input channels is `X.mod_weight @ w + X.mod_bias`, with its fixed scale multiplied in. The
    bands of `to_bands` are three low ones, then (lh, hl, hh) of each colour. Demodulation and the
    strength of the noise are part of the published kernels and noises already. `mean_latent` is
    not published; see the function of that name.

    Raises FileNotFoundError without the networks, NetworkError for damaged or other ones, and
    ValueError for a damaged wheel or numbers that half floats cannot hold.
    """
    source = Path(source)
    files = _read_package(source)
    try:
        mapping, synthesis = (
            read_network(f"{name}.xml in {source}", files[f"{name}.xml"], files[f"{name}.bin"])
            for name in NETWORKS
        )
        arrays = _mapping_arrays(mapping, sizes) | _synthesis_arrays(synthesis, sizes)
        _check_shapes(source, arrays, sizes)
    except NetworkError as error:
        remedy = f"These are not the networks of random-face; get the package: {GET_PRIOR}"
        raise NetworkError(error.network, f"{error.problem} {remedy}") from error
    arrays["mean_latent"] = mean_latent(arrays, sizes)
    with np.errstate(over="ignore"):  # found in the next line, by name
        halves = {name: array.astype(np.float16) for name, array in arrays.items()}
    if bad := [name for name, array in halves.items() if not np.isfinite(array).all()]:
        raise ValueError(f"{source}: NaN, or numbers beyond half floats, in {', '.join(bad[:5])}.")
    return OpenVINOPrior(
        halves, {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    )


def _check_shapes(source: Path, arrays: Arrays, sizes: PriorSizes) -> None:
    shapes = sizes.shapes()
    for name, array in arrays.items():
        if array.shape != shapes[name]:
            raise NetworkError(
                str(source),
                f"expected {name} with the shape {list(shapes[name])}, found {list(array.shape)}.",
            )


def mean_latent(arrays: Mapping[str, NDArray[Any]], sizes: PriorSizes) -> NDArray[np.float64]:
    """The mean of 4096 mapped codes (seed 0): z / rms(z), then the layers `mapping.k`.

    In float64, so that the half floats of the file do not depend on the machine.
    """
    draws = np.random.Generator(np.random.PCG64(0))
    x = draws.standard_normal((MEAN_CODES, sizes.code))
    x /= np.sqrt(np.square(x).mean(axis=1, keepdims=True) + layers.EPSILON)
    for index in range(sizes.mapping_layers):
        x = x @ arrays[f"mapping.{index}.weight"].T.astype(np.float64)
        x += arrays[f"mapping.{index}.bias"]
        x = GAIN * np.where(x < 0, layers.SLOPE * x, x)
    return x.mean(axis=0)


def _read_package(source: Path) -> dict[str, bytes]:
    """The two files of both networks by name, from a folder or a wheel."""
    names = [f"{name}.{end}" for name in NETWORKS for end in ("xml", "bin")]
    if not source.exists():
        raise FileNotFoundError(f"{source}: there is no such folder or wheel. Get it: {GET_PRIOR}")
    try:
        root = source if source.is_dir() else zipfile.Path(source)
        for folder in FOLDERS:
            files = [root / f"{folder}{name}" for name in names]
            if all(file.is_file() for file in files):
                return {file.name: _read_limited(file) for file in files}
    # What zipfile raises for damaged, encrypted or oddly compressed archives.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(
            f"{source}: expected a folder or a whole wheel (zip), found otherwise: {error}. "
            f"Get it again: {GET_PRIOR}"
        ) from error
    raise FileNotFoundError(
        f"{source}: expected {', '.join(names)} in it, in data/ or in random_face/data/. "
        f"Get the package: {GET_PRIOR}"
    )


def _read_limited(file: Path | zipfile.Path) -> bytes:
    with file.open("rb") as stream:
        data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise ValueError(f"{file}: expected at most {MAX_FILE} bytes.")
    return data


def _mapping_arrays(network: Network, sizes: PriorSizes) -> Arrays:
    arrays: Arrays = {}
    x = network.source(network.only("Result"), 0)
    for index in reversed(range(sizes.mapping_layers)):
        gain, activation = layers.scaled_input(network, x)
        if not math.isclose(gain, GAIN, rel_tol=1e-6):
            raise network.error(f"{x}: expected the gain {GAIN}, found {gain}.")
        biased = layers.leaky_relu_input(network, activation)
        bias = network.constant(network.source(biased, 1, "Reshape"), 0)
        arrays[f"mapping.{index}.bias"] = layers.vector(network, biased, bias)
        product = network.source(biased, 0)
        arrays[f"mapping.{index}.weight"] = layers.matrix(network, product)
        x = network.source(product, 0)
    code = layers.normalised_input(network, x)
    layers.expect(network, code, "Parameter")
    return arrays


def _synthesis_arrays(network: Network, sizes: PriorSizes) -> Arrays:
    arrays: Arrays = {}
    x = layers.haar_up_input(network, network.source(network.only("Result"), 0))
    x = _to_bands(network, x, arrays)
    for index in reversed(range(len(sizes.widths))):
        block = f"blocks.{index}"
        x = _separable(network, x, f"{block}.conv2", arrays)
        x = _separable(network, x, f"{block}.conv1", arrays)
        x = layers.haar_up_input(network, x)
        x = _modulated(network, x, f"{block}.up", arrays)
    convolution = _styled(network, x, "conv1", arrays)
    arrays["conv1.weight"] = layers.kernel(network, convolution, "Convolution", padding=1)
    x = _modulated(network, network.source(convolution, 0), "conv1", arrays)
    # Repeated for every face of a batch.
    repeated = network.source(layers.expect(network, x, "Tile"), 0, "Broadcast")
    arrays["const"] = network.constant(repeated, 0)
    return arrays


# Each of these keeps a layer's arrays under its name and gives the source of the layer's input.


def _to_bands(network: Network, layer: Layer, arrays: Arrays) -> Layer:
    bias, convolution = network.constant_and_other(layers.expect(network, layer, "Add"))
    arrays["to_bands.bias"] = layers.vector(network, layer, bias)
    arrays["to_bands.weight"] = layers.kernel(network, convolution, "Convolution", padding=0)
    return _modulated(network, network.source(convolution, 0), "to_bands", arrays)


def _separable(network: Network, layer: Layer, name: str, arrays: Arrays) -> Layer:
    pointwise = _styled(network, layer, name, arrays)
    arrays[f"{name}.pointwise"] = layers.kernel(network, pointwise, "Convolution", padding=0)
    depthwise = network.source(pointwise, 0)
    arrays[f"{name}.depthwise"] = layers.depthwise_kernel(network, depthwise)
    return _modulated(network, network.source(depthwise, 0), name, arrays)


def _styled(network: Network, layer: Layer, name: str, arrays: Arrays) -> Layer:
    """What follows a convolution: lrelu(x + noise + bias)."""
    biased = layers.leaky_relu_input(network, layer)
    bias, noisy = network.constant_and_other(biased)
    arrays[f"{name}.bias"] = layers.vector(network, biased, bias)
    arrays[f"{name}.noise"], convolution = network.constant_and_other(
        layers.expect(network, noisy, "Add")
    )
    return convolution


def _modulated(network: Network, layer: Layer, name: str, arrays: Arrays) -> Layer:
    weight, bias, x = layers.modulation(network, layer)
    arrays[f"{name}.mod_weight"], arrays[f"{name}.mod_bias"] = weight, bias
    return x
