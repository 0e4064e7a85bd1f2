"""The degradation view on a real server: run, read, point at a face, load again."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from ..server.client import Client
from ..server.server import Server
from .browser import Editor


def test_the_view_tells_how_each_face_is_degraded(
    editor: Editor, web_server: Server, screenshot: Any
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    with Client(web_server.url) as client:
        name = client.upload_image(Image.fromarray(noise), "noise.png")
    picture = editor.add("LoadImage", 0, 420, image=name)
    batch = editor.add("RepeatImageBatch", 300, 420, amount=3)
    model = editor.add("PaniniLoadModel", 560, 420)
    node = editor.add("PaniniExtractDegradation", 0, 0)
    editor.link(picture, "IMAGE", batch, "image")
    editor.link(batch, "IMAGE", node, "crops")
    editor.link(model, "model", node, "model")
    view = editor.find(".panini-degradation")
    expect(view).to_contain_text("Run to see how the faces are degraded.")

    editor.run()
    faces = view.locator(".panini-degradation-faces").get_by_role("listitem")
    expect(faces).to_have_count(3)
    [payload] = editor.evaluate("(id) => app.nodeOutputs[id].panini_degradation", node)
    expect(faces.first).to_contain_text(payload["faces"][0]["text"])
    severity = payload["faces"][0]["severity"]
    expect(faces.first.get_by_role("meter")).to_have_attribute("aria-valuenow", f"{severity:.2f}")
    known = view.get_by_role("list", name="Known degradations").get_by_role("listitem")
    expect(known).to_have_text(payload["atlas"]["labels"])
    badges = view.locator(".panini-degradation-badge")
    expect(badges).to_have_count(3)
    boxes = [badge.bounding_box() for badge in badges.all()]
    assert len({(box["x"], box["y"]) for box in boxes if box}) == 3, "faces cover each other"
    screenshot(editor.page, "degradation-view")

    faces.nth(1).focus()
    lit = view.locator(".panini-degradation-lit")
    expect(lit).to_have_attribute("data-face", "1")
    faces.nth(2).focus()
    expect(lit).to_have_attribute("data-face", "2")

    editor.save_and_reload()
    expect(badges).to_have_count(3)
    expect(faces.first).to_contain_text(payload["faces"][0]["text"])


def test_what_cannot_be_shown_is_said(editor: Editor) -> None:
    node = editor.add("PaniniExtractDegradation", 0, 0)
    view = editor.find(".panini-degradation")

    def show(**payload: Any) -> None:
        editor.evaluate(
            "(id, payload) => panini.node(id).onExecuted({ panini_degradation: [payload] })",
            *(node, payload),
        )

    show(version=1, atlas=None, count=2, faces=[])
    expect(view).to_contain_text("no atlas of known degradations")
    show(version=1, atlas=None, count=0, faces=[])
    expect(view).to_contain_text("no face")
    for strange in ({"version": 2, "faces": [], "count": 3}, {"version": 1, "faces": "many"}):
        show(**strange)
        expect(view).to_contain_text("no face")  # what was there stays
    face = {"number": 0, "position": None, "severity": None, "nearest": None, "text": "<b>?</b>"}
    show(version=1, atlas={"labels": ["blur"], "points": [[0.5, 0.5, 0], "x"]}, faces=[face])
    expect(view.locator(".panini-degradation-faces")).to_contain_text("<b>?</b>")
    expect(view.locator(".panini-degradation-badge")).to_have_count(0)
    expect(view.get_by_role("meter")).to_have_count(0)
    expect(view.get_by_text("The first")).to_have_count(0)
    show(version=1, atlas={"labels": ["blur"], "points": []}, faces=[face], count=9)
    expect(view).to_contain_text("The first 1 of 9 faces.")
