"""The part of ComfyUI's node interface that this pack uses, as of 0.3.64."""

from fractions import Fraction
from typing import Any

from . import io as io

class ComfyExtension:
    async def get_node_list(self) -> list[type[io.ComfyNode]]: ...

class InputImpl:
    class VideoFromFile:
        def __init__(self, file: str) -> None: ...

    class VideoFromComponents:
        def __init__(self, components: Types.VideoComponents) -> None: ...

class Types:
    class VideoComponents:
        def __init__(self, images: Any, frame_rate: Fraction, audio: Any = None) -> None: ...
