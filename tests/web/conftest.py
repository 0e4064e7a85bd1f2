"""A browser, and the front ends and renderers that the widgets are tested with.

PANINI_CHROMIUM names the browser (default: chromium on the path), PANINI_FRONTEND_ROOT the `static`
folder of a newer front end, PANINI_SCREENSHOTS a folder for screenshots. By default the newest
`~/.cache/panini/frontend-<version>` is taken, into which the wheel that
`pip download comfyui-frontend-package --no-deps` brings was unzipped.
"""

from __future__ import annotations

import json
import os
import urllib.request
import warnings
from collections.abc import Callable, Generator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..server.conftest import start
from ..server.server import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from .browser import Editor

if find_spec("playwright") is None:  # installed with the extra `dev`
    warnings.warn("The tests in tests/web are left out: they need playwright.", stacklevel=1)
    collect_ignore_glob = ["test_*.py"]

SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.InstalledVersion": "1.27.10",
    "Comfy.Workflow.ShowMissingModelsWarning": False,
    "Comfy.Workflow.WarnBlueprintOverwrite": False,
    "Comfy.Minimap.Visible": False,  # it lies over the nodes, until it is closed
}
# Nodes 2.0 of the pinned front end is a hidden experiment that cannot show elements of extensions.
COMBINATIONS = [("pinned", "classic"), ("newest", "classic"), ("newest", "nodes2")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that ask for an editor run with every front end and renderer."""
    if "editor" in metafunc.fixturenames:
        names = ["-".join(pair) for pair in COMBINATIONS]
        metafunc.parametrize(
            ("front_end", "renderer"), COMBINATIONS, indirect=True, ids=names, scope="session"
        )


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    from playwright.sync_api import expect, sync_playwright

    from .browser import ACTION_MS, FLAGS, find_chromium

    path = find_chromium()
    if path is None:
        pytest.skip("needs chromium (set PANINI_CHROMIUM)")
    expect.set_options(timeout=ACTION_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def front_end(request: pytest.FixtureRequest) -> Path | None:
    """The `static` folder to serve; None for the one that this ComfyUI brings."""
    if request.param == "pinned":
        return None
    from .browser import find_newest_front_end

    root = find_newest_front_end()
    if root is None:
        pytest.skip("needs a newer front end (set PANINI_FRONTEND_ROOT)")
    return root


@pytest.fixture(scope="session")
def web_server(
    tmp_path_factory: pytest.TempPathFactory, front_end: Path | None
) -> Generator[Server]:
    """A server with that front end."""
    base = tmp_path_factory.mktemp("comfyui")
    user = base / "user" / "default"
    user.mkdir(parents=True)
    (user / "comfy.settings.json").write_text(json.dumps(SETTINGS))
    with ExitStack() as stack:
        yield start(stack, base, front_end=front_end)


@pytest.fixture(scope="session")
def renderer(request: pytest.FixtureRequest, web_server: Server) -> str:
    """Draws the nodes on the canvas (classic) or as elements (nodes2)."""
    change_setting(web_server, "Comfy.VueNodes.Enabled", request.param == "nodes2")
    return request.param


@pytest.fixture
def editor(browser: Browser, web_server: Server, renderer: str) -> Generator[Editor]:
    """A page with an empty graph; the test fails if our code complained in its console."""
    from .browser import Editor

    editor = Editor(browser, web_server.url)
    try:
        editor.open()
        editor.clear()
        yield editor
    finally:
        editor.close()
    assert not editor.complaints, "\n".join(editor.complaints)


@pytest.fixture
def screenshot(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[Page | Locator, str], None]:
    """screenshot(page or element, name): keep a picture of it."""
    folder = Path(os.environ.get("PANINI_SCREENSHOTS", tmp_path))
    combination = request.node.callspec.id

    def take(target: Page | Locator, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        target.screenshot(path=folder / f"{name}-{combination}.png")

    return take


def change_setting(server: Server, name: str, value: object) -> None:
    """As the settings dialog does."""
    request = urllib.request.Request(
        f"{server.url}/settings/{name}",
        data=json.dumps(value).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60):
        pass
