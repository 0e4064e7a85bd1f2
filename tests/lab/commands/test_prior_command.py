"""`panini prior`: one whole file, and nothing overwritten."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from panini_core.cli import main
from panini_lab.commands import prior

from ..training.openvino_networks import TINY, write_prior


def test_it_writes_the_arrays_with_their_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prior, "PUBLISHED", TINY)
    expected = write_prior(tmp_path / "data")
    target = tmp_path / "new" / "prior.safetensors"
    assert main(["prior", str(tmp_path), str(target)]) == 0
    assert "non-commercial" in capsys.readouterr().out
    with safe_open(target, framework="np") as file:
        metadata = file.metadata()
        assert set(file.keys()) == set(TINY.shapes())
        for name, array in expected.items():
            np.testing.assert_array_equal(file.get_tensor(name), array.astype(np.float16))
    assert "random-face" in metadata["source"]
    assert "Apache" in metadata["licence"]
    assert "non-commercial" in metadata["licence"]
    assert len(metadata["sha256 of SynthesisNetwork.bin"]) == 64


def test_it_overwrites_only_by_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prior, "PUBLISHED", TINY)
    write_prior(tmp_path)
    target = tmp_path / "mine.safetensors"
    target.write_bytes(b"mine")
    assert main(["prior", str(tmp_path), str(target)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert target.read_bytes() == b"mine"
    assert main(["prior", str(tmp_path), str(target), "--force"]) == 0
    assert target.stat().st_size > 1000
    assert main(["prior", str(tmp_path), str(tmp_path / "prior.bin")]) == 2


def test_other_networks_leave_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_prior(tmp_path / "data")
    target = tmp_path / "prior.safetensors"
    assert main(["prior", str(tmp_path), str(target)]) == 1  # tiny, not the published one
    assert "not the networks of random-face" in capsys.readouterr().err
    assert main(["prior", str(tmp_path / "nowhere"), str(target)]) == 1
    assert "nowhere" in capsys.readouterr().err
    assert not target.exists()
