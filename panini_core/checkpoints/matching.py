"""Strict matching of a file's tensors with a module's, under our names or official ones."""

from __future__ import annotations

from collections.abc import Mapping

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
) -> dict[str, Tensor]:
    """The module's state dict from the tensors of a file.

    Raises CheckpointError unless names and shapes agree exactly and stored filters are StyleGAN2's.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    rows: Table = {name: Own(name) for name in shapes} if table is None else table
    named = {row.name for row in rows.values() if isinstance(row, Own)}
    missing = [name for name in rows if name not in found]
    missing += [f"{name} (unknown to this layout)" for name in shapes if name not in named]
    extra = [name for name in found if name not in rows]
    result: dict[str, Tensor] = {}
    wrong: list[str] = []
    for name, row in rows.items():
        if name not in found:
            continue
        tensor, shape = found[name], tuple(found[name].shape)
        if isinstance(row, Kernel):
            kernel = fir_kernel(row.gain)
            expected = tuple(kernel.shape)
            if shape == expected and not torch.allclose(
                tensor.float(), kernel, atol=KERNEL_TOLERANCE
            ):
                wrong.append(f"{name} is not the filter [1, 3, 3, 1] with sum {row.gain:g}")
        else:
            expected = (1,) * row.before + shapes.get(row.name, ()) + (1,) * row.after
            if shape == expected:
                result[row.name] = tensor.reshape(shapes[row.name])
        if shape != expected:
            wrong.append(f"{name} is {shape}, not {expected}")
    parts = (("missing", missing), ("unexpected", extra), ("wrong", wrong))
    problems = [f"{len(names)} {what}: {first_few(names)}" for what, names in parts if names]
    if problems:
        raise CheckpointError(
            file.path,
            f"does not match {type(module).__name__}, {len(rows)} tensors expected, {len(found)} "
            f"found; {'; '.join(problems)}. It is incomplete, or of a network of another size.",
        )
    return result
