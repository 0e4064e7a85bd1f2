"""From an empty graph to a restored photo: search and add, drop a picture, run."""

from __future__ import annotations

import base64
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from ..server.model_files import write_clip
from .browser import ACTION_MS, Editor
from .pictures import astronaut

SEARCH_INPUT = "input[role=combobox]:visible, [role=dialog] input:visible"
SUGGESTION = "[role=option]:not(.p-autocomplete-input-chip)"
# Over what lies there, as a mouse that holds a file; true where the page takes what is dropped.
DROP = """(x, y, name, type, base64) => {
    const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, { type }));
    const at = { dataTransfer, clientX: x, clientY: y, bubbles: true, cancelable: true };
    const send = (type) => {
        return document.elementFromPoint(x, y).dispatchEvent(new DragEvent(type, at));
    };
    send("dragenter");
    const isTaken = !send("dragover");
    send("drop");
    return isTaken;
}"""
# The type of the node that an input's link comes from, and what its first widget says.
SOURCE = """(id, name) => {
    const node = panini.node(id);
    const source = node.getInputNode(panini.slot(node.inputs, name));
    return source && [source.type, source.widgets[0].value];
}"""
# Whether the image's loader may be given another picture; it takes none during an upload.
IS_FREE = "(id) => !panini.node(id).getInputNode(0).isUploading"
# Whether a new node still follows the mouse, as in newer front ends.
IS_HELD = "() => app.canvas.state.ghostNodeId != null"


def drop(editor: Editor, place: tuple[float, float], name: str, kind: str, content: bytes) -> None:
    assert editor.evaluate(DROP, *place, name, kind, base64.b64encode(content).decode())


def png(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "png")
    return file.getvalue()


def title_of(editor: Editor, node: str) -> tuple[float, float]:
    """A place in the window, in the title bar of a node that has been drawn: not found before."""
    return editor.evaluate(
        """async (id) => {
            for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
            const { pos, size } = panini.node(id);
            const { left, top } = app.canvas.canvas.getBoundingClientRect();
            const [x, y] = app.canvas.convertOffsetToCanvas([pos[0] + size[0] / 2, pos[1] - 12]);
            return [x + left, y + top];
        }""",
        node,
    )


def open_search(page: Page) -> None:
    """Double-click the empty canvas; again where a busy machine was too slow for one."""
    search = page.locator(SEARCH_INPUT).first
    deadline = time.monotonic() + ACTION_MS / 1000
    while not search.is_visible():
        assert time.monotonic() < deadline, "a double click opens no search"
        page.mouse.dblclick(700, 130)
        with suppress(PlaywrightTimeoutError):
            search.wait_for(timeout=5000)


def middle_of(element: Locator) -> tuple[float, float]:
    box = element.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def wait_for_source(editor: Editor, node: str, name: str, kind: str, file: str) -> None:
    """Wait until a node of that type brings that file to an input."""
    editor.page.wait_for_function(
        f"([id, name, expected]) => String(({SOURCE})(id, name)) === expected",
        arg=[node, name, f"{kind},{file}"],
    )


def test_three_actions(editor: Editor, screenshot: Any) -> None:
    page = editor.page
    open_search(page)
    page.keyboard.type("face restore")
    expect(page.locator(SUGGESTION).first).to_contain_text("Restore Faces")
    page.keyboard.press("Enter")
    page.wait_for_function("() => app.graph.nodes.length === 1")
    [[node, kind]] = editor.evaluate("() => app.graph.nodes.map(({ id, type }) => [`${id}`, type])")
    assert kind == "PaniniRestoreImage"
    if editor.evaluate(IS_HELD):
        page.mouse.click(700, 130)
    hint = page.get_by_text("Drop a picture here, or connect one. Then run.")
    expect(hint).to_be_visible()
    screenshot(page, "first-photo-added")

    drop(editor, middle_of(hint), "dropped-me.png", "image/png", png(astronaut()))
    wait_for_source(editor, node, "image", "LoadImage", "dropped-me.png")
    expect(page.get_by_text("Run to compare.")).to_be_visible()

    with page.expect_response("**/prompt") as answer:
        page.keyboard.press("Control+Enter")
    assert answer.value.ok, answer.value.text()
    slider = editor.find(".panini-compare")
    expect(slider.get_by_role("slider")).to_be_visible()
    expect(slider).to_contain_text("before · 256×256")
    faces = editor.find(".panini-fold").filter(has_text="Faces")
    expect(faces).to_contain_text("1 of 1 faces selected")
    screenshot(page, "first-photo-restored")


def test_a_further_picture_takes_the_place_of_the_first(editor: Editor) -> None:
    node = editor.add("PaniniRestoreImage", 420, 0)
    editor.look_at(0, 0, 0.6)
    for name, picture in (
        ("dropped-one.png", astronaut()),
        ("dropped-two.png", astronaut().rotate(90)),
    ):
        drop(editor, title_of(editor, node), name, "image/png", png(picture))
        wait_for_source(editor, node, "image", "LoadImage", name)
        editor.page.wait_for_function(IS_FREE, arg=node)
    assert editor.evaluate("() => app.graph.nodes.length") == 2


def test_a_picture_takes_the_place_of_the_sample(editor: Editor) -> None:
    sample = editor.add("PaniniSamplePhoto", 0, 0)
    node = editor.add("PaniniRestoreImage", 420, 0)
    editor.link(sample, "image", node, "image")
    editor.look_at(0, 0, 0.6)
    drop(editor, title_of(editor, node), "dropped-mine.png", "image/png", png(astronaut()))
    wait_for_source(editor, node, "image", "LoadImage", "dropped-mine.png")


def test_a_new_loader_lies_clear_of_other_nodes(editor: Editor) -> None:
    node = editor.add("PaniniRestoreImage", 420, 0)
    other = editor.add("EmptyImage", 100, -20)
    editor.look_at(0, 0, 0.6)
    drop(editor, title_of(editor, node), "dropped-clear.png", "image/png", png(astronaut()))
    wait_for_source(editor, node, "image", "LoadImage", "dropped-clear.png")
    below = """(id, other) => {
        const source = panini.node(id).getInputNode(0);
        const { pos, size } = panini.node(other);
        return [source.pos[1] - pos[1] - size[1], source.pos[0] + source.size[0]];
    }"""
    gap, right = editor.evaluate(below, node, other)
    assert gap > 0 and right < 420


def test_other_files_are_left_to_the_front_end(editor: Editor) -> None:
    node = editor.add("PaniniRestoreImage", 420, 0)
    image = editor.add("EmptyImage", 0, 0)
    asked = """(id, type) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(["{}"], "file", { type }));
        return panini.node(id).onDragDrop(new DragEvent("drop", { dataTransfer }));
    }"""
    assert editor.evaluate(asked, node, "application/json") is False
    editor.link(image, "IMAGE", node, "image")
    assert editor.evaluate(asked, node, "image/png") is False  # no file makes that image
    assert editor.evaluate("() => app.graph.nodes.length") == 2


def test_a_clip_is_loaded_for_the_node_of_films(editor: Editor, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_clip(clip, [np.asarray(astronaut())] * 2, 12)
    node = editor.add("PaniniRestoreVideo", 420, 0)
    editor.look_at(0, 0, 0.6)
    drop(editor, title_of(editor, node), "dropped.mp4", "video/mp4", clip.read_bytes())
    wait_for_source(editor, node, "video", "LoadVideo", "dropped.mp4")
