"""Where nodes lie, whether they cover each other, and where they should lie."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

TITLE = 30  # px, of a title bar: it lies above a node's position
GAP = 40  # px, between nodes
NOTES = ("Note", "MarkdownNote")


@dataclass(frozen=True)
class Box:
    """A node with its title bar, in px of the graph."""

    name: str
    left: float
    top: float
    width: float
    height: float

    def covers(self, other: Box) -> bool:
        """Whether the two overlap."""
        across = self.left < other.left + other.width and other.left < self.left + self.width
        down = self.top < other.top + other.height and other.top < self.top + self.height
        return across and down

    def __str__(self) -> str:
        sides = (self.left, self.top, self.left + self.width, self.top + self.height)
        return f"{self.name} {[round(side) for side in sides]}"


def overlaps(boxes: Iterable[Box]) -> list[str]:
    """A line for every two nodes of which one covers the other; sides: left, top, right, bottom."""
    return [f"{a} and {b}" for a, b in combinations(boxes, 2) if a.covers(b)]


def make_room(workflow: dict[str, Any], boxes: Mapping[int, Box], *, grow: bool) -> None:
    """Move the nodes of a workflow to the right and down, as far as their boxes ask for.

    Nodes of one `x` form a column. Notes lie above all others.
    boxes: what the nodes fill, by id, wherever they lie.
    grow: whether to write the sizes as well, for a renderer that would otherwise do so itself.
    """
    columns: dict[float, list[dict[str, Any]]] = defaultdict(list)
    notes: list[dict[str, Any]] = []
    for node in workflow["nodes"]:
        if node["type"] in NOTES:
            notes.append(node)
        else:
            columns[node["pos"][0]].append(node)
        if grow:
            box = boxes[node["id"]]
            needed = (box.width, box.height - TITLE)
            node["size"] = [
                max(old, _up(new)) for old, new in zip(node["size"], needed, strict=True)
            ]

    right = -math.inf
    for x in sorted(columns):
        left, bottom = max(x, right), -math.inf
        for node in sorted(columns[x], key=lambda node: node["pos"][1]):
            box = boxes[node["id"]]
            node["pos"] = [left, max(node["pos"][1], bottom)]
            bottom = node["pos"][1] + _up(max(box.height, node["size"][1] + TITLE)) + GAP
            right = max(right, left + _up(max(box.width, node["size"][0])) + GAP)

    top = min(node["pos"][1] for column in columns.values() for node in column)
    for note in notes:
        height = max(boxes[note["id"]].height - TITLE, note["size"][1])
        note["pos"][1] = min(note["pos"][1], top - TITLE - GAP - _up(height))


def _up(length: float) -> int:
    """To whole tens."""
    return math.ceil(length / 10) * 10
