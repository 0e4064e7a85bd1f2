"""Where and how precisely networks compute, by the names that people type."""

from __future__ import annotations

import torch

AUTO = "auto"
DTYPES = {
    AUTO: torch.float32,  # exact, and fits anywhere
    "fp32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
}


def name_of_dtype(dtype: torch.dtype) -> str:
    """`fp32`, `fp16` or `bf16`, never `auto`; another type's own name."""
    names = (name for name, known in DTYPES.items() if known is dtype and name != AUTO)
    return next(names, str(dtype).removeprefix("torch."))


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
