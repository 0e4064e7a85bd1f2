"""`panini convert`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from panini_core.checkpoints import load_panini
from panini_core.cli import main

pytestmark = pytest.mark.usefixtures("work_folder")


def test_convert_writes_a_smaller_file_of_the_same_network(tiny_model: Path) -> None:
    assert main(["convert", str(tiny_model), "half.safetensors", "--dtype", "fp16"]) == 0
    assert Path("half.safetensors").stat().st_size < tiny_model.stat().st_size
    half, whole = (
        load_panini("half.safetensors", dtype=torch.float32),
        load_panini(tiny_model, dtype=torch.float32),
    )
    assert half.config == whole.config
    for old, new in zip(whole.parameters(), half.parameters(), strict=True):
        torch.testing.assert_close(old.half().float(), new)


def test_convert_refuses_other_names_and_existing_files(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(tiny_model), "out.pth"]) == 2
    Path("mine.safetensors").write_bytes(b"mine")
    assert main(["convert", str(tiny_model), "mine.safetensors"]) == 2
    assert Path("mine.safetensors").read_bytes() == b"mine"
    Path("broken.pth").write_bytes(b"PK\x03\x04 no checkpoint")
    assert main(["convert", "broken.pth", "new.safetensors"]) == 1
    assert "broken.pth" in capsys.readouterr().err
    assert not Path("new.safetensors").exists()
