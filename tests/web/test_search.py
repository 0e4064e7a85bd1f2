"""What the search of the front end offers."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from playwright.sync_api import Route

from ..server.server import PROJECT_ROOT
from .browser import Editor

SEARCH = """(words) => {
    const { $pinia } = document.querySelector("#vue-app").__vue_app__.config.globalProperties;
    const { nodeSearchService } = $pinia._s.get("nodeDef");
    return nodeSearchService.searchNode(words).map((found) => found.name);
}"""

KNOWS_ALIASES = """() => {
    const { $pinia } = document.querySelector("#vue-app").__vue_app__.config.globalProperties;
    const { nodeSearchService } = $pinia._s.get("nodeDef");
    return nodeSearchService.nodeFuseSearch.keys.includes("search_aliases");
}"""


@pytest.mark.parametrize("words", ["face restore", "restore face", "restore faces", "Restore Face"])
def test_the_node_that_does_it_all_comes_before_its_stages(editor: Editor, words: str) -> None:
    found = [name for name in editor.evaluate(SEARCH, words) if name.startswith("Panini")]
    assert found[0] == "PaniniRestoreImage"
    assert "PaniniRestoreFaces" in found


@pytest.mark.parametrize(
    "words",
    [
        *("face restore", "face restoration", "photo restoration", "face enhance", "old photo"),
        *("detailer", "gfpgan", "codeformer", "reactor"),
    ],
)
def test_other_words_find_it_where_nodes_have_aliases(editor: Editor, words: str) -> None:
    """As with ComfyUI from 0.11 on, which tells the front end the aliases of the schemas."""
    known = aliases()

    def tell(route: Route) -> None:
        nodes: dict[str, Any] = route.fetch().json()
        for name, node in nodes.items():
            node["search_aliases"] = known.get(name, [])
        route.fulfill(json=nodes)

    editor.page.route("**/object_info", tell)
    editor.open()
    if not editor.evaluate(KNOWS_ALIASES):
        pytest.skip("this front end knows no aliases")
    found = editor.evaluate(SEARCH, words)
    assert "PaniniRestoreImage" in found, found


def aliases() -> dict[str, list[str]]:
    """Those in the nodes' code, by id: ComfyUI 0.3.64 does not know them."""
    found: dict[str, list[str]] = {}
    for path in (PROJECT_ROOT / "nodes").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call):
                values = {keyword.arg: keyword.value for keyword in call.keywords}
                if {"node_id", "aliases"} <= set(values):
                    node = ast.literal_eval(values["node_id"])
                    found[node] = ast.literal_eval(values["aliases"])
    return found
