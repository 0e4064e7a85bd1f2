"""Strict matching of a file's tensors with a module's, under our names or official ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn

from ..models.stylegan2 import fir_kernel
from .files import CheckpointError, CheckpointFile, first_few
from .layouts import Kernel, Own, Table

KERNEL_TOLERANCE = 1e-3  # a kernel stored in half precision still passes


def match_tensors(
    file: CheckpointFile,
    found: Mapping[str, Tensor],  # the tensors meant for the module, by the names in `table`
    module: nn.Module,
    table: Table | None = None,  # None = our own names
    *,
    optional: Collection[str] = (),  # our names that the file may lack; so does the result then
) -> dict[str, Tensor]:
    """The module's state dict from the tensors of a file.

    Raises CheckpointError unless names and shapes agree exactly and stored filters are StyleGAN2's.
    """
    own = module.state_dict()
    rows: Table = {name: Own(name) for name in own} if table is None else table
    named = {row.name for row in rows.values() if isinstance(row, Own)}
    missing = [name for name in rows if name not in found and name not in optional]
    missing += [
        f"{name} (unknown to this layout)"
        for name in own
        if name not in named and name not in optional
    ]
    extra = [name for name in found if name not in rows]
    result: dict[str, Tensor] = {}
    wrong: list[str] = []
    for name, row in rows.items():
        if name not in found:
            continue
        tensor = found[name]
        if isinstance(row, Kernel):
            wrong += _compare_kernel(name, tensor, fir_kernel(row.gain))
            continue
        target = own[row.name]
        stored = target.reshape((1,) * row.before + target.shape + (1,) * row.after)
        if problem := compare(name, tensor, stored):
            wrong += problem
            continue
        tensor = tensor.reshape(target.shape)
        result[row.name] = tensor if tensor.is_floating_point() else tensor.to(target.dtype)
    what = type(module).__name__
    counts = (len(rows), len(found))
    refuse_mismatch(file, what, counts, missing=missing, unexpected=extra, wrong=wrong)
    return result


def refuse_mismatch(
    file: CheckpointFile,
    what: str,  # should be in the file
    counts: tuple[int, int],  # of tensors: expected, found
    **problems: list[str],  # kind of problem -> the tensors that have it
) -> None:
    """Raise the one CheckpointError about all tensors that do not fit, if there are any."""
    told = [f"{len(names)} {kind}: {first_few(names)}" for kind, names in problems.items() if names]
    if told:
        raise CheckpointError(
            file.path,
            f"does not match {what}, {counts[0]} tensors expected, {counts[1]} found; "
            f"{'; '.join(told)}. It is incomplete, or of a network of another size.",
        )


def compare(name: str, tensor: Tensor, expected: Tensor) -> list[str]:
    """What is wrong with a tensor beside one of the shape and kind that it should have."""
    if tensor.shape != expected.shape:
        return [f"{name} is {tuple(tensor.shape)}, not {tuple(expected.shape)}"]
    if tensor.is_floating_point() != expected.is_floating_point():
        return [f"{name} holds {tensor.dtype}, not {expected.dtype}"]
    return []


def _compare_kernel(name: str, tensor: Tensor, kernel: Tensor) -> list[str]:
    problem = compare(name, tensor, kernel)
    if not problem and not torch.allclose(tensor.float(), kernel, atol=KERNEL_TOLERANCE):
        return [f"{name} is not the filter [1, 3, 3, 1] with sum {kernel.sum():g}"]
    return problem
