from collections.abc import Sequence
from typing import Any

class Input:
    """What of an input all types have; a widget's options come on top."""

    id: str
    optional: bool
    def __init__(
        self,
        id: str,
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
    ) -> None: ...

class Output:
    def __init__(
        self,
        id: str | None = None,
        display_name: str | None = None,
        tooltip: str | None = None,
        is_output_list: bool = False,
    ) -> None: ...

class ComfyTypeIO:
    class Input(Input): ...
    class Output(Output): ...

def Custom(io_type: str) -> type[ComfyTypeIO]: ...

class Image(ComfyTypeIO): ...
class Mask(ComfyTypeIO): ...
class UpscaleModel(ComfyTypeIO): ...
class Video(ComfyTypeIO): ...

class Boolean(ComfyTypeIO):
    class Input(Input):
        def __init__(
            self,
            id: str,
            *,
            optional: bool = False,
            tooltip: str | None = None,
            default: bool | None = None,
        ) -> None: ...

class Int(ComfyTypeIO):
    class Input(Input):
        def __init__(
            self,
            id: str,
            *,
            optional: bool = False,
            tooltip: str | None = None,
            default: int | None = None,
            min: int | None = None,
            max: int | None = None,
            step: int | None = None,
            control_after_generate: bool | None = None,
        ) -> None: ...

class Float(ComfyTypeIO):
    class Input(Input):
        def __init__(
            self,
            id: str,
            *,
            optional: bool = False,
            tooltip: str | None = None,
            default: float | None = None,
            min: float | None = None,
            max: float | None = None,
            step: float | None = None,
            round: float | None = None,
        ) -> None: ...

class String(ComfyTypeIO):
    class Input(Input):
        def __init__(
            self,
            id: str,
            *,
            optional: bool = False,
            tooltip: str | None = None,
            multiline: bool = False,
            placeholder: str | None = None,
            default: str | None = None,
        ) -> None: ...

class Combo(ComfyTypeIO):
    class Input(Input):
        def __init__(
            self,
            id: str,
            *,
            options: Sequence[str],
            optional: bool = False,
            tooltip: str | None = None,
            default: str | None = None,
        ) -> None: ...

class Schema:
    def __init__(
        self,
        node_id: str,
        display_name: str | None = None,
        category: str = "sd",
        inputs: Sequence[Input] | None = None,
        outputs: Sequence[Output] | None = None,
        *,
        description: str = "",
        is_output_node: bool = False,
        is_deprecated: bool = False,
        is_experimental: bool = False,
        not_idempotent: bool = False,
        search_aliases: Sequence[str] = (),  # from 0.11 on; see `supported` in nodes/host.py
    ) -> None: ...

class NodeOutput:
    def __init__(self, *args: Any, ui: dict[str, Any] | None = None) -> None: ...

class ComfyNode:
    @classmethod
    def define_schema(cls) -> Schema: ...
