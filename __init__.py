"""Panini: face restoration nodes for ComfyUI.

Read on in `nodes/__init__.py` (the nodes in pipeline order) and `panini_core/` (the work itself).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .nodes import PaniniExtension

WEB_DIRECTORY = "./web"


async def comfy_entrypoint() -> PaniniExtension:
    """Called by ComfyUI once it is ready for custom nodes; nothing happens before.

    Raises ImportError where ComfyUI is too old.
    """
    try:
        from comfy_api.latest import ComfyExtension, io  # noqa: F401  # both are what is needed
    except ImportError as error:
        raise ImportError(
            "Panini needs ComfyUI 0.3.64 or newer (nodes of schema V3): please update ComfyUI."
        ) from error
    from .nodes import PaniniExtension

    return PaniniExtension()
