"""Devices and precisions by name; `auto` is one thing everywhere."""

from __future__ import annotations

import argparse

import pytest
import torch

from panini_core import load_panini
from panini_core.cli.options import add_detector_arguments, add_model_arguments
from panini_core.compute import (
    DTYPES,
    choose_device,
    choose_dtype,
    choose_layout,
    name_of_dtype,
)


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
    assert load_panini().dtype == choose_dtype("auto", "cpu") == choose_dtype()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"avx512_bf16": True, "avx2": True}, torch.bfloat16),
        ({"avx512_bf16": False, "avx2": True}, torch.float32),
        ({"sve_bf16": False}, torch.float32),  # of a processor of another kind
    ],
)
def test_a_cpu_computes_in_what_it_multiplies_in(
    flags: dict[str, bool], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags, raising=False)
    assert choose_dtype("auto", "cpu") == expected
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert choose_dtype("auto", "cpu") == torch.float32


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((6, 1), torch.float32),
        ((7, 5), torch.float16),
        ((8, 0), torch.bfloat16),
        ((12, 0), torch.bfloat16),
    ],
)
def test_a_gpu_computes_in_what_its_tensor_cores_know(
    capability: tuple[int, int], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.version, "hip", None)
    assert choose_dtype("auto", "cuda:1") == expected
    monkeypatch.setattr(torch.version, "hip", "6.4")
    assert choose_dtype("auto", "cuda:1") == torch.float32


@pytest.mark.parametrize("name", ["fp32", "fp16", "bf16"])
def test_precisions_have_a_name_of_their_own(name: str) -> None:
    assert name_of_dtype(DTYPES[name]) == name
    assert choose_dtype(name, "meta") == DTYPES[name]  # wherever it is


def test_a_precision_that_there_is_not_is_named() -> None:
    with pytest.raises(ValueError, match=r"'fp8': expected one of auto, fp32, fp16, bf16"):
        choose_dtype("fp8")


def test_features_lie_as_convolutions_prefer_them() -> None:
    assert choose_layout(torch.bfloat16, "cpu") == torch.channels_last
    assert choose_layout(torch.float16, "cuda:0") == torch.channels_last
    assert choose_layout(torch.float32, "cuda:0") == torch.contiguous_format
    assert choose_layout(torch.float16, "mps") == torch.contiguous_format


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
