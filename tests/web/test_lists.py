"""Lists on a real front end: a node that ran several times shows what all of its runs sent."""

from __future__ import annotations

from typing import Any

from PIL import Image
from playwright.sync_api import Locator, expect

from ..server.server import Server
from .browser import Editor
from .pictures import tile, upload


def pictures(server: Server) -> tuple[str, str]:
    """Two faces, and one face, both 256 x 128 px."""
    one = Image.new("RGB", (256, 128), (90, 110, 130))
    one.paste(tile(1, 1, 128), (64, 0))
    return upload(server, tile(2, 1, 128), "list-two.png"), upload(server, one, "list-one.png")


class Chain:
    """Load Image, twice -> Rebatch Images, to a list of batches of one -> everything that shows."""

    def __init__(self, editor: Editor, server: Server) -> None:
        self.editor = editor
        loaded = [
            editor.add("LoadImage", 400 * place, 1000, image=name)
            for place, name in enumerate(pictures(server))
        ]
        batch = editor.add("ImageBatch", 800, 1000)
        images = editor.add("RebatchImages", 1100, 1000, batch_size=1)
        detector = editor.add("PaniniLoadDetector", 0, 1400)
        model = editor.add("PaniniLoadModel", 400, 1400)
        align = editor.add("PaniniAlignFaces", 800, 1400)
        self.detect = editor.add("PaniniDetectFaces", 0, 0)
        self.select = editor.add("PaniniSelectFaces", 400, 0)
        self.compare = editor.add("PaniniCompareImages", 800, 0)
        self.degradation = editor.add("PaniniExtractDegradation", 0, 600)
        self.mixer = editor.add("PaniniFusionWeights", 480, 600)
        for name, source in zip(("image1", "image2"), loaded, strict=True):
            editor.link(source, "IMAGE", batch, name)
        editor.link(batch, "IMAGE", images, "images")
        for target, name in (
            (self.detect, "image"),
            (self.select, "image"),
            (align, "image"),
            (self.compare, "before"),
            (self.compare, "after"),
        ):
            editor.link(images, "IMAGE", target, name)
        editor.link(detector, "detector", self.detect, "detector")
        editor.link(self.detect, "faces", self.select, "faces")
        editor.link(self.select, "faces", self.compare, "faces")
        editor.link(self.detect, "faces", align, "faces")
        editor.link(align, "faces", self.degradation, "faces")
        editor.link(model, "model", self.degradation, "model")
        editor.link(model, "model", self.mixer, "model")
        editor.link(self.degradation, "degradation", self.mixer, "degradation")
        editor.look_at(0, 0, 0.7)

    @property
    def board(self) -> Locator:
        """Of Select Faces, whose faces can be chosen."""
        boards = self.editor.find(".panini-face-board")
        return boards.filter(has=self.editor.page.get_by_role("checkbox"))

    def expect_second(self) -> None:
        """The second picture is shown, with its only face."""
        expect(self.board).to_contain_text("2 / 2")
        expect(self.board.get_by_role("checkbox")).to_have_count(1)
        expect(self.editor.find(".panini-compare")).to_contain_text("2 / 2")


def test_every_widget_shows_all_batches_of_a_list(
    editor: Editor, web_server: Server, screenshot: Any
) -> None:
    chain = Chain(editor, web_server)
    editor.run()
    page = editor.page
    expect(chain.board).to_contain_text("1 / 2")
    expect(chain.board.get_by_role("checkbox")).to_have_count(2)
    faces = editor.find(".panini-degradation-faces").get_by_role("listitem")
    expect(faces).to_have_count(3)
    expect(editor.find(".panini-degradation-badge")).to_have_count(3)
    faces.nth(2).focus()
    expect(editor.find(".panini-degradation-lit")).to_have_attribute("data-face", "2")
    expect(editor.find(".panini-mixer-legend")).to_have_attribute(
        "title",
        "Left: how the network "
        "spreads the prior's share over a level's channels. Right: what the mixer makes of it. "
        "Faces: 3",
    )

    # A choice names faces of all pictures, as in a batch.
    chain.board.get_by_role("checkbox").nth(0).click()
    assert editor.value(chain.select, "selection") == "1"
    chain.board.get_by_role("button", name="Next picture").click()
    panel = editor.find(".panini-compare")
    panel.get_by_role("button", name="Next picture").click()
    chain.expect_second()
    expect(chain.board.get_by_role("checkbox")).to_have_attribute("aria-checked", "false")
    detected = editor.find(".panini-face-board").filter(has=page.get_by_role("img")).first
    detected.get_by_role("button", name="Next picture").click()
    expect(detected).to_contain_text("2 / 2")
    screenshot(page, "lists")

    editor.save_and_reload()
    editor.look_at(0, 0, 0.7)
    chain.expect_second()
    expect(editor.find(".panini-degradation-badge")).to_have_count(3)
    chain.board.get_by_role("checkbox").click()
    assert editor.value(chain.select, "selection") == "all"
    editor.run()
    chain.expect_second()


def test_places_count_over_what_is_not_shown(editor: Editor, web_server: Server) -> None:
    chain = Chain(editor, web_server)
    editor.run()
    editor.evaluate(  # as of batches of 70 and 3 images, of which one each came
        """(id) => {
            const [first, second] = app.nodeOutputs[id].panini_faces;
            panini.node(id).onExecuted({ panini_faces: [
                { ...first, total_frames: 70 }, { version: 99 }, { ...second, total_frames: 3 },
            ] });
        }""",
        chain.select,
    )
    expect(chain.board).to_contain_text("1 / 73")
    chain.board.get_by_role("button", name="Next picture").click()
    place = chain.board.get_by_text("71 / 73")
    expect(place).to_have_attribute("title", "Only 2 of the 73 pictures are shown.")
    expect(chain.board.get_by_role("button", name="Next picture")).to_be_disabled()
