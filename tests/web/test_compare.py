"""The compare slider on a real server: drag, zoom, go from face to face, save, load."""

from __future__ import annotations

import re
from typing import Any, Literal

import pytest
from PIL import Image
from playwright.sync_api import FloatRect, Locator, expect

from ..server.server import Server
from .browser import Editor
from .pictures import tile, upload


class Comparison:
    """A picture, twice as large, under a slider with itself degraded."""

    def __init__(self, editor: Editor, picture: str, *, batch: int = 1, faces: bool = True) -> None:
        self.editor = editor
        self.compare = editor.add("PaniniCompareImages", 0, 0)
        image = editor.add("LoadImage", 500, 0, image=picture)
        repeat = editor.add("RepeatImageBatch", 500, 400, amount=batch)
        large = editor.add("ImageScaleBy", 500, 600, scale_by=2)
        degrade = editor.add("PaniniDegradeImage", 800, 400)
        editor.link(image, "IMAGE", repeat, "image")
        editor.link(repeat, "IMAGE", large, "image")
        editor.link(repeat, "IMAGE", degrade, "image")
        editor.link(degrade, "image", self.compare, "before")
        editor.link(large, "IMAGE", self.compare, "after")
        if faces:
            detect = editor.add("PaniniDetectFaces", 1200, 0)
            detector = editor.add("PaniniLoadDetector", 1200, 700)
            editor.link(repeat, "IMAGE", detect, "image")
            editor.link(detector, "detector", detect, "detector")
            editor.link(detect, "faces", self.compare, "faces")

    @property
    def panel(self) -> Locator:
        return self.editor.find(".panini-compare")

    @property
    def stage(self) -> Locator:
        return self.panel.get_by_role("slider")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A place on the stage (shares of it) in px of the page."""
        box = self.stage.bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.editor.page.mouse
        mouse.move(*self.at(*start))
        mouse.down()
        mouse.move(*self.at((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        mouse.move(*self.at(*end))
        mouse.up()

    def divider(self) -> float:
        """What the slider says, which must be where the line and the edge of `after` are."""
        value = int(self.stage.get_attribute("aria-valuenow") or "") / 100
        line = self.panel.locator(".panini-divider").bounding_box()
        assert line is not None
        assert line["x"] + line["width"] / 2 == pytest.approx(self.at(value, 0)[0], abs=3)
        return value

    def zoom(self) -> float:
        label = self.panel.get_by_role("button", name="Show the whole picture").inner_text()
        return float(label.removesuffix("×"))

    def pictures(self) -> list[FloatRect]:
        """Where they are, once they are loaded."""
        self.editor.page.wait_for_function(
            """() => [...document.querySelectorAll(".panini-compare img")].every(
                (image) => image.complete && image.naturalWidth > 0
            )"""
        )
        boxes = [picture.bounding_box() for picture in self.panel.locator("img").all()]
        return [box for box in boxes if box is not None]

    def press(self, *keys: str) -> None:
        for key in keys:
            self.editor.page.keyboard.press(key)


def test_the_divider_is_dragged_and_moved_by_keys(
    editor: Editor, web_server: Server, screenshot: Any
) -> None:
    comparison = Comparison(editor, upload(web_server, tile(1, 1, 256), "one.png"))
    expect(editor.page.get_by_text("Run to compare.")).to_be_visible()
    editor.run()
    assert comparison.divider() == 0.5
    expect(comparison.panel).to_contain_text("before · 256×256")
    expect(comparison.panel).to_contain_text("after · 512×512")
    before, after = comparison.pictures()
    assert before == pytest.approx(after)
    screenshot(editor.page, "compare")

    before_drag = editor.evaluate("(id) => [...panini.node(id).pos]", comparison.compare)
    comparison.drag((0.5, 0.3), (0.8, 0.6))
    assert comparison.divider() == pytest.approx(0.8, abs=0.02)
    comparison.drag((0.1, 0.5), (0.25, 0.5))  # where there is no divider
    assert comparison.divider() == pytest.approx(0.25, abs=0.02)
    after_drag = editor.evaluate("(id) => [...panini.node(id).pos]", comparison.compare)
    assert before_drag == after_drag  # the node stayed where it was
    comparison.press("Home")
    assert comparison.divider() == 0
    comparison.press("ArrowRight", "ArrowRight", "Shift+ArrowRight", "ArrowLeft")
    assert comparison.divider() == 0.12

    editor.save_and_reload()
    expect(comparison.stage).to_have_attribute("aria-valuenow", "12")
    assert len(comparison.pictures()) == 2
    for picture in (web_server.base / "temp").glob("panini_*"):  # as when ComfyUI is started anew
        picture.unlink()
    editor.save_and_reload()
    expect(editor.page.get_by_text("The pictures are no longer there")).to_be_visible()


def test_zoom_and_pan(editor: Editor, web_server: Server, screenshot: Any) -> None:
    picture = upload(web_server, tile(3, 1, 256), "three.png")
    comparison = Comparison(editor, picture)
    editor.run()
    canvas = editor.evaluate("() => app.canvas.ds.scale")
    comparison.stage.click(position={"x": 200, "y": 120})
    editor.page.mouse.wheel(0, -300)
    expect(comparison.stage).to_have_attribute("data-zoomed", "")
    assert comparison.zoom() > 1.2
    assert editor.evaluate("() => app.canvas.ds.scale") == canvas
    before, after = comparison.pictures()
    assert before == pytest.approx(after, abs=1)

    divider = comparison.divider()
    far = 0.2 if divider > 0.5 else 0.9  # away from the divider the picture is moved
    comparison.drag((far, 0.5), (far - 0.1, 0.5))
    assert comparison.divider() == divider
    assert comparison.pictures()[0]["x"] < before["x"]
    comparison.press("0")
    assert comparison.zoom() == 1
    comparison.press("+", "+", "-")
    assert comparison.zoom() == 1.4

    for key, number in (("n", 0), ("n", 1), ("n", 2), ("n", 0), ("p", 2)):
        comparison.press(key)
        expect(comparison.panel).to_contain_text(f"face {number}")
    screenshot(editor.page, "compare-face")
    left, width = comparison.at(0, 0)[0], comparison.at(1, 0)[0] - comparison.at(0, 0)[0]
    shown = comparison.pictures()[0]
    middle = (left + width / 2 - shown["x"]) / shown["width"]
    assert 2 / 3 < middle < 1  # the third of three faces
    comparison.press("0")
    assert comparison.zoom() == 1


def test_the_wheel_zooms_the_canvas_until_the_slider_is_used(
    editor: Editor, web_server: Server
) -> None:
    picture = upload(web_server, tile(1, 1, 256), "one.png")
    comparison = Comparison(editor, picture, faces=False)
    editor.run()
    before = editor.evaluate("() => app.canvas.ds.scale")
    editor.page.mouse.move(*comparison.at(0.5, 0.5))
    editor.page.mouse.wheel(0, 120)
    editor.page.wait_for_function("(before) => app.canvas.ds.scale !== before", arg=before)
    assert comparison.zoom() == 1


def test_a_batch_is_looked_through(editor: Editor, web_server: Server) -> None:
    picture = upload(web_server, tile(1, 1, 128), "small.png")
    comparison = Comparison(editor, picture, batch=3, faces=False)
    editor.run()
    panel = comparison.panel
    expect(panel.get_by_text(re.compile("^face"))).to_be_hidden()
    expect(panel).to_contain_text("1 / 3")
    panel.get_by_role("button", name="Next picture").click()
    expect(panel).to_contain_text("2 / 3")
    comparison.stage.focus()
    comparison.press("PageDown", "PageDown")
    expect(panel).to_contain_text("3 / 3")
    editor.save_and_reload()
    expect(panel).to_contain_text("3 / 3")
    comparison.stage.focus()
    comparison.press("PageUp")
    expect(panel).to_contain_text("2 / 3")


def test_a_batch_is_played(editor: Editor, web_server: Server) -> None:
    picture = upload(web_server, tile(1, 1, 128), "small.png")
    comparison = Comparison(editor, picture, batch=3, faces=False)
    editor.run()
    panel = comparison.panel
    comparison.stage.focus()
    comparison.press("+")  # a close-up is looked at through the whole batch
    panel.get_by_role("button", name="Play").click()
    for place in ("2 / 3", "1 / 3", "3 / 3"):
        expect(panel).to_contain_text(place)
    stop = panel.get_by_role("button", name="Stop")
    stop.click()
    expect(stop).to_be_hidden()
    shown = panel.locator(".panini-place").filter(has_text="/").inner_text()
    index = "(id) => panini.node(id).properties.panini_compare.index"
    assert editor.evaluate(index, comparison.compare) == int(shown[0]) - 1
    assert comparison.zoom() == 1.4

    comparison.stage.focus()
    comparison.press("Space")
    expect(stop).to_be_visible()
    comparison.press("PageUp")  # a step of one's own ends it
    expect(stop).to_be_hidden()


def test_pictures_are_opened_and_saved(editor: Editor, web_server: Server) -> None:
    picture = upload(web_server, tile(1, 1, 128), "small.png")
    comparison = Comparison(editor, picture, faces=False)
    editor.run()
    sizes = {"after": 256, "before": 128}
    shift: list[Literal["Shift"]] = ["Shift"]
    for side, modifiers in (("after", None), ("before", shift)):
        with editor.page.expect_download() as download:
            button = comparison.panel.get_by_role("button", name="Save the picture")
            button.click(modifiers=modifiers)
        assert download.value.suggested_filename == f"{side}_1.webp"
        with Image.open(download.value.path()) as saved:
            assert saved.size == (sizes[side], sizes[side])
        with editor.page.context.expect_page() as opened:
            button = comparison.panel.get_by_role("button", name="Open the picture")
            button.click(modifiers=modifiers)
        assert "/view?" in opened.value.url
        opened.value.close()


@pytest.mark.parametrize(
    ("source", "output", "ends"),
    [
        ("ImageScaleBy", "IMAGE", {"before": "LoadImage", "after": "ImageScaleBy"}),
        ("PaniniDegradeImage", "image", {"before": "LoadImage", "after": "PaniniDegradeImage"}),
        ("LoadImage", "IMAGE", {"before": "LoadImage"}),
    ],
)
def test_a_dropped_wire_brings_the_image_before_along(
    editor: Editor, source: str, output: str, ends: dict[str, str]
) -> None:
    nodes = {kind: editor.add(kind, 0, 0) for kind in {"LoadImage", source}}
    if source != "LoadImage":
        editor.link(nodes["LoadImage"], "IMAGE", nodes[source], "image")
    compare = editor.evaluate(
        """async (source, output) => {  // as the front end does
            const compare = panini.add("PaniniCompareImages");
            panini.link(source, output, compare, "before");
            await new Promise((resolve) => setTimeout(resolve, 50));
            return compare;
        }""",
        *(nodes[source], output),
    )
    inputs = editor.prompt()[compare]["inputs"]
    assert {name: value[0] for name, value in inputs.items()} == {
        name: nodes[kind] for name, kind in ends.items()
    }


def test_a_comparison_that_is_pasted_keeps_its_links(editor: Editor) -> None:
    image = editor.add("LoadImage", 0, 0)
    scaled = editor.add("ImageScaleBy", 0, 0)
    compare = editor.add("PaniniCompareImages", 0, 0)
    editor.link(image, "IMAGE", scaled, "image")
    editor.link(scaled, "IMAGE", compare, "before")
    editor.evaluate(
        """async (ids) => {
            app.canvas.copyToClipboard(ids.map(panini.node));
            app.canvas.pasteFromClipboard();
            await new Promise((resolve) => setTimeout(resolve, 50));
        }""",
        [scaled, compare],
    )
    prompt = editor.prompt()
    copies = [entry for entry in prompt.values() if entry["class_type"] == "PaniniCompareImages"]
    assert len(copies) == 2
    assert all(set(entry["inputs"]) == {"before"} for entry in copies)
