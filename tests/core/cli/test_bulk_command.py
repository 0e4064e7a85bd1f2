"""`panini bulk`, as a user runs it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from panini_core.cli import bulk, main


def test_missing_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    real: Any = importlib.util.find_spec

    def find(name: str) -> Any:
        return None if name == "ray" else real(name)

    monkeypatch.setattr(bulk, "find_spec", find)
    assert main(["bulk", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert "ray" in (error := capsys.readouterr().err)
    assert "[bulk]" in error


def test_a_run_its_repetition_and_its_table_of_errors(tmp_path: Path, tiny_model: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra bulk: ray")
    from ..bulk.conftest import encode

    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for index in range(3):
        (folder / f"{index}.png").write_bytes(encode(index))
    for name in ("x.png", "y.png"):
        (folder / name).write_bytes(b"no picture")
    command = [sys.executable, "-m", "panini_core", "bulk", str(folder), "-o", str(output)]
    command += ["--aligned", "--model", str(tiny_model), "--device", "cpu"]

    first = subprocess.run(command, capture_output=True, text=True, check=False)
    assert first.returncode == 1, first.stderr
    assert "Restored 3 pictures" in first.stdout
    assert "Failed: 2\n  2 x expected a picture" in first.stdout
    assert "x.png" in first.stdout and "y.png" in first.stdout
    assert "pictures/s" in first.stdout

    for name in ("x.png", "y.png"):
        (folder / name).unlink()
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    assert "Done already: 3" in second.stdout


def test_inputs_that_are_not_there_are_the_arguments_fault(
    tmp_path: Path, tiny_model: Path
) -> None:
    pytest.importorskip("ray", reason="needs the extra bulk: ray")
    command = [sys.executable, "-m", "panini_core", "bulk", str(tmp_path / "gone")]
    command += ["-o", str(tmp_path / "out"), "--model", str(tiny_model)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "found nothing there" in done.stderr


def test_networks_that_are_not_there_are_the_arguments_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray", reason="needs the extra bulk: ray")
    command = ["bulk", str(tmp_path), "-o", str(tmp_path / "out")]
    assert main([*command, "--mask-source", "parse"]) == 2
    assert "needs a face parser: give --parser" in capsys.readouterr().err
    for option in ("--model", "--parser", "--upscale-model", "--detector"):
        masks = ["--mask-source", "auto"]
        assert main([*command, *masks, option, str(tmp_path / "gone.pth")]) == 2, option
        assert "gone.pth" in capsys.readouterr().err
    assert main([*command, "--aligned", "--upscale-model", "x2.pth"]) == 2
    assert "which --aligned leaves out" in capsys.readouterr().err
