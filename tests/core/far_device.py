"""An imitated device that works ahead, as CUDA does, for tests of what waits for it.

Its tensors lie in the computer's own memory but say that they are elsewhere. Whatever makes the
computer wait is written down, and what would fail on a device fails here: tensors of both sides in
one operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from panini_core.models import transfer

DEVICE = torch.device("meta")  # one that is everywhere; nothing of it is used but the name
aten = torch.ops.aten

# Their results, or the size of them, are read by the computer.
READS = {
    aten._local_scalar_dense.default,
    aten.equal.default,
    aten.is_nonzero.default,
    aten.masked_select.default,
    aten.nonzero.default,
    aten.repeat_interleave.Tensor,
    aten.unique_dim.default,
    aten._unique2.default,
}
INDEXES = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}
COPIES = {aten.copy_.default, aten.copy.default}


class FarTensor(Tensor):
    """A tensor of the imitated device."""

    near: Tensor  # its numbers

    @staticmethod
    def __new__(cls, near: Tensor) -> FarTensor:
        made = Tensor._make_wrapper_subclass(
            cls,
            near.shape,
            strides=near.stride(),
            storage_offset=near.storage_offset(),
            dtype=near.dtype,
            device=DEVICE,
        )
        made.near = near
        return made

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        raise RuntimeError(f"{func} of a far tensor outside of `far_device`.")

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def __repr__(self, **_: Any) -> str:
        return f"FarTensor{tuple(self.shape)}"


class FarDevice(TorchDispatchMode):
    """While it is entered, tensors can be on `DEVICE`. `waits`: what the computer waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        tensors = [it for it in tree_flatten((args, kwargs))[0] if isinstance(it, Tensor)]
        is_far = any(isinstance(it, FarTensor) for it in tensors)
        has_near = any(not isinstance(it, FarTensor) and it.ndim > 0 for it in tensors)
        target = kwargs.get("device")
        goes_far = target is not None and torch.device(target).type == DEVICE.type
        leaves = is_far and target is not None and not goes_far
        if goes_far:
            kwargs["device"] = "cpu"
        self._write_down(func, args, kwargs, is_far=is_far, has_near=has_near, moves=target)
        if not is_far and not goes_far:
            return func(*args, **kwargs)
        result = func(*tree_map(_near, args), **tree_map(_near, kwargs))
        if leaves or (func in COPIES and not isinstance(args[0], FarTensor)):
            return result
        if func._schema.is_mutable and args and isinstance(args[0], FarTensor):
            return args[0]
        return tree_map(lambda it: FarTensor(it) if isinstance(it, Tensor) else it, result)

    def _write_down(
        self, func: Any, args: Any, kwargs: Any, *, is_far: bool, has_near: bool, moves: Any
    ) -> None:
        if is_far and func in READS:
            self.waits.append(str(func))
        if is_far and func in INDEXES:
            indices = [it for it in args[1] if it is not None]
            if any(it.dtype in (torch.bool, torch.uint8) for it in indices):
                self.waits.append(f"{func} by a mask")
            if any(not isinstance(it, FarTensor) for it in indices):
                self.waits.append(f"{func} by places of the computer's")
        elif func in COPIES:
            later = kwargs.get("non_blocking", len(args) > 2 and args[2])
            if is_far and has_near and not later:
                self.waits.append(str(func))
        elif is_far and has_near:
            raise RuntimeError(f"{func}: tensors of both sides.")
        if func is aten._to_copy.default and moves is not None:
            across = is_far != (torch.device(moves).type == DEVICE.type)
            if across and not kwargs.get("non_blocking"):
                self.waits.append(str(func))


@contextmanager
def far_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[FarDevice]:
    """The imitated device, known to the package as one that works ahead."""
    mode = FarDevice()
    wait: Callable[[torch.device], None] = lambda _: mode.waits.append("what was asked")  # noqa: E731
    with monkeypatch.context() as patch, mode, torch.no_grad():
        patch.setattr(transfer, "_QUEUES_COPIES", frozenset({DEVICE.type}))
        patch.setattr(transfer, "_staged", lambda tensor: tensor)
        patch.setattr(transfer, "_fetched", lambda far: far.to("cpu", non_blocking=True))
        patch.setattr(transfer, "_wait", wait)
        yield mode


def near(far: Tensor) -> Tensor:
    """The numbers of a tensor of the imitated device, for comparisons."""
    assert isinstance(far, FarTensor)
    return far.near


def _near(value: Any) -> Any:
    return value.near if isinstance(value, FarTensor) else value
