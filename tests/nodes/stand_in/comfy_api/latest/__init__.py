"""What the pack takes from `comfy_api.latest`."""

from __future__ import annotations

from . import io, ui

__all__ = ["ComfyExtension", "io", "ui"]


class ComfyExtension:
    """The base class of what `comfy_entrypoint` returns."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        raise NotImplementedError
