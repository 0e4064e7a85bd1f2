"""Schemas of nodes, and the description that the server makes of them.

It knows `search_aliases`, as ComfyUI does since 0.11; the oldest version that the pack supports
does not.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any


class NumberDisplay(str, Enum):
    number = "number"
    slider = "slider"


class FolderType(str, Enum):
    input = "input"
    output = "output"
    temp = "temp"


class Hidden(str, Enum):
    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"
    dynprompt = "DYNPROMPT"


class Input:
    """An input of a node; `options` are what the server tells the front end of it."""

    io_type = ""

    def __init__(self, id: str, *, optional: bool = False, **options: Any) -> None:
        self.id = id
        self.optional = optional
        self.options = options

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in self.options.items() if value is not None}


class Output:
    """An output of a node."""

    io_type = ""

    def __init__(
        self,
        id: str | None = None,
        display_name: str | None = None,
        tooltip: str | None = None,
        is_output_list: bool = False,
    ) -> None:
        self.id = id
        self.display_name = display_name
        self.tooltip = tooltip
        self.is_output_list = is_output_list


class ComfyType:
    """What travels between nodes; `Input` and `Output` are made for each type."""

    io_type = ""
    Input: type[Input]
    Output: type[Output]


def Custom(io_type: str) -> type[ComfyType]:  # ComfyUI's name
    """A type of one's own."""
    return comfy_type(io_type)


def comfy_type(io_type: str, accepts: tuple[str, ...] = ()) -> type[ComfyType]:
    """A type whose inputs take these options besides those that all inputs take."""
    known = {"display_name", "tooltip", "lazy", "extra_dict", *accepts}

    class TypeInput(Input):
        def __init__(self, id: str, **options: Any) -> None:
            unknown = set(options) - known - {"optional"}
            if unknown:
                raise TypeError(f"An input of type {io_type} has no options {sorted(unknown)}.")
            super().__init__(id, **options)

    TypeInput.io_type = io_type
    output = type("TypeOutput", (Output,), {"io_type": io_type})
    return type(io_type, (ComfyType,), {"io_type": io_type, "Input": TypeInput, "Output": output})


WIDGET = ("default", "socketless", "force_input")
RANGE = (*WIDGET, "min", "max", "step", "display_mode")

Boolean = comfy_type("BOOLEAN", (*WIDGET, "label_on", "label_off"))
Int = comfy_type("INT", (*RANGE, "control_after_generate"))
Float = comfy_type("FLOAT", (*RANGE, "round"))
String = comfy_type("STRING", (*WIDGET, "multiline", "placeholder", "dynamic_prompts"))
Combo = comfy_type("COMBO", (*WIDGET, "options", "control_after_generate"))
Image = comfy_type("IMAGE")
Mask = comfy_type("MASK")
UpscaleModel = comfy_type("UPSCALE_MODEL")
Video = comfy_type("VIDEO")
AnyType = comfy_type("*")


@dataclass
class Schema:
    """What a node is."""

    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list[Input] = field(default_factory=list[Input])
    outputs: list[Output] = field(default_factory=list[Output])
    hidden: list[Hidden] = field(default_factory=list[Hidden])
    description: str = ""
    search_aliases: list[str] = field(default_factory=list[str])
    is_input_list: bool = False
    is_output_node: bool = False
    is_deprecated: bool = False
    is_experimental: bool = False
    not_idempotent: bool = False
    enable_expand: bool = False

    def check(self) -> None:
        """Raises ValueError if two inputs or outputs share an id."""
        ids = [entry.id for entry in (*self.inputs, *self.outputs) if entry.id is not None]
        if len(set(ids)) < len(ids):
            raise ValueError(f"Ids must be unique among inputs and outputs: {ids}")


@dataclass
class NodeInfoV1:
    """What the server answers to /object_info."""

    input: dict[str, Any]
    input_order: dict[str, list[str]]
    output: list[str]
    output_is_list: list[bool]
    output_name: list[str]
    output_tooltips: list[str | None]
    name: str
    display_name: str | None
    description: str
    category: str
    output_node: bool
    search_aliases: list[str]


class ComfyNode:
    """The base class of nodes."""

    @classmethod
    def define_schema(cls) -> Schema:
        raise NotImplementedError

    @classmethod
    def GET_SCHEMA(cls) -> Schema:  # ComfyUI's name
        schema = cls.define_schema()
        schema.check()
        if schema.is_output_node:
            needed = (Hidden.prompt, Hidden.extra_pnginfo)
            schema.hidden = [*schema.hidden, *(h for h in needed if h not in schema.hidden)]
        return schema

    @classmethod
    def GET_NODE_INFO_V1(cls) -> dict[str, Any]:
        schema = cls.GET_SCHEMA()
        inputs: dict[str, dict[str, Any]] = {"required": {}}
        for entry in schema.inputs:
            group = inputs.setdefault("optional" if entry.optional else "required", {})
            group[entry.id] = (entry.io_type, entry.as_dict())
        for hidden in schema.hidden:
            inputs.setdefault("hidden", {})[hidden.name] = (hidden.value,)
        info = NodeInfoV1(
            input=inputs,
            input_order={group: list(entries) for group, entries in inputs.items()},
            output=[output.io_type for output in schema.outputs],
            output_is_list=[output.is_output_list for output in schema.outputs],
            output_name=[output.display_name or output.io_type for output in schema.outputs],
            output_tooltips=[output.tooltip for output in schema.outputs],
            name=schema.node_id,
            display_name=schema.display_name,
            description=schema.description,
            category=schema.category,
            output_node=schema.is_output_node,
            search_aliases=schema.search_aliases,
        )
        return asdict(info)


class NodeOutput:
    """What executing a node gives."""

    def __init__(self, *args: Any, ui: Any = None, expand: Any = None) -> None:
        self.args = args
        self.ui = ui
        self.expand = expand
