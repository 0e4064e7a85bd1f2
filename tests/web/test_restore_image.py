"""Restore Faces on a real server: with the image alone, and what it shows in itself."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, expect

from ..server.server import Server
from .browser import Editor
from .pictures import tile, upload

HEIGHT = "(id) => panini.node(id).size[1]"


class Whole:
    """Load Image -> Restore Faces, and nothing else."""

    def __init__(self, editor: Editor, picture: str) -> None:
        self.editor = editor
        image = editor.add("LoadImage", 460, 0, image=picture)
        self.node = editor.add("PaniniRestoreImage", 0, 0)
        editor.link(image, "IMAGE", self.node, "image")
        editor.look_at(0, 0, 0.7)

        self.result, self.faces = (
            editor.find(".panini-fold").filter(has_text=name)
            for name in ("Before and after", "Faces")
        )

    @property
    def board(self) -> Locator:
        return self.editor.find(".panini-face-board")

    @property
    def slider(self) -> Locator:
        return self.editor.find(".panini-compare")

    def height(self) -> float:
        self.editor.settle(HEIGHT, self.node)
        return self.editor.evaluate(HEIGHT, self.node)


def test_with_the_image_alone_it_shows_the_result(
    editor: Editor, web_server: Server, screenshot: Any
) -> None:
    whole = Whole(editor, upload(web_server, tile(2, 1, 256), "pair.png"))
    expect(editor.page.get_by_text("Run to compare.")).to_be_visible()
    queued = editor.run()
    assert {"model", "detector"}.isdisjoint(queued[whole.node]["inputs"])
    expect(whole.slider.get_by_role("slider")).to_be_visible()
    expect(whole.slider).to_contain_text("before · 512×256")
    expect(whole.faces).to_contain_text("2 of 2 faces selected")
    expect(whole.board).to_be_hidden()
    screenshot(editor.page, "restore-image-folded")

    whole.faces.click()
    whole.board.get_by_role("checkbox").nth(0).click()
    assert editor.value(whole.node, "selection") == "1"
    screenshot(editor.page, "restore-image")
    assert editor.run()[whole.node]["inputs"]["selection"] == "1"
    expect(whole.faces).to_contain_text("1 of 2 faces selected")


def test_its_parts_fold_away_and_stay_so(editor: Editor, web_server: Server, renderer: str) -> None:
    whole = Whole(editor, upload(web_server, tile(1, 1, 256), "one.png"))
    editor.run()
    expect(whole.slider.get_by_role("slider")).to_be_visible()
    both = whole.height()
    whole.result.click()
    expect(whole.slider).to_be_hidden()
    on_canvas = renderer == "classic"  # Nodes 2.0 sizes a node by its content itself
    assert not on_canvas or whole.height() < both - 200
    whole.faces.click()
    expect(whole.board.get_by_role("checkbox")).to_be_visible()
    unfolded = whole.height()

    editor.save_and_reload()
    expect(whole.board.get_by_role("checkbox")).to_be_visible()
    expect(whole.slider).to_be_hidden()
    assert not on_canvas or abs(whole.height() - unfolded) < 4
    whole.result.focus()
    editor.page.keyboard.press("Enter")
    expect(whole.slider.get_by_role("slider")).to_be_visible()
    whole.faces.focus()  # a click would need it within the window
    editor.page.keyboard.press("Enter")
    expect(whole.board).to_be_hidden()
    assert not on_canvas or abs(whole.height() - both) < 4


def test_a_face_gets_values_of_its_own(editor: Editor, web_server: Server) -> None:
    whole = Whole(editor, upload(web_server, tile(2, 1, 256), "pair.png"))
    editor.run()
    whole.faces.click()
    right = whole.board.get_by_role("checkbox").nth(1)
    right.focus()
    for key in ("-", "-", "+", "PageDown"):
        editor.page.keyboard.press(key)
    assert editor.value(whole.node, "face_strength") == "1: 0.95"
    assert editor.value(whole.node, "face_fidelity") == "1: 0.45"
    expect(whole.board.get_by_role("status")).to_contain_text("strength 0.95 · fidelity 0.45")

    right.hover()
    editor.page.keyboard.down("Alt")
    editor.page.mouse.wheel(0, 100)
    editor.page.keyboard.up("Alt")
    expect(whole.board.get_by_role("status")).to_contain_text("strength 0.90")
    queued = editor.run()[whole.node]["inputs"]
    assert (queued["face_strength"], queued["face_fidelity"]) == ("1: 0.9", "1: 0.45")


def test_a_picture_without_a_face_says_so(editor: Editor, web_server: Server) -> None:
    whole = Whole(editor, upload(web_server, tile(1, 1, 256).point(lambda _: 90), "grey.png"))
    editor.run()
    expect(whole.faces).to_contain_text("No face was found.")
