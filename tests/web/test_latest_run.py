"""What a run showed is found again: after loading, and when its tab is looked at again."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from ..server.server import Server
from .browser import Editor
from .pictures import tile, upload

KEPT = ["panini_face_board", "panini_compare", "panini_degradation", "panini_mixer"]


class Panels:
    """All nodes that show what a run sent, with a picture of one face."""

    def __init__(self, editor: Editor, picture: str) -> None:
        self.editor = editor
        image = editor.add("LoadImage", 0, 900, image=picture)
        detector = editor.add("PaniniLoadDetector", 350, 900)
        model = editor.add("PaniniLoadModel", 700, 900)
        detect = editor.add("PaniniDetectFaces", 0, 0)
        degradation = editor.add("PaniniExtractDegradation", 380, 0)
        mixer = editor.add("PaniniFusionWeights", 380, 450)
        compare = editor.add("PaniniCompareImages", 830, 0)
        editor.link(image, "IMAGE", detect, "image")
        editor.link(detector, "detector", detect, "detector")
        editor.link(model, "model", degradation, "model")
        editor.link(image, "IMAGE", degradation, "crops")
        editor.link(model, "model", mixer, "model")
        editor.link(degradation, "degradation", mixer, "degradation")
        editor.link(image, "IMAGE", compare, "before")
        editor.link(detect, "overlay", compare, "after")
        editor.look_at(0, 0, 0.8)

    def expect_shown(self) -> None:
        find = self.editor.find
        expect(find(".panini-face-board .panini-face")).to_have_count(1)
        expect(find(".panini-compare")).to_contain_text("before · 256×256")
        expect(find(".panini-degradation .panini-degradation-badge")).to_have_count(1)
        expect(find(".panini-mixer")).to_contain_text("with the mixer")
        expect(find(".panini-mixer [aria-valuetext*='on average']")).not_to_have_count(0)

    def expect_nothing(self) -> None:
        for text in ("Run to see the faces.", "Run to compare.", "how the faces are degraded."):
            expect(self.editor.page.get_by_text(text)).to_be_visible()
        expect(self.editor.find(".panini-mixer")).to_contain_text("what the network chooses.")

    def forget(self) -> None:
        """As in a workflow that was saved before the run."""
        self.editor.evaluate(
            """(names) => {
                for (const { properties } of app.graph.nodes) {
                    for (const name of names) delete properties[name];
                }
            }""",
            KEPT,
        )

    def load_again(self) -> None:
        """In the same page, whose outputs go with the old workflow."""
        self.editor.evaluate("async () => app.loadGraphData(app.graph.serialize())")
        self.editor.look_at(0, 0, 0.8)


@pytest.fixture
def panels(editor: Editor, web_server: Server) -> Panels:
    return Panels(editor, upload(web_server, tile(1, 1, 256), "one.png"))


def test_a_run_is_saved_with_the_workflow(editor: Editor, panels: Panels, screenshot: Any) -> None:
    panels.expect_nothing()
    editor.run()
    panels.expect_shown()
    told = editor.find(".panini-mixer [role=slider]").first
    before = told.get_attribute("aria-valuetext")
    size = len(editor.evaluate("() => JSON.stringify(app.graph.serialize())"))
    assert size < 60_000  # it becomes part of every picture that is saved

    editor.save_and_reload()
    editor.look_at(0, 0, 0.8)
    panels.expect_shown()
    expect(told).to_have_attribute("aria-valuetext", before or "")
    screenshot(editor.page, "loaded-again")

    panels.forget()
    panels.load_again()
    panels.expect_nothing()


def test_a_run_comes_back_with_its_tab(editor: Editor, panels: Panels) -> None:
    editor.run()
    panels.expect_shown()
    panels.forget()  # so that only the outputs are left, which the front end keeps
    command = "async (name) => app.extensionManager.command.execute(name)"
    editor.evaluate(command, "Comfy.NewBlankWorkflow")
    expect(editor.find(".panini-panel")).to_have_count(0)
    editor.evaluate(command, "Workspace.PreviousOpenedWorkflow")
    panels.expect_shown()
