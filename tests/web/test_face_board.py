"""The face board on a real server: detect, look, choose by clicking, save, load."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from ..server.client import Client
from ..server.server import Server
from .browser import Editor


@pytest.fixture(scope="session")
def astronaut() -> Image.Image:
    data = pytest.importorskip("skimage.data", reason="needs a picture with a face (scikit-image)")
    return Image.fromarray(data.astronaut()).crop((96, 0, 352, 256))


def tile(face: Image.Image, columns: int, rows: int, side: int) -> Image.Image:
    small = np.asarray(face.resize((side, side)))
    return Image.fromarray(np.tile(small, (rows, columns, 1)))


def upload(server: Server, picture: Image.Image, name: str) -> str:
    with Client(server.url) as client:
        return client.upload_image(picture, name)


class Graph:
    """Load Image -> Detect Faces -> Select Faces, with boards on the latter two."""

    def __init__(self, editor: Editor, picture: str, *, batch: int = 1) -> None:
        self.editor = editor
        self.image = editor.add("LoadImage", 0, 560, image=picture)
        self.detector = editor.add("PaniniLoadDetector", 320, 560)
        self.detect = editor.add("PaniniDetectFaces", 0, 0)
        self.select = editor.add("PaniniSelectFaces", 420, 0)
        source = self.image
        if batch > 1:
            source = editor.add("RepeatImageBatch", 620, 560, amount=batch)
            editor.link(self.image, "IMAGE", source, "image")
        editor.link(source, "IMAGE", self.detect, "image")
        editor.link(self.detector, "detector", self.detect, "detector")
        editor.link(self.detect, "faces", self.select, "faces")
        editor.link(source, "IMAGE", self.select, "image")

    def selection(self) -> Any:
        return self.editor.value(self.select, "selection")


def test_faces_are_chosen_by_clicking(
    editor: Editor, web_server: Server, astronaut: Image.Image, screenshot: Any
) -> None:
    graph = Graph(editor, upload(web_server, tile(astronaut, 3, 1, 256), "three.png"))
    board = editor.find(".panini-face-board")
    expect(board).to_have_count(2)
    expect(board.nth(0)).to_contain_text("Run to see the faces.")
    editor.run()
    faces = board.nth(1).get_by_role("checkbox")
    expect(faces).to_have_count(3)
    screenshot(editor.page, "face-board")
