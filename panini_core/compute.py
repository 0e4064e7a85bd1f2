"""Where and how precisely networks compute, by the names that people type."""

from __future__ import annotations

import torch

from .options import AUTO, DTYPE_NAMES, PRECISIONS

DTYPES = dict(zip(PRECISIONS, (torch.float32, torch.float16, torch.bfloat16), strict=True))

# NVIDIA's compute capability from which tensor cores multiply in a type
_FP16_FROM = (7, 0)
_BF16_FROM = (8, 0)


def name_of_dtype(dtype: torch.dtype) -> str:
    """`fp32`, `fp16` or `bf16`, never `auto`; another type's own name."""
    names = (name for name, known in DTYPES.items() if known is dtype)
    return next(names, str(dtype).removeprefix("torch."))


def choose_dtype(name: str = AUTO, device: str | torch.device = "cpu") -> torch.dtype:
    """The precision of a name: `auto`, `fp32`, `fp16` or `bf16`.

    `auto` is what the device multiplies fastest in, where nobody sees the difference: bf16 on CPUs
    with AVX-512 BF16 (measured: about twice as fast) and on NVIDIA GPUs since Ampere, fp16 on
    those since Volta, fp32 elsewhere. Raises ValueError for another name.
    """
    if name not in DTYPE_NAMES:
        raise ValueError(f"Precision {name!r}: expected one of {', '.join(DTYPE_NAMES)}.")
    if name != AUTO:
        return DTYPES[name]
    device = torch.device(device)
    if device.type == "cpu":
        return torch.bfloat16 if _cpu_multiplies_in_bf16() else torch.float32
    if device.type == "cuda" and torch.version.hip is None:
        capability = torch.cuda.get_device_capability(device)
        if capability >= _BF16_FROM:
            return torch.bfloat16
        return torch.float16 if capability >= _FP16_FROM else torch.float32
    return torch.float32


def choose_layout(dtype: torch.dtype, device: str | torch.device) -> torch.memory_format:
    """The order of weights, and so of features, that convolutions of the device prefer."""
    kind = torch.device(device).type
    if kind == "cpu" or (kind == "cuda" and dtype != torch.float32):
        return torch.channels_last
    return torch.contiguous_format


def _cpu_multiplies_in_bf16() -> bool:
    """Other CPUs only imitate it, which is slower than float32."""
    if not torch.backends.mkldnn.is_available():
        return False
    if hasattr(torch.cpu, "get_capabilities"):  # not before torch 2.10
        return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
    check = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # not before torch 2.6
    return check is not None and bool(check())


def choose_device(name: str = AUTO) -> torch.device:
    """The device of a name: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.

    `auto` is the fastest there is: CUDA (or ROCm), else MPS, else the CPU. Raises ValueError if
    there is no such device here.
    """
    if name == AUTO:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    expected = "expected auto, cpu, cuda, cuda:N or mps"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"Device {name!r}: {expected}; torch knows no such device.") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        remedy = f"Choose cuda:0 to cuda:{count - 1}." if count else "Choose cpu or auto."
        raise ValueError(f"Device {name!r}: torch sees {count} CUDA devices. {remedy}")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ValueError(f"Device {name!r}: torch sees no MPS device. Choose cpu or auto.")
    if device.type not in ("cpu", "cuda", "mps"):
        raise ValueError(f"Device {name!r}: {expected}.")
    return device
