"""Reading named tensors from files that may hold anything; nothing in them is executed."""

from __future__ import annotations

import argparse
import os
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from panini_core.checkpoints.files import CheckpointError, read_file

pytestmark = pytest.mark.filterwarnings(  # torch's remarks on files that are odd on purpose
    "ignore:Detected pickle protocol", "ignore:Validating sparse", "ignore:Defining your"
)


def test_names_lose_module_and_the_top_level(official_file: Callable[..., Path]) -> None:
    content = {"state_dict": {"module.body.module.w": torch.ones(2)}, "epoch": 3}
    assert list(read_file(official_file(content)).tensors) == ["body.w"]
    twice = official_file({"module.w": torch.ones(2), "w": torch.ones(2)})
    with pytest.raises(CheckpointError, match="holds w twice"):
        read_file(twice)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty file"),
        (b"<!DOCTYPE html><html>", "found a file that begins with b'<!DOCTYPE html"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12", "`git lfs pull`"),
        (b"version https://git", "found a file that begins with b'version https://'"),
        (b"\x80\x02}q\x00", "not a whole torch checkpoint"),
        (b"PK\x03\x04" + b"\0" * 100, "not a whole torch checkpoint"),
        (struct.pack("<Q", 10**7) + b'{"a": 1}', "not a whole safetensors file"),
        (struct.pack("<Q", 2) + b"{}", "expected named tensors, found none"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        read_file(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nothing\.pth.*no such file"):
        read_file(tmp_path / "nothing.pth")
    with pytest.raises(CheckpointError, match="cannot be read as a file"):
        read_file(tmp_path)


@pytest.mark.parametrize("content", [[torch.ones(2)], torch.ones(2), 3, {"state_dict": 3}])
def test_other_content_is_refused(official_file: Callable[..., Path], content: Any) -> None:
    with pytest.raises(CheckpointError, match="expected a dict of tensors"):
        read_file(official_file(content))


class Attack:
    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["state_dict", "meta", "top"])
@pytest.mark.parametrize("function", [os.system, eval, exec])
def test_code_in_a_pickle_is_never_executed(
    tmp_path: Path, function: Callable[..., Any], place: str, zipped: bool
) -> None:
    trace = tmp_path / "executed"
    code = f"touch {trace}" if function is os.system else f"open({str(trace)!r}, 'w').close()"
    attack = Attack(function, code)
    content: Any = {"state_dict": {"w": torch.ones(2)}, "meta": {}}
    if place == "top":
        content = attack
    else:
        content[place]["attack"] = attack
    path = tmp_path / "attack.pth"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        CheckpointError, match=r"attack\.pth: its pickle refers to .*nothing was ex"
    ):
        read_file(path)
    assert not trace.exists()
    if zipped:  # the attack itself works: a reader that is not safe falls for it
        torch.load(path, weights_only=False)
        assert trace.exists()


def test_a_plain_pickle_is_never_executed(tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    path = tmp_path / "attack.pkl"
    path.write_bytes(pickle.dumps(Attack(os.system, f"touch {trace}"), protocol=4))
    with pytest.raises(CheckpointError):
        read_file(path)
    assert not trace.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_training_leftovers_beside_the_weights_do_no_harm(tmp_path: Path, zipped: bool) -> None:
    content = {
        "state_dict": OrderedDict(w=torch.ones(2)),
        "meta": {
            "options": argparse.Namespace(lr=0.1, sizes=[1, 2]),
            "loss": np.float64(0.5),
            "counts": np.arange(3),
            "shape": torch.Size([1, 2]),
            "hooks": {"best": np.float32(1), "order": OrderedDict(a=1)},
        },
        "optimizer": {"state": {0: {"step": torch.tensor(3)}}},
    }
    before = set(torch.serialization.get_safe_globals())
    torch.save(content, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    assert torch.equal(read_file(tmp_path / "x.pth").tensors["w"], torch.ones(2))
    assert set(torch.serialization.get_safe_globals()) == before


def test_placeholders_do_not_let_numpy_arrays_pass_as_weights(
    official_file: Callable[..., Path],
) -> None:
    with pytest.raises(CheckpointError, match=r"'w' \(_reconstruct\)"):
        read_file(official_file({"w": np.ones(3)}))
