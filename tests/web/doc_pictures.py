"""The pictures of the editor in `docs/images`, of real runs. To make them anew:

pytest tests/web/doc_pictures.py -k newest-nodes2
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect

from ..server.server import PROJECT_ROOT, Server
from .browser import Editor
from .layout import NOTES
from .pictures import astronaut, upload
from .test_compare import Comparison
from .test_face_board import Boards
from .test_layout import OPEN, measure

FOLDER = PROJECT_ROOT / "docs" / "images"
WINDOW = {"width": 1800, "height": 1400}  # px: what is pictured must be seen as a whole
LARGEST = 1200  # px, of a picture's sides
MARGIN = 14  # px, around the nodes

Take = Callable[..., None]


@pytest.fixture
def take(editor: Editor) -> Take:
    """take(name, *nodes): picture these nodes, which are brought into view."""
    editor.page.set_viewport_size(WINDOW)  # pyright: ignore[reportArgumentType]

    def picture(name: str, *nodes: str) -> None:
        editor.page.mouse.move(5, WINDOW["height"] - 5)
        left, top, *_ = bounds(editor, nodes)
        editor.look_at(left, top - 50)  # below what lies over the canvas
        left, top, right, bottom = bounds(editor, nodes)
        scale, across, down = editor.evaluate(
            """() => {
                const { left, top } = app.canvas.canvas.getBoundingClientRect();
                const { scale, offset } = app.canvas.ds;
                return [scale, left + offset[0] * scale, top + offset[1] * scale];
            }"""
        )
        left, right = (x * scale + across for x in (left - MARGIN, right + MARGIN))
        top, bottom = (y * scale + down for y in (top - MARGIN, bottom + MARGIN))
        clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        shot = editor.page.screenshot(clip=clip)  # pyright: ignore[reportArgumentType]
        image = Image.open(BytesIO(shot))
        image.thumbnail((LARGEST, LARGEST))
        image.save(FOLDER / f"{name}.webp", quality=88, method=6)

    return picture


def bounds(editor: Editor, nodes: tuple[str, ...]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of these nodes, px of the graph."""
    boxes = [box for number, box in measure(editor).items() if str(number) in nodes]
    return (
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.left + box.width for box in boxes),
        max(box.top + box.height for box in boxes),
    )


def group() -> Image.Image:
    """Three pictures of one face beside each other, in sizes of their own."""
    picture = Image.new("RGB", (640, 256), (212, 208, 204))
    for left, side in ((0, 220), (220, 180), (400, 240)):
        picture.paste(astronaut().resize((side, side)), (left, 256 - side))
    return picture


def add_crops(editor: Editor) -> str:
    """The aligned face of the sample photo; the id of the node that gives it."""
    photo = editor.add("PaniniSamplePhoto", 1400, 0)
    detector = editor.add("PaniniLoadDetector", 1400, 300)
    detect = editor.add("PaniniDetectFaces", 1400, 500)
    align = editor.add("PaniniAlignFaces", 1800, 0)
    editor.link(photo, "image", detect, "image")
    editor.link(detector, "detector", detect, "detector")
    editor.link(photo, "image", align, "image")
    editor.link(detect, "faces", align, "faces")
    return align


def test_graph(editor: Editor, take: Take) -> None:
    file = PROJECT_ROOT / "example_workflows" / "restore_a_photo.json"
    workflow = json.loads(file.read_text(encoding="utf-8"))
    editor.evaluate(OPEN, workflow)
    count = len(workflow["nodes"])
    editor.page.wait_for_function("(count) => app.graph.nodes.length === count", arg=count)
    editor.run()
    expect(editor.find(".panini-compare img").first).to_be_visible()
    take("graph", *(str(node["id"]) for node in workflow["nodes"] if node["type"] not in NOTES))


def test_face_board(editor: Editor, web_server: Server, take: Take) -> None:
    boards = Boards(editor, upload(web_server, group(), "group.png"))
    editor.run()
    boards.face(1).click()
    boards.expect("0,2", [0, 2])
    take("face_board", boards.detect, boards.select)


def test_mixer(editor: Editor, take: Take) -> None:
    moved = {"preset": "faithful", "level_4": 0.3, "level_32": -0.4, "level_64": -0.6}
    mixer = editor.add("PaniniFusionWeights", 0, 0, **moved)
    model = editor.add("PaniniLoadModel", 600, 0)
    degradation = editor.add("PaniniExtractDegradation", 600, 300)
    editor.link(add_crops(editor), "crops", degradation, "crops")
    editor.link(model, "model", degradation, "model")
    editor.link(model, "model", mixer, "model")
    editor.link(degradation, "degradation", mixer, "degradation")
    editor.run()
    expect(editor.find(".panini-mixer")).to_contain_text("with the mixer")
    take("mixer", mixer)


def test_degradation_view(editor: Editor, take: Take) -> None:
    view = editor.add("PaniniExtractDegradation", 0, 0)
    model = editor.add("PaniniLoadModel", 600, 0)
    editor.link(model, "model", view, "model")
    crops = add_crops(editor)
    batch = (crops, "crops")
    for preset in ("medium", "heavy"):
        degrade = editor.add("PaniniDegradeImage", 600, 300, preset=preset)
        both = editor.add("ImageBatch", 1000, 300)
        editor.link(crops, "crops", degrade, "image")
        editor.link(*batch, both, "image1")
        editor.link(degrade, "image", both, "image2")
        batch = (both, "IMAGE")
    editor.link(*batch, view, "crops")
    editor.run()
    expect(editor.find(".panini-degradation-badge")).to_have_count(3)
    take("degradation_view", view)


def test_compare(editor: Editor, web_server: Server, take: Take) -> None:
    comparison = Comparison(editor, upload(web_server, astronaut(), "portrait.png"))
    editor.run()
    comparison.pictures()
    take("compare", comparison.compare)
