"""PyAV, where it is installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def require_av() -> Any:
    """The package `av`. Raises ImportError, which says how to install it."""
    try:
        return import_module("av")
    except ImportError as error:
        raise ImportError(
            "Films are read and written with PyAV, which is not installed: pip install av (or the "
            "extra: pip install panini-face-restoration[video])."
        ) from error
