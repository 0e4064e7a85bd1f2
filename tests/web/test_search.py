"""What the search of the front end offers."""

from __future__ import annotations

import pytest

from .browser import Editor

SEARCH = """(words) => {
    const { $pinia } = document.querySelector("#vue-app").__vue_app__.config.globalProperties;
    const { nodeSearchService } = $pinia._s.get("nodeDef");
    return nodeSearchService.searchNode(words).map((found) => found.name);
}"""


@pytest.mark.parametrize("words", ["face restore", "restore face", "restore faces", "Restore Face"])
def test_the_node_that_does_it_all_comes_before_its_stages(editor: Editor, words: str) -> None:
    found = [name for name in editor.evaluate(SEARCH, words) if name.startswith("Panini")]
    # Load Face Restorer holds "face restore" letter by letter, which is all that old versions see.
    others = [name for name in found if name != "PaniniLoadModel"]
    assert others[0] == "PaniniRestoreImage"
    assert "PaniniRestoreFaces" in others
