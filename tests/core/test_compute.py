"""Devices and precisions by name; `auto` is one thing everywhere."""

from __future__ import annotations

import argparse
import inspect

import pytest
import torch

from panini_core import load_panini
from panini_core.cli.options import add_detector_arguments, add_model_arguments
from panini_core.compute import DTYPES, choose_device, name_of_dtype


def test_auto_is_a_device_that_works() -> None:
    assert torch.zeros(1, device=choose_device("auto")).item() == 0
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_is_the_fastest_device(
    cuda: bool, mps: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device() == torch.device(expected)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cuda:99", r"cuda:99.*torch sees \d+ CUDA devices"),
        ("toaster", r"toaster.*expected auto, cpu, cuda, cuda:N or mps.*knows no such device"),
        ("meta", r"meta.*expected auto"),
    ],
)
def test_a_device_that_is_not_there_is_named(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_device(name)


def test_auto_is_the_precision_that_the_core_loads_in() -> None:
    default = inspect.signature(load_panini).parameters["dtype"].default
    assert DTYPES["auto"] is default


@pytest.mark.parametrize("name", ["fp32", "fp16", "bf16"])
def test_precisions_have_a_name_of_their_own(name: str) -> None:
    assert name_of_dtype(DTYPES[name]) == name


def test_other_precisions_are_called_as_torch_calls_them() -> None:
    assert name_of_dtype(torch.float64) == "float64"


def test_the_command_line_chooses_by_itself_and_says_how() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.HelpFormatter)
    add_detector_arguments(parser)
    add_model_arguments(parser)
    defaults = parser.parse_args([])
    assert (defaults.device, defaults.detector, defaults.dtype) == ("auto",) * 3
    words = " ".join(parser.format_help().split())
    assert words.count("auto:") == 3 and words.count("(default: auto)") == 3
