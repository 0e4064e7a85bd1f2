"""The laboratory's commands, which the package `panini_lab` holds, where that is installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

LABORATORY = "panini_lab"
COMMANDS = frozenset({"atlas", "calibrate", "chain", "evaluate", "prior", "study", "train"})
MISSING = (
    f"belongs to the laboratory, the package {LABORATORY}, which is not installed here. Install "
    'it in a clone of the repository: pip install -e ".[lab]"'
)


def find_laboratory(name: str) -> Any | None:
    """The module `name` of the laboratory's commands; None where it is not installed."""
    if find_spec(LABORATORY) is None:
        return None
    return import_module(f"{LABORATORY}.commands.{name}")
