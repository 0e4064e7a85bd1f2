"""Small files of named tensors: they come back whole, and other files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from panini_core.checkpoints import CheckpointError
from panini_core.checkpoints.tensor_file import VERSION, read_tensor_file, write_tensor_file

TENSORS = {"vectors": torch.tensor([[0.5, -1.0], [2.0, 0.25]]), "labels": torch.tensor([3, 1])}
DIMENSIONS = {"vectors": 2, "labels": 1}
SHAPES = st.lists(st.integers(0, 4), max_size=4)
DTYPES = st.sampled_from([torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8])


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "below" / "a.safetensors"
    write_tensor_file(path, "thing", TENSORS, {"made by": "a test"})
    return path


def test_what_was_written_comes_back(saved: Path) -> None:
    file = read_tensor_file(saved, "thing", DIMENSIONS, ("made by",))
    assert file.path == saved
    assert file.metadata["made by"] == "a test"
    assert file.tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert torch.equal(file.tensors[name], tensor), name
    assert [one.name for one in saved.parent.iterdir()] == [saved.name]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shapes=st.lists(st.tuples(SHAPES, DTYPES), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_floats_come_back_as_float32_and_whole_numbers_as_int64(
    tmp_path: Path, shapes: list[tuple[list[int], torch.dtype]], seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    written: dict[str, Tensor] = {
        str(index): (100 * torch.rand(shape, generator=generator)).to(dtype)
        for index, (shape, dtype) in enumerate(shapes)
    }
    path = tmp_path / "a.safetensors"
    write_tensor_file(path, "thing", written, {})
    dimensions = {name: tensor.ndim for name, tensor in written.items()}
    read = read_tensor_file(path, "thing", dimensions).tensors
    for name, tensor in written.items():
        assert read[name].dtype == (torch.float32 if tensor.is_floating_point() else torch.int64)
        assert torch.equal(read[name], tensor.to(read[name].dtype))


def test_the_tensors_outlive_their_file(saved: Path) -> None:
    read = read_tensor_file(saved, "thing", DIMENSIONS).tensors
    size = saved.stat().st_size
    with saved.open("r+b") as file:  # the same file, as a mapping would see it
        file.write(b"\xff" * size)
    for name, tensor in TENSORS.items():
        assert torch.equal(read[name], tensor), name


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_finite_is_not_saved(tmp_path: Path, bad: float) -> None:
    tensors = {**TENSORS, "severity": torch.tensor([0.0, bad])}
    with pytest.raises(ValueError, match=r"a\.safetensors: severity would hold NaN or infinity"):
        write_tensor_file(tmp_path / "a.safetensors", "thing", tensors, {})
    assert list(tmp_path.iterdir()) == []


def test_files_of_another_kind_are_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="expected a saved atlas of this package"):
        read_tensor_file(saved, "atlas", DIMENSIONS)
    plain = tmp_path / "plain.safetensors"
    save_file(TENSORS, plain)
    with pytest.raises(CheckpointError, match=r"plain\.safetensors: expected a saved thing"):
        read_tensor_file(plain, "thing", DIMENSIONS)
    with pytest.raises(CheckpointError, match="no such file"):
        read_tensor_file(tmp_path / "none.safetensors", "thing", DIMENSIONS)


def test_a_later_version_asks_for_a_newer_package(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file(TENSORS, path, metadata={"panini_thing": f"{VERSION}0"})
    with pytest.raises(CheckpointError, match=f"'{VERSION}0', expected '{VERSION}'. Update"):
        read_tensor_file(path, "thing", DIMENSIONS)


@pytest.mark.parametrize(
    ("dimensions", "header"),
    [
        ({"vectors": 2}, ()),  # one tensor too many
        ({**DIMENSIONS, "severity": 1}, ()),  # one too few
        ({"vectors": 3, "labels": 1}, ()),  # another shape
        (DIMENSIONS, ("made by", "encoder")),  # a word too few in the header
    ],
)
def test_parts_that_do_not_fit_are_named(
    saved: Path, dimensions: dict[str, int], header: tuple[str, ...]
) -> None:
    with pytest.raises(CheckpointError, match=r"not a whole thing: expected.*found.*'made by'"):
        read_tensor_file(saved, "thing", dimensions, header)
