"""The fidelity curve of a checkpoint: a small table beside it, `<stem>.fidelity.json`."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any, cast

from ..models.fidelity_curve import FidelityCurve
from ..models.panini import PaniniNet
from .files import CheckpointError
from .fingerprint import encoder_fingerprint
from .whole_file import whole_file

FIDELITY_SUFFIX = ".fidelity.json"
FORMAT = 1


def fidelity_path(weights: str | PathLike[str]) -> Path:
    """Where the fidelity curve of a checkpoint lies: beside it."""
    weights = Path(weights)
    return weights.with_name(weights.stem + FIDELITY_SUFFIX)


def read_fidelity(path: str | PathLike[str], model: PaniniNet) -> FidelityCurve | None:
    """The curve in a file; None if there is no file, or if it is of another network.

    Raises CheckpointError if the file holds no curve of as many levels as the model has.
    """
    path = Path(path)
    if not path.is_file():
        return None
    try:
        values = cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
        if values["format"] != FORMAT:
            raise ValueError(f"its format is {values['format']!r}, expected {FORMAT}")
        if values["encoder"] != encoder_fingerprint(model):
            return None
        curve = FidelityCurve(
            tuple(float(one) for one in values["fidelities"]),
            tuple(tuple(float(one) for one in row) for row in values["places"]),
        )
    except (ValueError, TypeError, KeyError, OSError, RecursionError) as error:
        raise CheckpointError(
            path,
            f"is not a fidelity curve ({type(error).__name__}: {error}). Make it anew with "
            "`panini calibrate`, or remove it: without one, fidelity is linear.",
        ) from error
    levels = len(model.config.interpolated_channels)
    if curve.levels != levels:
        raise CheckpointError(
            path,
            f"moves {curve.levels} levels, but its network has {levels}. Make it anew with "
            "`panini calibrate`.",
        )
    return curve


def write_fidelity(
    path: str | PathLike[str], curve: FidelityCurve, model: PaniniNet, measured: object = None
) -> None:
    """Write the curve of a model, for `load_panini`; `measured`: plain values on how it does."""
    values = {
        "format": FORMAT,
        "encoder": encoder_fingerprint(model),
        "fidelities": curve.fidelities,
        "places": curve.places,
        "measured": measured,
    }
    text = json.dumps(values, indent=1, allow_nan=False) + "\n"
    with whole_file(Path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8")
