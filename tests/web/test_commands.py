"""Commands and settings on a real front end: insert a chain, undo, colours, previews."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from playwright.sync_api import expect

from .browser import Editor

NODES = """() => app.graph.nodes.map((node) => ({
    id: String(node.id),
    type: node.comfyClass,
    box: [node.pos[0], node.pos[1] - 30, node.size[0], node.size[1] + 30],
}))"""
SELECT = "(id) => { app.canvas.deselectAll(); app.canvas.selectItems([panini.node(id)]); }"
WHOLE_IMAGE = {"PaniniRestoreImage", "SaveImage"}
RESULTS = ("PaniniRestoreImage", "PaniniPasteFaces")
BY_STAGES = {
    *("PaniniLoadModel", "PaniniLoadDetector", "PaniniDetectFaces", "PaniniSelectFaces"),
    *("PaniniAlignFaces", "PaniniExtractDegradation", "PaniniFusionWeights"),
    *("PaniniRestoreFaces", "PaniniPasteFaces", "PaniniCompareImages", "SaveImage"),
}


def execute(editor: Editor, command: str) -> None:
    editor.evaluate("async (id) => app.extensionManager.command.execute(id)", command)


def overlap(a: list[float], b: list[float]) -> bool:
    return all(a[i] < b[i] + b[i + 2] and b[i] < a[i] + a[i + 2] for i in (0, 1))


def inputs(editor: Editor) -> dict[str, dict[str, Any]]:
    """What each class of node would be queued with."""
    return {entry["class_type"]: entry["inputs"] for entry in editor.prompt().values()}


@pytest.fixture
def source(editor: Editor) -> str:
    """Load Image, selected, with another node to its right."""
    image = editor.add("LoadImage", 0, 0)
    editor.add("EmptyImage", 500, 100)
    editor.evaluate("() => { app.canvas.emitBeforeChange(); app.canvas.emitAfterChange(); }")
    editor.evaluate(SELECT, image)
    return image


@pytest.mark.parametrize(
    ("command", "types"),
    [("Panini.RestoreFaces", WHOLE_IMAGE), ("Panini.RestoreFacesByStages", BY_STAGES)],
    ids=["whole image", "by stages"],
)
def test_a_command_inserts_a_chain_that_could_run_and_undo_takes_it_back(
    editor: Editor, source: str, command: str, types: set[str], screenshot: Any
) -> None:
    execute(editor, command)
    editor.settle(NODES)  # Nodes 2.0 measures its nodes once they are drawn
    nodes = editor.evaluate(NODES)
    assert {node["type"] for node in nodes} == {"LoadImage", "EmptyImage"} | types
    for a, b in combinations(nodes, 2):
        assert not overlap(a["box"], b["box"]), f"{a['type']} covers {b['type']}"
    editor.look_at(0, 0, 0.45)
    editor.settle(NODES)
    screenshot(editor.page, command)

    queued = inputs(editor)
    definitions = editor.evaluate("async () => window.comfyAPI.api.api.getNodeDefs()")
    for name in types:
        missing = set(definitions[name]["input"]["required"]) - set(queued[name])
        assert not missing, f"{name} lacks {missing}"
    saved = queued["SaveImage"]["images"]
    assert queued["SaveImage"] == {"images": saved, "filename_prefix": "panini/restored"}
    assert saved[0] in {node["id"] for node in nodes if node["type"] in RESULTS}
    for compare in (queued[name] for name in types & {"PaniniCompareImages"}):
        assert compare["before"] == [source, 0] and compare["after"] == saved

    editor.undo()
    editor.page.wait_for_function("() => app.graph.nodes.length === 2")


def test_without_an_image_node_the_command_says_what_to_select(editor: Editor) -> None:
    node = editor.add("PaniniLoadModel", 0, 0)
    editor.evaluate(SELECT, node)
    execute(editor, "Panini.RestoreFaces")
    expect(editor.page.get_by_text("Select a node that gives an image").first).to_be_visible()
    assert len(editor.evaluate(NODES)) == 1


def test_the_context_menu_of_an_image_node_has_the_commands(editor: Editor, source: str) -> None:
    other = editor.add("PaniniLoadModel", 0, 500)
    entries = """(id) => {
        const node = panini.node(id);
        return app.canvas.getNodeMenuOptions(node).map((entry) => entry?.content);
    }"""
    label = "Restore faces (Panini)"
    assert editor.evaluate(entries, source).count(label) == 1
    assert label not in editor.evaluate(entries, other)

    point = editor.evaluate(
        """(id) => {
            const node = panini.node(id);
            const { scale, offset } = app.canvas.ds;
            const { left, top } = app.canvas.canvas.getBoundingClientRect();
            const at = (axis) => (node.pos[axis] + offset[axis]) * scale;
            return [left + at(0) + 60, top + at(1) - 15];
        }""",
        source,
    )
    editor.page.mouse.click(*point, button="right")
    editor.page.get_by_text(label).first.click()
    assert {node["type"] for node in editor.evaluate(NODES)} > WHOLE_IMAGE


def test_settings_change_new_mixers_colours_and_previews(editor: Editor) -> None:
    def change(name: str, value: object) -> None:
        editor.evaluate("(...all) => app.extensionManager.setting.set(...all)", name, value)

    old = editor.add("PaniniFusionWeights", 0, 0)
    assert editor.value(old, "preset") == "balanced"
    saved = editor.evaluate("() => JSON.stringify(app.graph.serialize())")
    change("Panini.Mixer.Preset", "faithful")
    assert editor.value(editor.add("PaniniFusionWeights", 450, 0), "preset") == "faithful"
    editor.evaluate("async (text) => app.loadGraphData(JSON.parse(text))", saved)
    assert editor.value(old, "preset") == "balanced"
    change("Panini.Mixer.Preset", "balanced")

    colour = "() => document.documentElement.style.getPropertyValue('--panini-kept-colour')"
    change("Panini.FaceBoard.KeptColour", "ff8800")
    assert editor.evaluate(colour) == "#ff8800"
    change("Panini.FaceBoard.KeptColour", "no colour")
    assert editor.evaluate(colour) == ""
    change("Panini.FaceBoard.KeptColour", "5adc82")

    restore = editor.add("PaniniRestoreFaces", 0, 500)
    whole = editor.add("PaniniRestoreImage", 900, 500)
    foreign = editor.add("EmptyImage", 450, 500)
    send = """(id) => {
        const { api } = window.comfyAPI.api;
        const ids = { nodeId: id, displayNodeId: id, parentNodeId: id, realNodeId: id };
        const detail = { blob: new Blob(["x"]), promptId: "1", jobId: "1", ...ids };
        api.dispatchCustomEvent("b_preview_with_metadata", detail);
        return (app.nodePreviewImages[id] ?? []).length;
    }"""
    change("Panini.Previews", False)
    assert editor.evaluate(send, restore) == 0
    assert editor.evaluate(send, foreign) == 1
    change("Panini.Previews", True)
    assert editor.evaluate(send, restore) == 1
    assert editor.evaluate(send, whole) == 0  # which shows its result in itself
