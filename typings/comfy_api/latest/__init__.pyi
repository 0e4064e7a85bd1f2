"""The part of ComfyUI's node interface that this pack uses, as of 0.3.64."""

from . import io as io

class ComfyExtension:
    async def get_node_list(self) -> list[type[io.ComfyNode]]: ...
