"""By what results are known again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from panini_core.bulk import Recipe, make_recipe
from panini_core.options import RestoreOptions


def recipe(model: Path, **changes: Any) -> Recipe:
    choices: dict[str, Any] = {
        "model": str(model),
        "detector": "bundled",
        "dtype": "fp32",
        "suffix": None,
        "options": RestoreOptions(),
    }
    return make_recipe(**(choices | changes))


@pytest.mark.parametrize(
    "change",
    [
        {"detector": None},
        {"dtype": "bf16"},
        {"suffix": ".png"},
        {"options": RestoreOptions(fidelity=0.4)},
        {"options": RestoreOptions(faces="largest")},
        {"upscaler": "a.pth"},
        {"parser": "a.pth"},
    ],
)
def test_what_changes_pixels_changes_the_mark(
    model_file: Path, change: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.pth").write_bytes(b"weights")
    assert recipe(model_file, **change).mark != recipe(model_file).mark


def test_what_does_not_does_not(model_file: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / model_file.name
    elsewhere.write_bytes(model_file.read_bytes())
    same = recipe(elsewhere, options=RestoreOptions(batch=3), compiled=True)
    assert same.mark == recipe(model_file).mark


def test_other_weights_are_another_recipe(model_file: Path, tmp_path: Path) -> None:
    other = tmp_path / model_file.name
    other.write_bytes(model_file.read_bytes()[:-1] + b"\x01")
    assert recipe(other).mark != recipe(model_file).mark


@pytest.mark.parametrize("network", ["upscaler", "parser"])
def test_other_weights_of_the_other_networks_too(
    network: str, model_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "a.pth"
    file.write_bytes(b"weights")
    before = recipe(model_file, **{network: str(file)})
    file.write_bytes(b"others")
    after = recipe(model_file, **{network: str(file)})
    assert getattr(after, network) == getattr(before, network) == str(file)
    assert after.mark != before.mark
    assert '"a.pth ' in after.text  # and so in the manifest


def test_workers_that_were_started_elsewhere_find_the_files(
    model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("model", "parser", "upscaler", "detector"):
        Path(name).write_bytes(b"weights")
    names = {name: name for name in ("model", "parser", "upscaler", "detector")}
    made = make_recipe(dtype="fp32", suffix=None, options=RestoreOptions(), **names)
    assert {name: getattr(made, name) for name in names} == {
        name: str(tmp_path / name) for name in names
    }
    assert recipe(model_file).detector == "bundled"


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        recipe(tmp_path / "none.safetensors")
