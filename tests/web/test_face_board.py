"""The face board on a real server: detect, look, choose by clicking, save, load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from ..server.server import Server
from .browser import Editor
from .pictures import tile, upload


class Boards:
    """Load Image -> Detect Faces -> Select Faces, with boards on the latter two."""

    def __init__(self, editor: Editor, picture: str, *, batch: int = 1) -> None:
        self.editor = editor
        self.detect = editor.add("PaniniDetectFaces", 0, 0)
        self.select = editor.add("PaniniSelectFaces", 420, 0)
        image = editor.add("LoadImage", 0, 700, image=picture)
        detector = editor.add("PaniniLoadDetector", 320, 700)
        if batch > 1:
            repeat = editor.add("RepeatImageBatch", 620, 700, amount=batch)
            editor.link(image, "IMAGE", repeat, "image")
            image = repeat
        editor.link(image, "IMAGE", self.detect, "image")
        editor.link(detector, "detector", self.detect, "detector")
        editor.link(self.detect, "faces", self.select, "faces")
        editor.link(image, "IMAGE", self.select, "image")

    def board(self, node: str) -> Locator:
        title = "Detect" if node == self.detect else "Select"
        role = "img" if title == "Detect" else "checkbox"
        boards = self.editor.find(".panini-face-board")
        return boards.filter(has=self.editor.page.get_by_role(role)).nth(0)

    def face(self, number: int) -> Locator:
        return self.board(self.select).get_by_role("checkbox").nth(number)

    def expect(self, rule: str, chosen: list[int]) -> None:
        """The text of the widget, what is queued, and the faces that look chosen."""
        faces = self.board(self.select).get_by_role("checkbox")
        for number in range(faces.count()):
            checked = "true" if number in chosen else "false"
            expect(faces.nth(number)).to_have_attribute("aria-checked", checked)
        assert self.editor.value(self.select, "selection") == rule
        assert self.editor.prompt()[self.select]["inputs"]["selection"] == rule

    def press(self, button: str) -> None:
        self.board(self.select).get_by_role("button", name=button).click()

    def look_away(self, number: int) -> None:
        """Neither pointer nor focus on a face: the board tells of all."""
        self.editor.page.mouse.move(5, 500)
        self.face(number).blur()

    def says(self, text: str) -> None:
        expect(self.board(self.select).get_by_role("status")).to_have_text(text)


def test_faces_are_chosen_by_clicking(editor: Editor, web_server: Server, screenshot: Any) -> None:
    boards = Boards(editor, upload(web_server, tile(3, 1, 256), "three.png"))
    for hint in ("Run to see the faces.", "Run, then choose faces by clicking."):
        expect(editor.page.get_by_text(hint)).to_be_visible()
    editor.run()
    expect(boards.board(boards.detect).get_by_role("status")).to_have_text(
        "3 faces: choose in Select Faces."
    )
    boards.expect("all", [0, 1, 2])

    boards.face(1).click()
    boards.expect("0,2", [0, 2])
    expect(boards.board(boards.select)).to_contain_text("Face 1 · score 0.99")
    screenshot(editor.page, "face-board")
    boards.look_away(1)
    boards.says("2 of 3 faces selected")
    boards.face(0).click()
    boards.expect("2", [2])
    boards.press("Choose all faces")
    boards.expect("all", [0, 1, 2])
    boards.press("Choose no face")
    boards.expect("none", [])

    boards.face(0).focus()
    for key in ("ArrowDown", "ArrowDown", "Space", "ArrowUp", "Enter"):
        editor.page.keyboard.press(key)
    boards.expect("1,2", [1, 2])

    assert editor.run()[boards.select]["inputs"]["selection"] == "1,2"


def test_the_board_shows_what_the_widgets_say(editor: Editor, web_server: Server) -> None:
    boards = Boards(editor, upload(web_server, tile(3, 1, 256), "three.png"))
    editor.run()
    editor.write(boards.select, "selection", "center")
    boards.expect("center", [1])
    boards.face(2).click()
    boards.expect("1,2", [1, 2])
    editor.write(boards.select, "selection", "0-1,7")
    boards.expect("0-1,7", [0, 1])

    editor.write(boards.select, "max_faces", 1)
    boards.expect("0-1,7", [0])
    boards.face(1).click()
    expect(boards.board(boards.select)).to_contain_text("left out by max_faces")
    boards.expect("0-1,7", [0])

    editor.write(boards.select, "max_faces", 0)
    editor.write(boards.select, "selection", "some")
    editor.page.mouse.move(5, 500)
    boards.says("Not a selection: some")
    editor.write(boards.select, "selection", "0")

    editor.write(boards.select, "sort", "right to left")
    boards.says("The order was changed: run again.")
    boards.face(2).click(force=True)
    boards.expect("0", [0])
    editor.evaluate(  # as when the order is changed while a run goes on
        "(id) => panini.node(id).onExecuted(app.nodeOutputs[id])", boards.select
    )
    boards.look_away(2)
    boards.says("The order was changed: run again.")
    editor.run()
    first, last = (boards.face(number).bounding_box() for number in (0, 2))
    assert first is not None and last is not None and first["x"] > last["x"]
    boards.face(2).click()
    boards.expect("0,2", [0, 2])
    editor.evaluate(  # as by a node from before the order was sent
        """(id) => {
            const [{ sort, ...payload }] = app.nodeOutputs[id].panini_faces;
            panini.node(id).onExecuted({ panini_faces: [payload] });
        }""",
        boards.select,
    )
    boards.look_away(2)
    boards.says("2 of 3 faces selected")


def test_a_linked_selection_is_that_of_the_run(editor: Editor, web_server: Server) -> None:
    boards = Boards(editor, upload(web_server, tile(3, 1, 256), "three.png"))
    rule = editor.add("PrimitiveString", 900, 700, value="1")
    editor.link(rule, "STRING", boards.select, "selection")
    editor.run()
    boards.says("The selection comes over a link.")
    for number, checked in enumerate(("false", "true", "false")):
        expect(boards.face(number)).to_have_attribute("aria-checked", checked)
    boards.face(0).click(force=True)
    expect(boards.face(0)).to_have_attribute("aria-checked", "false")
    assert editor.prompt()[boards.select]["inputs"]["selection"] == [rule, 0]


def test_a_batch_is_looked_through(editor: Editor, web_server: Server) -> None:
    boards = Boards(editor, upload(web_server, tile(2, 1, 128), "two.png"), batch=3)
    editor.run()
    board = boards.board(boards.select)
    expect(board).to_contain_text("1 / 3")
    expect(board.get_by_role("button", name="Previous picture")).to_be_disabled()
    boards.press("Next picture")
    expect(board).to_contain_text("2 / 3")
    boards.face(0).focus()
    editor.page.keyboard.press("ArrowRight")
    expect(board).to_contain_text("3 / 3")
    expect(board.get_by_role("button", name="Next picture")).to_be_disabled()
    boards.face(0).click()
    boards.expect("1", [1])
    editor.page.keyboard.press("ArrowLeft")
    expect(board).to_contain_text("2 / 3")
    boards.expect("1", [1])


def test_a_choice_can_be_undone(editor: Editor, web_server: Server) -> None:
    boards = Boards(editor, upload(web_server, tile(3, 1, 256), "three.png"))
    editor.run()
    boards.face(1).click()
    boards.face(0).click()
    boards.expect("2", [2])
    editor.undo()
    boards.expect("0,2", [0, 2])
    boards.face(1).click()
    boards.expect("all", [0, 1, 2])


def test_a_saved_board_is_found_again(editor: Editor, web_server: Server) -> None:
    boards = Boards(editor, upload(web_server, tile(3, 1, 256), "three.png"))
    editor.run()
    boards.face(2).click()
    editor.save_and_reload()
    boards.expect("0,1", [0, 1])
    boards.face(2).click()
    boards.expect("all", [0, 1, 2])

    for picture in (web_server.base / "temp").glob("panini_*"):  # as when ComfyUI is started anew
        picture.unlink()
    editor.save_and_reload()
    gone = editor.page.get_by_text("The picture is no longer there: run again.")
    expect(gone).to_have_count(2)


def test_sixty_faces_stay_in_their_places(
    editor: Editor, web_server: Server, screenshot: Any
) -> None:
    boards = Boards(editor, upload(web_server, tile(10, 6, 96), "sixty.png"))
    editor.run()
    for size in ((320, 560), (760, 640)):
        shown = boards.board(boards.select).locator("img")
        before = shown.evaluate("(image) => image.clientWidth")
        editor.evaluate(
            "(id, size) => { panini.node(id).setSize(size); app.canvas.setDirty(true, true); }",
            *(boards.select, size),
        )
        editor.page.wait_for_function(
            "([image, before]) => image.clientWidth !== before",
            arg=[shown.element_handle(), before],
        )
        shown.evaluate(  # the size follows in steps where drawing is slow
            "(image) => panini.settle(() => image.getBoundingClientRect())"
        )
        picture = shown.bounding_box()
        assert picture is not None
        assert abs(picture["width"] / picture["height"] - 10 / 6) < 0.02
        places: set[tuple[int, int]] = set()
        faces = boards.board(boards.select).get_by_role("checkbox").all()
        for box in (face.bounding_box() for face in faces):
            assert box is not None
            x = (box["x"] + box["width"] / 2 - picture["x"]) / picture["width"]
            y = (box["y"] + box["height"] / 2 - picture["y"]) / picture["height"]
            places.add((int(x * 10), int(y * 6)))
        assert len(faces) == len(places) == 60  # one a tile
    screenshot(editor.page, "face-board-sixty")
    boards.face(15).click()
    boards.expect("0-14,16-59", [number for number in range(60) if number != 15])


def test_boards_work_within_a_subgraph(editor: Editor, web_server: Server) -> None:
    boards = Boards(editor, upload(web_server, tile(2, 1, 256), "pair.png"))
    editor.evaluate(
        """(ids) => {
            const nodes = new Set(ids.map(panini.node));
            window.made = app.graph.convertToSubgraph(nodes);
        }""",
        [boards.detect, boards.select],
    )
    editor.run()
    editor.evaluate("() => app.canvas.openSubgraph(made.subgraph, made.node)")
    editor.look_at(*editor.evaluate("() => made.subgraph.nodes[0].pos"))
    faces = editor.find(".panini-face-board").get_by_role("checkbox")
    expect(faces).to_have_count(2)
    faces.nth(0).click()
    [select] = [e for e in editor.prompt().values() if e["class_type"] == "PaniniSelectFaces"]
    assert select["inputs"]["selection"] == "1"


def test_boards_with_pictures_can_become_a_subgraph(editor: Editor, web_server: Server) -> None:
    """Their nodes are cloned for that; the clones, which are in no graph, have boards too."""
    boards = Boards(editor, upload(web_server, tile(2, 1, 256), "pair.png"))
    editor.run()
    editor.evaluate(
        """(ids) => {
            window.made = app.graph.convertToSubgraph(new Set(ids.map(panini.node)));
        }""",
        [boards.detect, boards.select],
    )
    expect(editor.find(".panini-face-board:visible")).to_have_count(0)
    editor.evaluate("() => app.canvas.openSubgraph(made.subgraph, made.node)")
    shown = editor.find(".panini-face-board").get_by_role("status")
    expect(shown.filter(has_text="2 faces: choose in Select Faces.")).to_be_visible()
    expect(shown.filter(has_text="2 of 2 faces selected")).to_be_visible()


def test_outputs_that_cannot_be_read_change_nothing(editor: Editor, web_server: Server) -> None:
    boards = Boards(editor, upload(web_server, tile(1, 1, 256), "one.png"))
    editor.run()
    for output in (None, {}, {"panini_faces": []}, {"panini_faces": [{"version": 99}]}):
        editor.evaluate("(id, output) => panini.node(id).onExecuted(output)", boards.select, output)
    boards.expect("all", [0])
    editor.evaluate(
        "(id) => { panini.node(id).properties.panini_face_board = { version: 99 }; }", boards.select
    )
    editor.save_and_reload()
    expect(editor.page.get_by_text("Run, then choose faces by clicking.")).to_be_visible()
    editor.evaluate("(id) => app.graph.remove(panini.node(id))", boards.select)
    expect(editor.find(".panini-face-board")).to_have_count(1)


def test_a_board_without_faces_says_what_to_try(editor: Editor, web_server: Server) -> None:
    grey = Image.new("RGB", (128, 128), "grey")
    boards = Boards(editor, upload(web_server, grey, "grey.png"))
    editor.run()
    shown = editor.find(".panini-face-board").get_by_role("status")
    nothing = "No face was found."
    expect(shown.filter(has_text=f"{nothing} Try a threshold below 0.6.")).to_be_visible()
    expect(shown.filter(has_text=re.compile(f"^{nothing}$"))).to_be_visible()
    editor.write(boards.detect, "threshold", 0.3)
    expect(shown.filter(has_text="Try a threshold below 0.3.")).to_be_visible()


def test_the_right_panel_leaves_a_board_as_wide_as_it_is(
    editor: Editor, front_end: Path | None
) -> None:
    if front_end is None:
        pytest.skip("has no such panel")
    node = editor.add("PaniniSelectFaces", 0, 0)
    width = """() => {
        const board = document.querySelector(".panini-face-board");
        return Math.round(board.getBoundingClientRect().width / app.canvas.ds.scale);
    }"""
    editor.settle(width)
    before = editor.evaluate(width)
    change = """async (id, isOpen) => {
        await app.extensionManager.setting.set("Comfy.RightSidePanel.IsOpen", isOpen);
        app.canvas.deselectAll();
        if (isOpen) app.canvas.selectItems([panini.node(id)]);
    }"""
    for is_open in (True, False):
        editor.evaluate(change, node, is_open)
        editor.settle(width)
        assert editor.evaluate(width) == before
