"""Schemas, in the words of whichever version of ComfyUI is there."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from comfy_api.latest import io


def supported(maker: Callable[..., Any], **later: Any) -> dict[str, Any]:
    """Those of the keywords that this version of ComfyUI knows (search aliases and the like)."""
    if dataclasses.is_dataclass(maker):
        known = {field.name for field in dataclasses.fields(maker)}
    else:
        known = set(inspect.signature(maker).parameters)
    return {name: value for name, value in later.items() if name in known}


def schema(*, menu: str = "", aliases: Sequence[str] = (), **values: Any) -> io.Schema:
    """A schema in our category, or in a menu of it, with search aliases where ComfyUI has them."""
    category = f"Panini/{menu}" if menu else "Panini"
    return io.Schema(
        category=category, **values, **supported(io.Schema, search_aliases=list(aliases))
    )
