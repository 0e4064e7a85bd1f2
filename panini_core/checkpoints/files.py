"""Reading checkpoint files safely: tensors come out, and nothing in a file is ever executed."""

from __future__ import annotations

import pickle
import re
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

MAX_MESSAGE = 1000  # characters
MAX_HEADER = 100_000_000  # bytes, of safetensors
ZIP_MAGIC, PICKLE_MAGIC = b"PK\x03\x04", b"\x80"
LFS_POINTER = b"version https://git-lfs."  # how a text begins that stands for a large file
FLOAT_DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
WHOLE_DTYPES = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)

# What training tools leave beside the weights (a loss as a numpy number, the command line's
# options). Such names are read as inert placeholders: neither numpy nor anything else is called.
HARMLESS_NAMES = (
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
    "argparse.Namespace",
    "_codecs.encode",  # the bytes of a numpy number; torch 2.4 does not know it
)


_SAFE_GLOBALS_LOCK = threading.Lock()  # torch keeps one list for the whole process


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the message names the file, what was expected and found."""

    def __init__(self, path: Path, problem: str) -> None:
        # A damaged file's names may be anything: unprintable, or a million characters long.
        shown = problem if len(problem) <= MAX_MESSAGE else f"{problem[:MAX_MESSAGE]} …"
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
        super().__init__(f"{path}: {shown}")
        self.path = path


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """The tensors of a file, on the CPU, and the strings of a safetensors header."""

    path: Path
    tensors: dict[str, Tensor]
    metadata: dict[str, str] = field(default_factory=dict[str, str])


def read_file(
    path: str | PathLike[str], *, wrappers: Sequence[str] = ("state_dict",)
) -> CheckpointFile:
    """The tensors of a checkpoint by name, with its path and metadata: safetensors, or what
    `torch.save` writes.

    A dict under the first of the top-level keys `wrappers` that is there is taken instead of the
    whole. The name part `module.` that distributed training inserts is dropped wherever it stands.
    Every value must be an ordinary tensor without NaN or infinity. The tensors may be mapped from
    the file: copy what is to be kept. Nothing in the file is executed.

    Raises CheckpointError for anything else.
    """
    path = Path(path)
    start = read_start(path)
    metadata: dict[str, str] = {}
    # safetensors first: the length of its header, which it begins with, may look like a pickle.
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= MAX_HEADER:
        tensors, metadata = _read_safetensors(path)
    elif start.startswith((ZIP_MAGIC, PICKLE_MAGIC)):
        content = _read_torch(path, mmap=start.startswith(ZIP_MAGIC))
        tensors = _as_tensors(path, content, wrappers)
    else:
        found = "an empty file" if not start else f"a file that begins with {start[:16]!r}"
        raise CheckpointError(
            path,
            f"expected a checkpoint (.safetensors, or .pth, .pt, .tar of torch.save), found {found}"
            ". The download may be incomplete, or a web page.",
        )
    tensors = _without_module(path, tensors)
    _check(path, tensors)
    return CheckpointFile(path, tensors, metadata)


def read_start(path: Path, expected: str = "a checkpoint") -> bytes:
    """The first bytes of a file. Raises CheckpointError if it cannot be read, or is a pointer that
    Git keeps in its place."""
    try:
        with path.open("rb") as file:
            start = file.read(len(LFS_POINTER))
    except FileNotFoundError as error:
        raise CheckpointError(
            path, f"there is no such file; expected {expected}. Check the path."
        ) from error
    except OSError as error:  # a folder, no permission, …
        raise CheckpointError(
            path, f"cannot be read as a file ({error.strerror or error}); expected {expected}."
        ) from error
    if start == LFS_POINTER:
        raise CheckpointError(
            path,
            f"expected {expected}, found the pointer that Git keeps in its place (Git LFS). Fetch "
            "the file itself: `git lfs pull`, or download it from the web page of the repository.",
        )
    return start


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except Exception as error:  # a damaged file may raise anything
        raise CheckpointError(
            path,
            f"not a whole safetensors file ({_first_line(error)}); it is truncated or damaged. "
            "Get the file again.",
        ) from error


def _read_torch(path: Path, *, mmap: bool) -> Any:
    try:
        with _placeholders(HARMLESS_NAMES):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except Exception as error:  # a damaged pickle may raise anything
        if refused := re.search(r"GLOBAL (\S+)", str(error)):
            raise CheckpointError(
                path,
                f"its pickle refers to {refused[1]}, which could run code; only tensors, plain "
                "Python values, numpy numbers and argparse options are read, and nothing was "
                "executed. Use a file from a source that you trust, without it.",
            ) from error
        what = "it holds objects other than tensors and plain values, or " * isinstance(
            error, pickle.UnpicklingError
        )
        raise CheckpointError(
            path,
            f"not a whole torch checkpoint ({_first_line(error)}); {what}it is truncated or "
            "damaged. Get the file again.",
        ) from error


class _Placeholder:
    """Takes the place of an object in a pickle; accepts its state and keeps nothing."""

    def __new__(cls, *args: object, **kwargs: object) -> _Placeholder:
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


@contextmanager
def _placeholders(names: tuple[str, ...]) -> Generator[None]:
    """Let torch's restricted unpickler read these names, each as a placeholder."""
    stand_ins: list[Any] = []
    for name in names:
        module, _, last = name.rpartition(".")
        stand_ins.append(type(last, (_Placeholder,), {"__module__": module}))
    with _SAFE_GLOBALS_LOCK:
        torch.serialization.add_safe_globals(stand_ins)
        try:
            yield
        finally:  # torch may have added names of its own meanwhile
            rest = [x for x in torch.serialization.get_safe_globals() if x not in stand_ins]
            torch.serialization.clear_safe_globals()
            torch.serialization.add_safe_globals(rest)


