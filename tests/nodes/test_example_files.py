"""The example workflows as files: what the front end insists on."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from ..web.layout import TITLE, Box, overlaps

EXAMPLES = Path(__file__).resolve().parents[2] / "example_workflows"
FILES = sorted(EXAMPLES.glob("*.json"))


def test_there_are_examples() -> None:
    assert len(FILES) >= 7


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_examples_are_whole(file: Path) -> None:
    workflow = json.loads(file.read_text(encoding="utf-8"))
    uuid.UUID(workflow["id"])
    assert file.with_suffix(".jpg").is_file(), "the template's preview picture"
    nodes = {node["id"]: node for node in workflow["nodes"]}
    assert workflow["last_node_id"] == max(nodes)
    numbers = [link[0] for link in workflow["links"]]
    assert len(set(numbers)) == len(numbers)
    assert workflow["last_link_id"] >= max(numbers)
    for number, source, out, target, slot, kind in workflow["links"]:
        assert number in nodes[source]["outputs"][out]["links"]
        assert nodes[target]["inputs"][slot]["link"] == number
        assert nodes[source]["outputs"][out]["type"] == kind


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_node_of_an_example_covers_another(file: Path) -> None:
    """As they are saved; tests/web/test_layout.py sees them grow."""
    workflow = json.loads(file.read_text(encoding="utf-8"))
    boxes = [
        Box(
            f"{node['type']} {node['id']}",
            node["pos"][0],
            node["pos"][1] - TITLE,
            node["size"][0],
            node["size"][1] + TITLE,
        )
        for node in workflow["nodes"]
    ]
    assert overlaps(boxes) == []
    assert "ds" not in workflow.get("extra", {})  # the front end shows the whole instead
