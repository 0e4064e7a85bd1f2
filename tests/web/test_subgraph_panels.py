"""The board of a node within a subgraph, shown on the subgraph's own node."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from ..server.server import Server
from .browser import Editor
from .pictures import tile, upload
from .test_face_board import Boards

SHOW = "Show this on the subgraph's node (Panini)"
HIDE = "Hide this from the subgraph's node (Panini)"
# Calls an entry of a node's menu, however the front end gathers them; how many there were.
CHOOSE = """(node, label) => {
    const options = app.canvas.getNodeMenuOptions(node);
    const found = options.filter((option) => option?.content === label);
    for (const { callback } of found) callback();
    return found.length;
}"""
INNER = "made.subgraph.nodes.find((node) => node.type === 'PaniniSelectFaces')"


class Subgraph:
    """Detect Faces and Select Faces within a subgraph, after a run."""

    def __init__(self, editor: Editor, picture: str) -> None:
        self.editor = editor
        boards = Boards(editor, picture)
        editor.evaluate(
            """(...ids) => {
                window.made = app.graph.convertToSubgraph(new Set(ids.map(panini.node)));
            }""",
            *(boards.detect, boards.select),
        )
        editor.run()
        self.look()

    @property
    def board(self) -> Locator:
        """What can be seen of the board of Select Faces."""
        boards = self.editor.find(".panini-face-board:visible")
        return boards.filter(has=self.editor.page.get_by_role("checkbox"))

    def choose(self, label: str) -> int:
        return self.editor.evaluate(f"(label) => ({CHOOSE})({INNER}, label)", label)

    def look(self) -> None:
        self.editor.look_at(*self.editor.evaluate("() => made.node.pos"))

    def enter(self) -> None:
        self.editor.evaluate("() => app.canvas.openSubgraph(made.subgraph, made.node)")
        self.editor.look_at(*self.editor.evaluate(f"() => {INNER}.pos"))

    def leave(self) -> None:
        self.editor.evaluate("() => app.canvas.setGraph(app.rootGraph ?? app.graph.rootGraph)")
        self.look()

    def find_again(self) -> None:
        """After the nodes were made anew."""
        self.editor.evaluate(
            """() => {
                const node = app.graph.nodes.find((node) => node.subgraph);
                window.made = { node, subgraph: node.subgraph };
            }"""
        )

    def selection(self) -> str:
        prompt = self.editor.prompt().values()
        [select] = [entry for entry in prompt if entry["class_type"] == "PaniniSelectFaces"]
        return select["inputs"]["selection"]


@pytest.fixture
def subgraph(editor: Editor, web_server: Server) -> Subgraph:
    return Subgraph(editor, upload(web_server, tile(2, 1, 256), "pair.png"))


def test_a_board_is_shown_and_used_on_the_subgraphs_node(
    subgraph: Subgraph, screenshot: Any
) -> None:
    expect(subgraph.board).to_have_count(0)
    assert subgraph.choose(SHOW) == 1
    faces = subgraph.board.get_by_role("checkbox")
    expect(faces).to_have_count(2)
    faces.nth(0).click()
    assert subgraph.selection() == "1"
    screenshot(subgraph.editor.page, "subgraph-panel")
    subgraph.editor.run()
    for number, checked in enumerate(("false", "true")):
        expect(faces.nth(number)).to_have_attribute("aria-checked", checked)


def test_it_goes_where_it_can_be_seen(subgraph: Subgraph) -> None:
    subgraph.choose(SHOW)
    for _ in range(2):
        expect(subgraph.board).to_have_count(1)
        subgraph.enter()
        faces = subgraph.board.get_by_role("checkbox")
        expect(faces).to_have_count(2)
        faces.nth(1).click()
        subgraph.leave()
    assert subgraph.selection() == "all"


def test_it_is_saved_and_can_be_taken_away(subgraph: Subgraph) -> None:
    subgraph.choose(SHOW)
    subgraph.editor.save_and_reload()
    subgraph.find_again()
    subgraph.look()
    expect(subgraph.board.get_by_role("checkbox")).to_have_count(2)
    before = subgraph.editor.evaluate("() => made.node.widgets.length")
    assert subgraph.choose(SHOW) == 0 and subgraph.choose(HIDE) == 1
    expect(subgraph.board).to_have_count(0)
    assert subgraph.editor.evaluate("() => made.node.widgets.length") == before - 1
    subgraph.enter()
    expect(subgraph.board.get_by_role("checkbox")).to_have_count(2)


def test_two_nodes_of_one_subgraph_share_it(subgraph: Subgraph) -> None:
    subgraph.choose(SHOW)
    subgraph.editor.evaluate(
        """() => {
            const copy = made.node.clone();
            copy.pos = [made.node.pos[0], made.node.pos[1] + 450];
            app.graph.add(copy);
            copy.configure({ ...made.node.serialize(), id: copy.id, pos: copy.pos });
        }"""
    )
    expect(subgraph.board).to_have_count(1)
    elsewhere = subgraph.editor.page.get_by_text("Shown on another node of this subgraph.")
    expect(elsewhere.locator("visible=true")).to_have_count(1)


def test_an_unpacked_subgraph_gives_it_back(subgraph: Subgraph) -> None:
    subgraph.choose(SHOW)
    expect(subgraph.board).to_have_count(1)
    subgraph.editor.evaluate("() => app.graph.unpackSubgraph(made.node)")
    expect(subgraph.board.get_by_role("checkbox")).to_have_count(2)


def test_outside_of_subgraphs_the_menu_does_not_offer_it(editor: Editor) -> None:
    node = editor.add("PaniniSelectFaces", 0, 0)
    assert editor.evaluate(f"(id, label) => ({CHOOSE})(panini.node(id), label)", node, SHOW) == 0
