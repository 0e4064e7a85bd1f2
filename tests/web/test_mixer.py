"""The DAFI mixer on a real server: move, undo, run, save, load."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from ..server.client import Client
from ..server.server import Server
from .browser import Editor

LEVELS = ["level_4", "level_8", "level_16", "level_32", "level_64", "level_128", "picture"]
CHANGED: dict[str, Any] = {
    "preset": "faithful",
    "level_4": 0.4,
    "level_32": -0.7,
    "level_64": 1.0,
    "picture": 0.1,
}


class Mixer:
    """A mixer in the graph, as a user sees it."""

    def __init__(self, editor: Editor, **values: Any) -> None:
        self.editor = editor
        self.id = editor.add("PaniniFusionWeights", 0, 0, **values)
        editor.evaluate(  # what undo goes back to
            "() => { app.canvas.emitBeforeChange(); app.canvas.emitAfterChange(); }"
        )

    def fader(self, name: str) -> Locator:
        return self.editor.find(".panini-mixer").get_by_role("slider").nth(LEVELS.index(name))

    def value(self, name: str) -> Any:
        return self.editor.value(self.id, name)

    def expect(self, name: str, value: float) -> None:
        self.editor.page.wait_for_function(  # undo makes the node anew
            "([id, name, value]) => panini.node(id) && panini.widget(id, name).value === value",
            arg=[self.id, name, value],
        )
        expect(self.fader(name)).to_have_attribute("aria-valuenow", f"{value:g}")
        assert self.editor.prompt()[self.id]["inputs"][name] == value

    def drag(self, name: str, share: float, *, release: bool = True) -> None:
        """Move the handle upward by that share of its rail, once it has come to rest."""
        self.editor.settle(
            """() => {
                const rails = [...document.querySelectorAll(".panini-mixer-rail")];
                return rails.map((rail) => Object.values(rail.getBoundingClientRect().toJSON()));
            }"""
        )
        rail = self.fader(name).locator(".panini-mixer-rail").bounding_box()
        handle = self.fader(name).locator(".panini-mixer-handle").bounding_box()
        assert rail is not None and handle is not None
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        mouse = self.editor.page.mouse
        mouse.move(x, y)
        mouse.down()
        mouse.move(x, y - share * rail["height"] / 2)
        mouse.move(x, y - share * rail["height"])
        if release:
            mouse.up()

    def reset(self) -> None:
        self.editor.find(".panini-mixer").get_by_role("button", name="All faders back").click()

    def undo(self) -> None:
        self.editor.undo()

    def is_hidden(self, name: str) -> bool:
        return not self.editor.evaluate(
            """(id, name) => {
                const [node, widget] = [panini.node(id), panini.widget(id, name)];
                return node.isWidgetRowVisible?.(widget) ?? node.isWidgetVisible(widget);
            }""",
            *(self.id, name),
        )


def test_faders_say_in_plain_words_what_they_decide(editor: Editor) -> None:
    mixer = Mixer(editor)
    captions = editor.find(".panini-mixer-name")
    expect(captions.nth(0)).to_have_attribute("title", re.compile("of the head.*pushes", re.DOTALL))
    expect(captions.nth(5)).to_have_attribute("title", re.compile("texture of skin and hair"))
    expect(mixer.fader("level_4")).to_have_attribute("title", re.compile("shape of the head"))
    editor.write(mixer.id, "mode", "override")
    expect(captions.nth(0)).to_have_attribute("title", re.compile("replaces"))
    ends = editor.find(".panini-mixer-scale span")
    expect(ends.nth(0)).to_have_attribute("title", re.compile("own idea of faces"))
    expect(ends.nth(1)).to_have_attribute("title", re.compile("more faithful"))


def test_faders_write_the_numbers_and_every_movement_is_one_step_of_undo(
    editor: Editor, screenshot: Any
) -> None:
    mixer = Mixer(editor)
    expect(editor.find(".panini-mixer").get_by_role("slider")).to_have_count(7)
    mixer.drag("level_16", 0.25)
    mixer.expect("level_16", 0.5)
    mixer.drag("level_32", -0.3)
    mixer.expect("level_32", -0.6)
    screenshot(editor.page, "mixer-before-a-run")
    mixer.undo()
    mixer.expect("level_32", 0)
    mixer.expect("level_16", 0.5)
    mixer.undo()
    mixer.expect("level_16", 0)

    press = editor.page.keyboard.press
    mixer.fader("level_8").focus()
    press("PageUp")
    mixer.expect("level_8", 0.25)
    press("Shift+ArrowDown")
    mixer.expect("level_8", 0.24)
    mixer.undo()
    mixer.expect("level_8", 0.25)
    mixer.fader("level_8").focus()
    press("Delete")
    mixer.expect("level_8", 0)  # and the node is still there

    mixer.drag("level_4", 0.25)
    mixer.drag("level_64", -0.25)
    mixer.fader("level_4").locator(".panini-mixer-handle").dblclick()
    mixer.expect("level_4", 0)
    mixer.expect("level_64", -0.5)
    mixer.reset()
    mixer.expect("level_64", 0)
    mixer.undo()
    mixer.expect("level_64", -0.5)


# As the front end does whenever it sees fit; the newest one, a moment after a change, even while
# another change is open.
TAKE_STATE = """async () => {
    const { changeTracker } = app.extensionManager.workflow.activeWorkflow;
    (changeTracker.captureCanvasState ?? changeTracker.checkState).call(changeTracker);
    changeTracker.squashState?.();
    await new Promise((resolve) => setTimeout(resolve, 200));
}"""


def test_a_state_that_is_taken_during_a_movement_is_no_step_of_undo(editor: Editor) -> None:
    mixer = Mixer(editor)
    mouse, keyboard = editor.page.mouse, editor.page.keyboard
    mixer.drag("level_16", 0.25)

    mixer.drag("level_32", 0.15, release=False)
    expect(mixer.fader("level_32")).to_have_attribute("aria-valuenow", "0.3")
    editor.evaluate(TAKE_STATE)
    mouse.move(0, 0)  # far above the rail
    expect(mixer.fader("level_32")).to_have_attribute("aria-valuenow", "1")
    mouse.up()
    mixer.expect("level_32", 1)
    mixer.undo()
    mixer.expect("level_32", 0)
    mixer.expect("level_16", 0.5)

    mixer.fader("level_8").focus()
    keyboard.down("PageUp")
    editor.evaluate(TAKE_STATE)
    keyboard.down("PageUp")  # held: it repeats
    keyboard.up("PageUp")
    mixer.expect("level_8", 0.5)
    mixer.undo()
    mixer.expect("level_8", 0)
    mixer.expect("level_16", 0.5)


@pytest.mark.parametrize(
    "interruption",
    [
        """() => {
            const track = document.querySelector(".panini-mixer-track:active");
            track.dispatchEvent(new PointerEvent("pointercancel", { pointerId: 1 }));
            track.releasePointerCapture(1);
        }""",
        """() => {  // such as by going into a subgraph
            document.querySelector(".panini-mixer-track:active").remove();
        }""",
    ],
    ids=["the pointer", "the element"],
)
def test_a_movement_that_loses_the_pointer_is_written(editor: Editor, interruption: str) -> None:
    mixer = Mixer(editor)
    mixer.drag("level_32", 0.25, release=False)
    editor.evaluate(interruption)
    editor.page.mouse.move(10, 600)
    editor.page.wait_for_function(
        "(id) => panini.widget(id, 'level_32').value === 0.5", arg=mixer.id
    )
    editor.page.mouse.up()
    mixer.undo()
    mixer.expect("level_32", 0)


def test_a_movement_ends_with_the_focus_before_undo_and_with_its_node(editor: Editor) -> None:
    mixer = Mixer(editor)
    mixer.drag("level_8", 0.25, release=False)
    editor.evaluate("() => window.dispatchEvent(new Event('blur'))")
    mixer.expect("level_8", 0.5)
    editor.page.mouse.up()
    mixer.drag("level_16", 0.25)
    mixer.drag("level_32", 0.25, release=False)
    mixer.undo()
    mixer.expect("level_32", 0)
    mixer.expect("level_16", 0.5)
    mixer.expect("level_8", 0.5)
    editor.page.mouse.up()

    mixer.drag("level_64", 0.25, release=False)
    editor.evaluate("async () => app.loadGraphData(app.graph.serialize())")
    editor.page.mouse.up()
    mixer.expect("level_64", 0)
    mixer.expect("level_16", 0.5)


def test_a_mixer_is_as_high_after_its_numbers_as_before(editor: Editor) -> None:
    mixer = Mixer(editor)
    size = "(id) => [...panini.node(id).size].map(Math.round)"
    editor.evaluate("(id) => panini.node(id).setSize([420, 600])", mixer.id)
    editor.settle(size, mixer.id)
    before = editor.evaluate(size, mixer.id)
    toggle = editor.find(".panini-mixer").get_by_role("button", name="Show the faders' numbers")
    for _ in range(2):
        toggle.click()
        editor.settle(size, mixer.id)
    assert editor.evaluate(size, mixer.id) == before


def test_numbers_can_be_shown_typed_and_linked(editor: Editor) -> None:
    mixer = Mixer(editor)
    names = "(id) => panini.node(id).widgets.map((widget) => widget.name)"
    height = "(id) => panini.node(id).computeSize()[1]"
    order, collapsed = editor.evaluate(names, mixer.id), editor.evaluate(height, mixer.id)
    assert all(mixer.is_hidden(name) for name in LEVELS)
    toggle = editor.find(".panini-mixer").get_by_role("button", name="Show the faders' numbers")
    toggle.click()
    assert not any(mixer.is_hidden(name) for name in LEVELS)
    assert editor.evaluate(height, mixer.id) > collapsed + 100
    editor.write(mixer.id, "level_64", -0.25)
    mixer.expect("level_64", -0.25)
    toggle.click()
    assert mixer.is_hidden("level_64")
    assert editor.evaluate(height, mixer.id) == collapsed
    assert editor.evaluate(names, mixer.id) == order

    number = editor.add("PrimitiveFloat", 0, 500, value=0.5)
    editor.link(number, "FLOAT", mixer.id, "level_8")
    expect(mixer.fader("level_8")).to_have_attribute("aria-disabled", "true")
    assert not mixer.is_hidden("level_8") and mixer.is_hidden("level_16")
    mixer.drag("level_8", 0.3)
    mixer.reset()
    assert mixer.value("level_8") == 0
    assert editor.prompt()[mixer.id]["inputs"]["level_8"] == [number, 0]


@pytest.fixture
def chain(editor: Editor, web_server: Server) -> Mixer:
    """Load Image -> Extract Degradation -> mixer, of which the latter is not at its defaults."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    with Client(web_server.url) as client:
        name = client.upload_image(Image.fromarray(noise), "noise.png")
    picture = editor.add("LoadImage", 0, 450, image=name)
    model = editor.add("PaniniLoadModel", 320, 450)
    degradation = editor.add("PaniniExtractDegradation", 450, 0)
    mixer = Mixer(editor, **CHANGED)
    editor.link(model, "model", degradation, "model")
    editor.link(picture, "IMAGE", degradation, "crops")
    editor.link(model, "model", mixer.id, "model")
    editor.link(degradation, "degradation", mixer.id, "degradation")
    return mixer


