"""The table of a GPU's use, tried on the CPU; and which detectors are compared."""

from __future__ import annotations

import sys
from argparse import Namespace

import pytest
import torch

from benchmarks import __main__ as command
from benchmarks.gpu import NoDeviceError, table


def test_every_row_is_there_on_the_cpu() -> None:
    pytest.importorskip("spandrel")
    lines = list(table(Namespace(device="cpu", compile=False, model=None)))
    assert "bf16 peak measured" in lines[0]
    header, rule, *rows = (line.count("|") for line in lines[1:])
    assert {header, rule, *rows} == {8}
    names = [line.split("|")[1].strip() for line in lines[3:]]
    expected = ["our network", "GFPGAN's network", "whole pipeline, 128 px"]
    assert names == [name for name in expected for _ in range(2)]
    for line in lines[3:]:
        _, _, batch, faces, _, flops, share, _, _ = line.split("|")
        assert int(batch) in (1, 2) and float(faces) > 0
        assert float(flops) > 0 and share.strip().endswith("%")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_without_a_device_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NoDeviceError, match="give --device cpu"):
        list(table(Namespace(device="cuda", compile=False, model=None)))
    monkeypatch.setattr(sys, "argv", ["benchmarks", "gpu"])
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 2
    assert "needs a CUDA device" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("chosen", "networks"),
    [
        ("as-they-come", ("mobile0.25", "resnet50")),
        ("mobile0.25", ("mobile0.25", "mobile0.25")),
        ("resnet50", ("resnet50", "resnet50")),
    ],
)
def test_either_network_is_compared_with_itself(chosen: str, networks: tuple[str, str]) -> None:
    assert command.networks_of(Namespace(detector=chosen)) == networks


def test_resnet50_needs_a_file_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "detection", "--detector", "resnet50"])
    with pytest.raises(SystemExit):
        command.main()
    assert "go together" in capsys.readouterr().err
    given = Namespace(detector="resnet50", detector_file="bundled")
    with pytest.raises(SystemExit, match=r"Expected RetinaFace resnet50 .* found .*mobile0\.25"):
        command.our_detector(given)
