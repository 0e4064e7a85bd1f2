"""From a workflow file as the front end saves it to the prompt that the front end would queue.

It follows the rules of the front end, as far as the example workflows use them: no subgraphs, no
group nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Workflow = dict[str, Any]
Prompt = dict[str, dict[str, Any]]

MUTED, BYPASSED = 2, 4  # values of a node's `mode`
NOTES = {"Note", "MarkdownNote"}
VIRTUAL = {*NOTES, "Reroute", "PrimitiveNode"}  # the server does not know them
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}
SEEDS = {"seed", "noise_seed"}  # get a control widget without asking for one
UPLOADS = {"image_upload", "video_upload", "animated_image_upload"}


def to_api(workflow: Workflow, object_info: dict[str, Any]) -> Prompt:
    """The prompt of a workflow; `object_info` as the server gives it.

    Raises ValueError for node types that neither the server nor this function knows.
    """
    graph = Graph.of(workflow)
    prompt: Prompt = {}
    for node in workflow["nodes"]:
        if node["type"] in VIRTUAL or node.get("mode", 0) in (MUTED, BYPASSED):
            continue
        if node["type"] not in object_info:
            raise ValueError(f"Node {node['id']} is a {node['type']}, which is not installed.")
        inputs = widget_values(node, object_info[node["type"]])
        for slot, entry in enumerate(node.get("inputs", [])):
            source = graph.source(node, slot)
            if source is not None:
                inputs[entry["name"]] = source.as_input()
        prompt[str(node["id"])] = {
            "class_type": node["type"],
            "inputs": inputs,
            "_meta": {"title": node.get("title", node["type"])},
        }
    return without_dead_links(prompt)


def widget_names(definition: dict[str, Any]) -> list[str]:
    """The widgets of a node in the order of `widgets_values`; "" for those that send nothing."""
    names: list[str] = []
    for group in ("required", "optional"):
        inputs = definition["input"].get(group, {})
        for name in definition["input_order"].get(group, []):
            names += widgets_of_input(name, *inputs[name])
        if group == "required" and any(UPLOADS & set(options(spec)) for spec in inputs.values()):
            names.append("")  # the button that uploads a file
    return names


def widgets_of_input(name: str, kind: Any, extra: dict[str, Any] | None = None) -> list[str]:
    """The widgets that one input gets: none for a socket, more than one with a control."""
    extra = extra or {}
    kind = "COMBO" if isinstance(kind, list) else extra.get("widgetType", kind)
    if kind not in WIDGETS or extra.get("forceInput"):
        return []
    controlled = extra.get("control_after_generate")
    if kind == "INT" and (name in SEEDS if controlled is None else controlled):
        return [name, ""]  # fixed, increment, …
    if kind == "COMBO" and controlled:
        return [name, "", ""]  # and a filter
    return [name]


def widget_values(node: dict[str, Any], definition: dict[str, Any]) -> dict[str, Any]:
    """What the widgets of a node send; lists are wrapped, for they would be read as links.

    Raises ValueError if the file holds too few values, as when a widget was added since.
    """
    names = widget_names(definition)
    values = node.get("widgets_values") or []
    last = max((place for place, name in enumerate(names) if name), default=-1)
    if len(values) <= last:
        raise ValueError(
            f"Node {node['id']} ({node['type']}) has the widgets {names}, "
            f"but the workflow holds {len(values)} values: save it again."
        )
    return {
        name: {"__value__": value} if isinstance(value, list) else value
        for name, value in zip(names, values, strict=False)
        if name
    }


def options(spec: list[Any]) -> dict[str, Any]:
    """The options of an input in object_info: what follows its type, if anything does."""
    return spec[1] if len(spec) > 1 else {}


def without_dead_links(prompt: Prompt) -> Prompt:
    """The prompt without links to nodes that are not in it, as those of muted nodes."""

    def alive(value: Any) -> bool:
        return not (isinstance(value, list) and str(value[0]) not in prompt)

    for entry in prompt.values():
        entry["inputs"] = {name: v for name, v in entry["inputs"].items() if alive(v)}
    return prompt


@dataclass(frozen=True)
class Source:
    """Where an input gets its value from: an output of a node, or a primitive's widget."""

    node: dict[str, Any]
    slot: int

    def as_input(self) -> Any:
        """As it stands in a prompt."""
        if self.node["type"] == "PrimitiveNode":
            return self.node["widgets_values"][0]
        return [str(self.node["id"]), self.slot]


@dataclass(frozen=True)
class Graph:
    """The nodes and links of a workflow."""

    nodes: dict[int, dict[str, Any]]
    links: dict[int, tuple[int, int]]  # id -> (origin node, its output slot)

    @classmethod
    def of(cls, workflow: Workflow) -> Graph:
        """Links are lists in files of version 0.4 and objects in those of version 1."""
        links: dict[int, tuple[int, int]] = {}
        for link in workflow["links"]:
            if isinstance(link, dict):
                links[link["id"]] = (link["origin_id"], link["origin_slot"])
            else:
                links[link[0]] = (link[1], link[2])
        return cls({node["id"]: node for node in workflow["nodes"]}, links)

    def source(self, node: dict[str, Any], slot: int, kind: str = "") -> Source | None:
        """What feeds an input, past reroutes and bypassed nodes; None if nothing does.

        `kind`: the type that is wanted, where the input itself takes any.
        """
        entry = node["inputs"][slot]
        kind = kind or entry["type"]
        if entry.get("link") is None:
            return None
        origin_id, origin_slot = self.links[entry["link"]]
        origin = self.nodes[origin_id]
        if origin.get("mode", 0) == BYPASSED:
            through = bypass_slot(origin, origin_slot, kind)
            return None if through is None else self.source(origin, through)
        if origin["type"] == "Reroute":
            return self.source(origin, 0, kind)
        return Source(origin, origin_slot)


def bypass_slot(node: dict[str, Any], slot: int, kind: str) -> int | None:
    """The input that a bypassed node hands on to an output: the same place, else the same type."""
    types = [entry["type"] for entry in node.get("inputs", [])]
    if kind in ("*", ""):
        return (slot if slot < len(types) else 0) if types else None
    if slot < len(types) and types[slot] == kind:
        return slot
    return types.index(kind) if kind in types else None
