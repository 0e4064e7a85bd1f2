"""The public prior: from its package to our arrays."""

from __future__ import annotations

import importlib.util
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from panini_lab.training.openvino_ir import NetworkError
from panini_lab.training.openvino_prior import mean_latent, read_openvino_prior

from .openvino_networks import TINY, Arrays, write_prior


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Arrays]:
    """A folder as pip makes it, and the arrays of the prior in it."""
    folder = tmp_path_factory.mktemp("site-packages")
    return folder, write_prior(folder / "random_face" / "data")


@pytest.fixture(scope="module")
def published() -> Path:
    """The published package: PANINI_PRIOR_WHEEL (a wheel or folder), or installed."""
    if named := os.environ.get("PANINI_PRIOR_WHEEL"):
        return Path(named)
    spec = importlib.util.find_spec("random_face")  # finds, does not import
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(
            "needs the package random-face 2021.7.21.1: install it without its requirements, or "
            "set PANINI_PRIOR_WHEEL to its wheel"
        )
    return Path(spec.submodule_search_locations[0])


def test_every_array_is_read_as_half_floats(package: tuple[Path, Arrays]) -> None:
    folder, expected = package
    prior = read_openvino_prior(folder, sizes=TINY)
    assert {name: array.shape for name, array in prior.arrays.items()} == TINY.shapes()
    for name, array in expected.items():
        assert prior.arrays[name].dtype == np.float16
        np.testing.assert_array_equal(prior.arrays[name], array.astype(np.float16), err_msg=name)


def test_wheel_and_folders_give_the_same(package: tuple[Path, Arrays], tmp_path: Path) -> None:
    folder, _ = package
    wheel = tmp_path / "random_face.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in (folder / "random_face" / "data").iterdir():
            archive.write(file, f"random_face/data/{file.name}")
    whole = read_openvino_prior(wheel, sizes=TINY)
    assert len(set(whole.hashes.values())) == 4
    for source in (folder, folder / "random_face", folder / "random_face" / "data"):
        found = read_openvino_prior(source, sizes=TINY)
        assert found.hashes == whole.hashes
        for name, array in whole.arrays.items():
            np.testing.assert_array_equal(found.arrays[name], array)


def test_the_mean_latent_is_that_of_the_mapped_codes(package: tuple[Path, Arrays]) -> None:
    _, arrays = package
    z = torch.from_numpy(np.random.default_rng(0).standard_normal((4096, TINY.code)))
    x = z / z.pow(2).mean(dim=1, keepdim=True).add(1e-8).sqrt()
    for index in range(TINY.mapping_layers):
        weight = torch.from_numpy(arrays[f"mapping.{index}.weight"]).double()
        bias = torch.from_numpy(arrays[f"mapping.{index}.bias"]).double()
        x = torch.nn.functional.leaky_relu(x @ weight.T + bias, 0.2) * 2**0.5
    np.testing.assert_allclose(mean_latent(arrays, TINY), x.mean(dim=0).numpy(), rtol=1e-12)


def test_networks_of_another_size_are_refused(package: tuple[Path, Arrays]) -> None:
    folder, _ = package
    with pytest.raises(NetworkError, match=r"expected .* with the shape .*pip download"):
        read_openvino_prior(folder, sizes=replace(TINY, code=8))
    with pytest.raises(NetworkError, match=r"blocks\.1\.conv1\.pointwise"):
        read_openvino_prior(folder, sizes=replace(TINY, widths=(16, 4)))
    with pytest.raises(NetworkError, match=r"SynthesisNetwork\.xml in"):
        read_openvino_prior(folder, sizes=replace(TINY, widths=(8, 8, 4)))
    with pytest.raises(NetworkError, match=r"MappingNetwork\.xml in"):
        read_openvino_prior(folder, sizes=replace(TINY, mapping_layers=1))


def test_sources_without_the_networks_are_refused(
    package: tuple[Path, Arrays], tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder or wheel"):
        read_openvino_prior(tmp_path / "nothing.whl", sizes=TINY)
    with pytest.raises(FileNotFoundError, match=r"SynthesisNetwork\.bin.*pip download"):
        read_openvino_prior(tmp_path, sizes=TINY)
    shutil.copytree(package[0] / "random_face" / "data", tmp_path / "data")
    (tmp_path / "data" / "MappingNetwork.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"MappingNetwork\.bin"):
        read_openvino_prior(tmp_path, sizes=TINY)
    with zipfile.ZipFile(tmp_path / "empty.whl", "w"):
        pass
    with pytest.raises(FileNotFoundError, match=r"empty\.whl: expected MappingNetwork\.xml"):
        read_openvino_prior(tmp_path / "empty.whl", sizes=TINY)


def test_damaged_wheels_are_refused(package: tuple[Path, Arrays], tmp_path: Path) -> None:
    wheel = tmp_path / "damaged.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in sorted((package[0] / "random_face" / "data").iterdir()):
            archive.write(file, f"random_face/data/{file.name}")
    whole = wheel.read_bytes()
    for damaged in (b"", b"no archive", whole[:2000], whole[:500] + b"\0" * 9 + whole[509:]):
        wheel.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"damaged\.whl: expected a folder or a whole wheel"):
            read_openvino_prior(wheel, sizes=TINY)


def test_truncated_numbers_are_refused(package: tuple[Path, Arrays], tmp_path: Path) -> None:
    folder = shutil.copytree(package[0] / "random_face" / "data", tmp_path / "data")
    path = folder / "SynthesisNetwork.bin"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(NetworkError, match=r"SynthesisNetwork\.xml in .*truncated"):
        read_openvino_prior(folder, sizes=TINY)


def test_numbers_beyond_half_floats_are_refused(
    package: tuple[Path, Arrays], tmp_path: Path
) -> None:
    folder = shutil.copytree(package[0] / "random_face" / "data", tmp_path / "data")
    path = folder / "SynthesisNetwork.bin"
    huge = np.full(1, 1e6, np.float32).tobytes()
    path.write_bytes(huge + path.read_bytes()[len(huge) :])  # of the first constant
    with pytest.raises(ValueError, match=r"beyond half floats, in const\."):
        read_openvino_prior(folder, sizes=TINY)


def test_the_published_package_gives_the_known_arrays(published: Path, shared: Path) -> None:
    found = read_openvino_prior(published).arrays
    expected = load_file(shared / "data" / "weights" / "mobilestylegan_ffhq.safetensors")
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        if name != "mean_latent":
            np.testing.assert_array_equal(found[name], array, err_msg=name, strict=True)
    # The known one is the mean of the same codes, which were mapped in bfloat16.
    difference = found["mean_latent"].astype(np.float64) - expected["mean_latent"]
    assert np.abs(difference).max() < 0.006
    assert np.sqrt(np.mean(np.square(difference))) < 0.002