def _as_tensors(path: Path, content: Any, wrappers: Sequence[str]) -> dict[str, Tensor]:
    if isinstance(content, dict):
        inner = next((name for name in wrappers if name in content), None)
        content = cast(Any, content if inner is None else content[inner])
    if not isinstance(content, dict):
        raise CheckpointError(
            path, f"expected a dict of tensors (a state dict), found {type(content).__name__}."
        )
    values = cast("dict[Any, Any]", content)
    wrong = [
        f"{name!r} ({type(value).__name__})"
        for name, value in values.items()
        if not isinstance(name, str) or type(value) not in (Tensor, torch.nn.Parameter)
    ]
    if wrong:
        under = ", ".join(map(repr, wrappers))
        raise CheckpointError(
            path,
            f"expected a state dict, tensors by name, at the top or under {under}; {len(wrong)} of "
            f"{len(values)} entries are something else: {first_few(wrong)}.",
        )
    return {str(name): cast(Tensor, value).detach() for name, value in values.items()}


def _without_module(path: Path, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    result: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        short = ".".join(part for part in name.split(".") if part != "module")
        if short in result:
            raise CheckpointError(path, f"holds {short} twice, with and without 'module.'.")
        result[short] = tensor
    return result


def _check(path: Path, tensors: dict[str, Tensor]) -> None:
    if not tensors:
        raise CheckpointError(path, "expected named tensors, found none.")
    odd = [name for name, tensor in tensors.items() if not _is_ordinary(tensor)]
    if odd:
        raise CheckpointError(
            path,
            f"expected dense tensors of numbers (float16 to float64, or integers); "
            f"{len(odd)} of {len(tensors)} are not: {first_few(odd)}.",
        )
    bad = not_finite(tensors)
    if bad:
        raise CheckpointError(
            path,
            f"{len(bad)} of {len(tensors)} tensors hold NaN or infinity: {first_few(bad)}. "
            "The training diverged or the file is damaged; use another checkpoint.",
        )


def _is_ordinary(tensor: Tensor) -> bool:
    return (
        tensor.layout == torch.strided
        and tensor.device.type == "cpu"
        and tensor.dtype in (*FLOAT_DTYPES, *WHOLE_DTYPES)
        # A view of few stored numbers may claim to be enormous.
        and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()
    )


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """The names of the tensors that hold NaN or infinity."""
    return [name for name, tensor in tensors.items() if not _is_finite(tensor)]


def refuse_overflow(path: Path, converted: Mapping[str, Tensor], dtype: torch.dtype) -> None:
    """Raise CheckpointError where finite numbers are not finite any more as `dtype`."""
    if bad := not_finite(converted):
        raise CheckpointError(
            path,
            f"{len(bad)} tensors hold numbers beyond {dtype}: {first_few(bad)}; load it in "
            "bfloat16 or float32.",
        )


def _is_finite(tensor: Tensor) -> bool:
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    # Ten times as fast as to ask every number; NaN prevails in both.
    low, high = tensor.aminmax()
    return bool(low.isfinite() & high.isfinite())


def first_few(names: list[str], count: int = 3) -> str:
    """The first names as one phrase, and how many more there are."""
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more


def _first_line(error: Exception) -> str:
    # The rest of torch's messages advises to switch the safe reading off.
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:160]}" if text else type(error).__name__
