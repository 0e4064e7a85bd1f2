"""What `panini convert` converts of the laboratory's."""

from __future__ import annotations

from pathlib import Path

import torch

from panini_core.cli.console import UsageError

from ..metrics.backbones import MetricUnavailable
from ..metrics.mobilefacenet import save_mobilefacenet
from ..metrics.mobilefacenet_onnx import read_mobilefacenet_onnx


def convert_identity(source: Path, target: Path, *, dtype: torch.dtype) -> None:
    """MobileFaceNet from ONNX to safetensors. UsageError where the package `onnx` is missing."""
    try:
        network = read_mobilefacenet_onnx(source)
    except MetricUnavailable as reason:
        raise UsageError(str(reason)) from reason
    save_mobilefacenet(target, network, dtype=dtype)
