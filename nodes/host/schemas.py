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


def schema(*, aliases: Sequence[str] = (), **values: Any) -> io.Schema:
    """A schema in our category, with search aliases where ComfyUI has them."""
    return io.Schema(
        category="Panini", **values, **supported(io.Schema, search_aliases=list(aliases))
    )