PREDICT = """async (id, folder, mode, values) => {
    const load = (name) => import(`/extensions/${encodeURIComponent(folder)}/mixer/${name}.js`);
    const { alphaChange } = await load("alpha");
    const { changeDistribution } = await load("distribution");
    return app.nodeOutputs[id].panini_alpha[0].levels.map(({ widget, chosen, edited, presets }) => {
        const change = alphaChange(mode, values.preset, values[widget] ?? 0, presets);
        return { widget, edited, predicted: changeDistribution(chosen, change) };
    });
}"""


def test_the_mixer_shows_what_the_server_does(
    editor: Editor, web_server: Server, chain: Mixer, screenshot: Any
) -> None:
    shown = editor.find(".panini-mixer")
    expect(shown).to_contain_text("Run to see what the network chooses.")
    for mode in ("bias", "override"):
        editor.write(chain.id, "mode", mode)
        editor.run()
        expect(shown).to_contain_text("with the mixer")
        screenshot(editor.page, f"mixer-{mode}")
        levels = editor.evaluate(PREDICT, chain.id, web_server.folder_name, mode, CHANGED)
        assert [level["widget"] for level in levels] == LEVELS
        for level in levels:
            done, predicted = level["edited"], level["predicted"]
            # Quantiles lie between two channels: a curve through them bends a little.
            np.testing.assert_allclose(predicted["quantiles"], done["quantiles"], atol=0.02)
            np.testing.assert_allclose(predicted["mean"], done["mean"], atol=0.01)
            sums = [np.cumsum(part["histogram"]) for part in (predicted, done)]
            # How far the shares would have to be moved: less than half a bin.
            assert np.abs(sums[0] - sums[1]).sum() < 0.5

    told = re.compile("prior's share")
    expect(chain.fader("level_8")).to_have_attribute("aria-valuetext", told)
    chain.drag("level_8", 0.25)
    chain.expect("level_8", 0.5)
    chain.undo()  # makes the nodes anew
    chain.expect("level_8", 0)
    expect(chain.fader("level_8")).to_have_attribute("aria-valuetext", told)


