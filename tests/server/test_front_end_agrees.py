"""`to_api` makes the prompts that the front end itself makes, of the examples and a tangled one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Generator
from typing import Any

import pytest

from .client import Client
from .server import PROJECT_ROOT, Server
from .workflow import BYPASSED, MUTED, to_api

NEEDS_A_PACK = "after_a_face_swap"  # a node of which the server does not know
EXAMPLES = sorted((PROJECT_ROOT / "example_workflows").glob("*.json"))
EXAMPLES = [file for file in EXAMPLES if file.stem != NEEDS_A_PACK]
FLAGS = "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run"
MILLISECONDS = 180_000
READY = "window.app?.graph && 'PaniniDegradeImage' in window.LiteGraph.registered_node_types"
CONVERT = (
    "async file => { await app.loadGraphData(file); return (await app.graphToPrompt()).output; }"
)


@pytest.fixture(scope="module")
def page(shared_server: Server) -> Generator[Any]:
    """The front end in a browser; PANINI_CHROMIUM names one that is not on the path."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    browser = os.environ.get("PANINI_CHROMIUM") or shutil.which("chromium")
    if browser is None:
        pytest.skip("needs Chromium: none on the path (set PANINI_CHROMIUM)")
    with api.sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=browser, args=FLAGS.split())
        page = window.new_page()
        page.set_default_timeout(MILLISECONDS)
        page.goto(shared_server.url)
        page.wait_for_function(READY)
        page.wait_for_timeout(2000)  # the front end opens its own workflow a little later
        yield page
        window.close()


def node(number: int, kind: str, **fields: Any) -> dict[str, Any]:
    """A node as files hold it; `fields` replace what an unconnected one has."""
    empty = {"pos": [300 * number, 0], "size": [200, 100], "flags": {}, "order": number, "mode": 0}
    return {"id": number, "type": kind, "inputs": [], "outputs": [], **empty, **fields}


def slot(name: str, kind: str, link: int | None = None, **fields: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "link": link, **fields}


def output(name: str, kind: str, *links: int) -> dict[str, Any]:
    return {"name": name, "type": kind, "links": list(links)}


def tangle() -> dict[str, Any]:
    """A seed with its control, a primitive, a reroute, a note, a bypassed and a muted node."""
    blur = slot("blur", "FLOAT", 5, widget={"name": "blur"})
    degrade = ["custom", 7, 1.0, 2.0, 3.0, 60]
    sample = [42, "increment", 20, 8.0, "euler", "normal", 0.5]
    nodes = [
        node(1, "EmptyImage", outputs=[output("IMAGE", "IMAGE", 1)], widgets_values=[9, 9, 1, 5]),
        node(
            2,
            "ImageInvert",
            mode=BYPASSED,
            inputs=[slot("image", "IMAGE", 1)],
            outputs=[output("IMAGE", "IMAGE", 2)],
        ),
        node(3, "Reroute", inputs=[slot("", "*", 2)], outputs=[output("", "IMAGE", 3)]),
        node(
            4,
            "PaniniDegradeImage",
            inputs=[slot("image", "IMAGE", 3), blur],
            outputs=[output("image", "IMAGE", 4, 6)],
            widgets_values=degrade,
        ),
        node(
            5,
            "PrimitiveNode",
            outputs=[{**output("FLOAT", "FLOAT", 5), "widget": {"name": "blur"}}],
            widgets_values=[2.5, "fixed"],
        ),
        node(6, "PreviewImage", inputs=[slot("images", "IMAGE", 4)]),
        node(
            7,
            "ImageInvert",
            mode=MUTED,
            inputs=[slot("image", "IMAGE", 6)],
            outputs=[output("IMAGE", "IMAGE", 7)],
        ),
        node(8, "PreviewImage", inputs=[slot("images", "IMAGE", 7)]),
        node(9, "Note", widgets_values=["read me"]),
        node(10, "KSampler", widgets_values=sample),
    ]
    ends = [(1, 2), (2, 3), (3, 4), (4, 6), (5, 4), (4, 7), (7, 8)]
    links = [
        [number, origin, 0, target, 1 if number == 5 else 0, "FLOAT" if number == 5 else "IMAGE"]
        for number, (origin, target) in enumerate(ends, start=1)
    ]
    counts = {"last_node_id": 10, "last_link_id": 7}
    return {"version": 0.4, **counts, "nodes": nodes, "links": links, "groups": [], "config": {}}


def check(page: Any, client: Client, workflow: dict[str, Any]) -> dict[str, Any]:
    ours, theirs = to_api(workflow, client.object_info()), page.evaluate(CONVERT, workflow)
    for entry in (*ours.values(), *theirs.values()):
        entry.pop("_meta", None)
    assert ours == theirs
    return ours


@pytest.mark.parametrize("name", [file.name for file in EXAMPLES])
def test_on_the_examples(page: Any, client: Client, name: str) -> None:
    file = PROJECT_ROOT / "example_workflows" / name
    assert check(page, client, json.loads(file.read_text(encoding="utf-8")))


def test_on_a_tangled_workflow(page: Any, client: Client) -> None:
    prompt = check(page, client, tangle())
    assert set(prompt) == {"1", "4", "6", "8", "10"}
    assert prompt["4"]["inputs"]["image"] == ["1", 0]
    assert (prompt["4"]["inputs"]["blur"], prompt["4"]["inputs"]["jpeg"]) == (2.5, 60)
    assert prompt["8"]["inputs"] == {}
    assert (prompt["10"]["inputs"]["seed"], prompt["10"]["inputs"]["steps"]) == (42, 20)
