"""ComfyUI's front end in a real browser, driven from tests."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page

from ..server.server import FOLDER_NAME

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
VIEWPORT = (1280, 900)  # px
# How long is waited for what has to come, however busy the machine is.
START_MS = 300_000
ACTION_MS = 90_000

# Warnings of deprecation come from the front end's own files: the stack says whom they are about.
WATCH_DEPRECATIONS = """
const warn = console.warn;
console.warn = (...values) => {
  const deprecated = values.some((value) => /deprecat/i.test(String(value)));
  warn(...values, ...(deprecated ? [new Error("deprecated").stack] : []));
};
"""
READY = """() => window.app?.canvas && window.LiteGraph?.registered_node_types.PaniniDetectFaces
    && app.extensionManager.workflow.activeWorkflow"""
# What a page can be asked for beyond the front end's own API.
SCRIPT = """
window.panini = {
  add(type, values = {}, pos = [0, 0]) {
    const node = LiteGraph.createNode(type);
    node.pos = pos;
    app.graph.add(node);
    for (const [name, value] of Object.entries(values)) panini.write(node.id, name, value);
    return String(node.id);
  },
  node: (id) => app.graph.nodes.find((node) => String(node.id) === String(id)),
  slot: (slots, name) => slots.findIndex((slot) => slot.name === name),
  link(from, output, to, input) {
    const [source, target] = [panini.node(from), panini.node(to)];
    source.connect(panini.slot(source.outputs, output), target, panini.slot(target.inputs, input));
  },
  widget: (id, name) => panini.node(id).widgets.find((widget) => widget.name === name),
  write(id, name, value) {
    const widget = panini.widget(id, name);
    widget.value = value;
    widget.callback?.(value);
  },
  queue() {
    const api = window.comfyAPI.api.api;
    panini.over = new Promise((resolve) => {
      for (const type of ["execution_success", "execution_error"]) {
        api.addEventListener(type, () => resolve(type), { once: true });
      }
    });
    return app.queuePrompt(0);
  },
  async settle(look) {
    for (let [last, frames] = [null, 0]; frames < 20; frames += 1) {
      await new Promise(requestAnimationFrame);
      const now = JSON.stringify(look());
      if (now !== last) [last, frames] = [now, 0];
    }
  },
};
"""


def find_chromium() -> str | None:
    """PANINI_CHROMIUM, else the one on the path."""
    return os.environ.get("PANINI_CHROMIUM") or shutil.which("chromium")


def find_newest_front_end() -> Path | None:
    """PANINI_FRONTEND_ROOT, else the newest one unpacked below ~/.cache/panini."""
    if root := os.environ.get("PANINI_FRONTEND_ROOT"):
        return Path(root)
    pattern = "frontend-*/comfyui_frontend_package/static"
    found = (Path.home() / ".cache" / "panini").glob(pattern)
    return max(found, key=lambda path: _version(path.parents[1]), default=None)


def _version(folder: Path) -> list[int]:
    return [int(part) for part in folder.name.removeprefix("frontend-").split(".")]


class Editor:
    """A page with the graph editor; what went wrong in our code is in `complaints`."""

    def __init__(self, browser: Browser, url: str) -> None:
        width, height = VIEWPORT
        self.page: Page = browser.new_page(viewport={"width": width, "height": height})
        self.url = url
        self.complaints: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", self._fail)
        self.page.set_default_timeout(ACTION_MS)
        self.page.add_init_script(WATCH_DEPRECATIONS)

    def open(self) -> None:
        """Load the page, or load it again, and wait until it has restored its last workflow."""
        self.page.goto(self.url, timeout=START_MS, wait_until="commit")
        self.page.wait_for_function(READY, timeout=START_MS)
        self.page.evaluate(SCRIPT)

    def close(self) -> None:
        self.page.close()

    def evaluate(self, script: str, *values: Any) -> Any:
        """Run `(…values) => script` in the page; `panini` and `app` are at hand.

        What does not come at all fails: Playwright itself would wait for ever.
        """
        return self.page.evaluate(
            f"""(values) => Promise.race([
                (({script}))(...values),
                new Promise((_, reject) => setTimeout(reject, {START_MS}, new Error("no answer"))),
            ])""",
            list(values),
        )

    def clear(self) -> None:
        """An empty graph, drawn in its true size."""
        self.evaluate("() => app.graph.clear()")
        self.look_at(0, 0)

    def look_at(self, x: float, y: float, scale: float = 1) -> None:
        """Bring a place of the graph near the top left corner."""
        self.evaluate(
            """(x, y, scale) => {
                app.canvas.ds.scale = scale;
                app.canvas.ds.offset[0] = 90 / scale - x;
                app.canvas.ds.offset[1] = 110 / scale - y;
                app.canvas.setDirty(true, true);
            }""",
            *(x, y, scale),
        )

    def add(self, node_type: str, x: float, y: float, **values: Any) -> str:
        """Add a node to the graph; its id."""
        return self.evaluate("(...all) => panini.add(...all)", node_type, values, [x, y])

    def link(self, source: str, output: str, target: str, value: str) -> None:
        """Connect the named output with the named input."""
        self.evaluate("(...all) => panini.link(...all)", source, output, target, value)

    def settle(self, script: str, *values: Any) -> None:
        """Wait until what the script gives stays the same from frame to frame."""
        self.evaluate(f"(...values) => panini.settle(() => ({script})(...values))", *values)

    def value(self, node: str, widget: str) -> Any:
        return self.evaluate("(id, name) => panini.widget(id, name).value", node, widget)

    def write(self, node: str, widget: str, value: Any) -> None:
        """As if it were typed."""
        self.evaluate("(...all) => panini.write(...all)", node, widget, value)

    def prompt(self) -> dict[str, Any]:
        """What would be queued now."""
        return self.evaluate("async () => (await app.graphToPrompt()).output")

    def run(self) -> dict[str, Any]:
        """Queue the graph and wait until it is done; the prompt that was queued."""
        with self.page.expect_response("**/prompt") as answer:
            self.evaluate("async () => panini.queue()")
        assert answer.value.ok, answer.value.text()
        assert self.evaluate("() => panini.over") == "execution_success"
        return json.loads(answer.value.request.post_data or "")["prompt"]

    def undo(self) -> None:
        """Control and Z, held as long as a hand holds them.

        The front end reads them a frame later. If both are up by then, it first looks for changes
        that nobody told it of, such as a picture that came late and its node's new size, and undoes
        those.
        """
        keyboard = self.page.keyboard
        keyboard.down("Control")
        keyboard.down("z")
        self.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        keyboard.up("z")
        keyboard.up("Control")

    def save_and_reload(self) -> None:
        """Take the workflow as a file would hold it, load the page anew, and open it."""
        workflow = self.evaluate("() => JSON.stringify(app.graph.serialize())")
        self.open()
        self.evaluate("async (text) => app.loadGraphData(JSON.parse(text))", workflow)
        self.look_at(0, 0)

    def find(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def _hear(self, message: ConsoleMessage) -> None:
        place = message.location.get("url", "")
        missing_picture = message.text.startswith("Failed to load resource") and "/view" in place
        ours = is_ours(place) or is_ours(message.text)
        if message.type in ("error", "warning") and ours and not missing_picture:
            self.complaints.append(f"{message.type}: {message.text} ({place})")

    def _fail(self, error: Error) -> None:
        if is_ours(error.stack or ""):
            self.complaints.append(error.stack or error.message)


def is_ours(text: str) -> bool:
    """Whether an address, a stack or a message names our files."""
    folder = FOLDER_NAME.replace(" ", "%20")
    return folder in text or FOLDER_NAME in text or "panini" in text.lower()