def test_values_are_saved_and_strange_payloads_ignored(editor: Editor) -> None:
    mixer = Mixer(editor, **CHANGED)
    saved = editor.evaluate("(id) => panini.node(id).serialize().widgets_values", mixer.id)
    assert saved == ["faithful", "bias", 0.4, 0, 0, -0.7, 1.0, 0, 0.1]
    editor.save_and_reload()
    for name in ("level_4", "level_32", "picture"):
        mixer.expect(name, CHANGED[name])
    assert mixer.is_hidden("level_4")
    assert mixer.value("preset") == "faithful"

    for payload in (
        {"version": 99, "levels": []},
        {"version": 1, "levels": [{"widget": "level_4", "chosen": {"mean": "x"}}]},
        {"version": 1, "levels": "none"},
        {},
    ):
        editor.evaluate(
            "(id, payload) => panini.node(id).onExecuted({ panini_alpha: [payload] })",
            *(mixer.id, payload),
        )
    mixer.drag("level_16", 0.25)
    mixer.expect("level_16", 0.5)


def test_a_mixer_and_its_view_work_within_a_subgraph(editor: Editor, chain: Mixer) -> None:
    editor.evaluate(
        """(id) => {
            const mixer = panini.node(id);
            const view = app.graph.nodes.find((n) => n.comfyClass === "PaniniExtractDegradation");
            window.made = app.graph.convertToSubgraph(new Set([mixer, view]));
        }""",
        chain.id,
    )
    editor.run()
    editor.evaluate("() => app.canvas.openSubgraph(made.subgraph, made.node)")
    editor.look_at(*editor.evaluate("() => made.subgraph.nodes[0].pos"))
    expect(editor.find(".panini-mixer")).to_contain_text("with the mixer")
    expect(editor.find(".panini-degradation-badge")).to_have_count(1)
    chain.drag("level_16", 0.25)
    [mixed] = [e for e in editor.prompt().values() if e["class_type"] == "PaniniFusionWeights"]
    assert mixed["inputs"]["level_16"] == 0.5
