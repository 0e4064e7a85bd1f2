"""Our own checkpoint format: safetensors with the network's configuration in the header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, cast

import torch

from ..models.panini import PaniniConfig, PaniniNet
from .files import CheckpointError, CheckpointFile, first_few, not_finite
from .writing import write_tensors

CONFIG_KEY, FORMAT_KEY = "panini_config", "panini_format"
FORMAT = "1"
MAY_BE_ZERO = (
    "extractor_blocks",
    "attention_hidden",
    "picture_bands",
    "degradation_discriminants",
    "latent_rank",
)


def save_panini(
    path: str | PathLike[str],
    model: PaniniNet,
    *,
    dtype: torch.dtype | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a network as `.safetensors`, its configuration in the header, for `load_panini`.

    `dtype` is the precision of the file (None: as the model's); `metadata` adds strings of one's
    own (steps, recipe, licence). The file appears under its name only when it is whole.

    Raises ValueError for reserved names in `metadata`, or weights that are not finite in `dtype`.
    """
    header = {
        "format": "pt",  # the convention of safetensors for torch
        FORMAT_KEY: FORMAT,
        CONFIG_KEY: json.dumps(model.config.to_dict()),
    }
    if reserved := header.keys() & (metadata or {}).keys():
        raise ValueError(f"Names reserved for the checkpoint's header: {', '.join(reserved)}.")
    tensors = {
        name: tensor.to("cpu", dtype if tensor.is_floating_point() else None)
        for name, tensor in model.state_dict().items()
    }
    if bad := not_finite(tensors):
        raise ValueError(
            f"Not saved to {path}: {len(bad)} tensors hold NaN, infinity or numbers beyond "
            f"{dtype or model.dtype}: {first_few(bad)}."
        )
    write_tensors(Path(path), tensors, {**header, **(metadata or {})})


def read_config(file: CheckpointFile) -> PaniniConfig:
    """The configuration in the header; CheckpointError if it is missing or cannot be used."""
    if CONFIG_KEY not in file.metadata:
        raise CheckpointError(
            file.path,
            f"holds a Panini network's tensors, but its header lacks the configuration "
            f"({CONFIG_KEY!r}). Write the file again with save_panini.",
        )
    version = file.metadata.get(FORMAT_KEY)
    if version != FORMAT:
        raise CheckpointError(
            file.path,
            f"its format is {version!r}, expected {FORMAT!r}. Update this package.",
        )
    try:
        values = json.loads(file.metadata[CONFIG_KEY])
        if not isinstance(values, dict):
            raise TypeError(f"expected a JSON object, found {values!r}.")
        values = cast("dict[str, Any]", values)
        _check_values(values, most=len(file.tensors))
        return PaniniConfig.from_dict(values)
    except (ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(
            file.path, f"the configuration in its header cannot be used: {error}"
        ) from error


def _check_values(values: Mapping[str, Any], *, most: int) -> None:
    """The kinds of a PaniniConfig, and no more layers than the file has tensors."""
    example = PaniniConfig.preset("tiny").to_dict()
    for name, value in values.items():
        if name in example and _kind(value) != _kind(example[name]):
            raise TypeError(f"{name} should be {_kind(example[name])}, found {value!r}.")
        numbers = _numbers(value)
        if min(numbers, default=1) < (0 if name in MAY_BE_ZERO else 1):
            raise ValueError(f"{name} must be positive, found {value!r}.")
        if len(numbers) > 2 * most:
            raise ValueError(f"{name} has {len(numbers)} numbers for {most} tensors.")
    for name in ("mapping_layers", "extractor_blocks", "level_convs"):
        if values.get(name, 0) > most:
            raise ValueError(f"{name} = {values[name]} layers, but there are {most} tensors.")


def _kind(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        kinds = {_kind(item) for item in cast("list[Any]", value)}
        return f"a list of {', '.join(sorted(kinds))}" if kinds else "an empty list"
    return {bool: "true or false", int: "a whole number"}.get(type(value), type(value).__name__)


def _numbers(value: Any) -> list[int]:
    if isinstance(value, (list, tuple)):
        return [number for item in cast("list[Any]", value) for number in _numbers(item)]
    return [value] if type(value) is int else []
