"""Workflow files become the prompts that the front end would queue."""

from __future__ import annotations

from typing import Any

import pytest

from .workflow import BYPASSED, MUTED, to_api, widget_names

OBJECT_INFO: dict[str, Any] = {
    "Load": {
        "input": {"required": {"image": [["a.png"], {"image_upload": True}]}},
        "input_order": {"required": ["image"]},
    },
    "Noise": {
        "input": {
            "required": {
                "image": ["IMAGE", {}],
                "amount": ["FLOAT", {"default": 0.5}],
                "seed": ["INT", {}],
                "size": ["INT", {}],
            },
            "optional": {"mask": ["MASK"], "mode": ["COMBO", {"options": ["a", "b"]}]},
        },
        # The order of the dictionary is not the one that counts.
        "input_order": {
            "required": ["image", "seed", "amount", "size"],
            "optional": ["mask", "mode"],
        },
    },
    "Save": {
        "input": {"required": {"image": ["IMAGE"], "prefix": ["STRING", {}]}},
        "input_order": {"required": ["image", "prefix"]},
    },
}


def node(number: int, kind: str, *inputs: tuple[str, str, int | None], **extra: Any) -> Any:
    slots = [{"name": name, "type": kind, "link": link} for name, kind, link in inputs]
    return {"id": number, "type": kind, "inputs": slots, **extra}


def load(**extra: Any) -> Any:
    return node(1, "Load", widgets_values=["a.png", "image"], **extra)


def noise(link: int | None = 10, **extra: Any) -> Any:
    values = [7, "randomize", 0.25, 64, "b"]
    return node(2, "Noise", ("image", "IMAGE", link), widgets_values=values, **extra)


def save(link: int) -> Any:
    return node(3, "Save", ("image", "IMAGE", link), widgets_values=["out"])


def chain(*nodes: Any, links: list[Any] | None = None) -> Any:
    default = [[10, 1, 0, 2, 0, "IMAGE"], [11, 2, 0, 3, 0, "IMAGE"]]
    return {"nodes": list(nodes), "links": default if links is None else links}


def inputs(workflow: Any, number: int) -> dict[str, Any]:
    return to_api(workflow, OBJECT_INFO)[str(number)]["inputs"]


def test_widgets_and_links_become_inputs() -> None:
    prompt = to_api(chain(load(), noise(), save(11)), OBJECT_INFO)
    assert {number: entry["class_type"] for number, entry in prompt.items()} == {
        "1": "Load",
        "2": "Noise",
        "3": "Save",
    }
    assert prompt["1"]["inputs"] == {"image": "a.png"}
    assert prompt["2"]["inputs"] == {
        "image": ["1", 0],
        "seed": 7,
        "amount": 0.25,
        "size": 64,
        "mode": "b",
    }
    assert prompt["3"]["inputs"] == {"image": ["2", 0], "prefix": "out"}


def test_links_as_objects_are_read_too() -> None:
    link = {"id": 10, "origin_id": 1, "origin_slot": 2, "target_id": 2, "target_slot": 0}
    assert inputs(chain(load(), noise(), links=[link]), 2)["image"] == ["1", 2]


def test_a_link_wins_over_the_widget_of_the_same_input() -> None:
    converted = noise()
    converted["inputs"].append({"name": "amount", "type": "FLOAT", "link": 12})
    links = [[10, 1, 0, 2, 0, "IMAGE"], [12, 1, 1, 2, 1, "FLOAT"]]
    assert inputs(chain(load(), converted, links=links), 2)["amount"] == ["1", 1]


def test_bypassed_nodes_hand_their_input_on() -> None:
    prompt = to_api(chain(load(), noise(mode=BYPASSED), save(11)), OBJECT_INFO)
    assert set(prompt) == {"1", "3"}
    assert prompt["3"]["inputs"]["image"] == ["1", 0]


def test_bypassed_nodes_without_a_matching_input_hand_on_nothing() -> None:
    masks = noise(mode=BYPASSED)
    masks["inputs"][0]["type"] = "MASK"
    assert "image" not in inputs(chain(load(), masks, save(11)), 3)


def test_muted_nodes_take_their_links_with_them() -> None:
    prompt = to_api(chain(load(), noise(mode=MUTED), save(11)), OBJECT_INFO)
    assert set(prompt) == {"1", "3"}
    assert prompt["3"]["inputs"] == {"prefix": "out"}


def test_reroutes_and_notes_are_left_out() -> None:
    reroute = node(4, "Reroute", ("", "*", 10))
    note = node(5, "Note", widgets_values=["read me"])
    links = [[10, 1, 0, 4, 0, "*"], [11, 4, 0, 3, 0, "IMAGE"]]
    prompt = to_api(chain(load(), reroute, note, save(11), links=links), OBJECT_INFO)
    assert set(prompt) == {"1", "3"}
    assert prompt["3"]["inputs"]["image"] == ["1", 0]


def test_primitives_give_their_value() -> None:
    primitive = node(4, "PrimitiveNode", widgets_values=[0.75, "fixed"])
    converted = noise()
    converted["inputs"].append({"name": "amount", "type": "FLOAT", "link": 12})
    links = [[10, 1, 0, 2, 0, "IMAGE"], [12, 4, 0, 2, 1, "FLOAT"]]
    assert inputs(chain(load(), primitive, converted, links=links), 2)["amount"] == 0.75


def test_values_that_are_lists_are_not_taken_for_links() -> None:
    values = [7, "fixed", 0.25, 64, [1, 2]]
    workflow = chain(load(), {**noise(), "widgets_values": values})
    assert inputs(workflow, 2)["mode"] == {"__value__": [1, 2]}


def test_widgets_without_a_value_are_an_error() -> None:
    workflow = chain(load(), {**noise(), "widgets_values": [7, "fixed", 0.25, 64]})
    with pytest.raises(ValueError, match=r"Node 2 \(Noise\).*holds 4 values"):
        to_api(workflow, OBJECT_INFO)


def test_unknown_nodes_are_an_error() -> None:
    with pytest.raises(ValueError, match="Node 9 is a Mystery, which is not installed"):
        to_api(chain(node(9, "Mystery"), links=[]), OBJECT_INFO)


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        (["INT", {}], ["x"]),
        (["INT", {"control_after_generate": True}], ["x", ""]),
        (["INT", {"forceInput": True}], []),
        (["COMBO", {"options": [1], "control_after_generate": True}], ["x", "", ""]),
        ([["a", "b"]], ["x"]),
        (["FLOAT,INT", {"widgetType": "FLOAT"}], ["x"]),
        (["PANINI_FACES", {}], []),
    ],
)
def test_widgets_of_one_input(spec: list[Any], names: list[str]) -> None:
    definition = {"input": {"required": {"x": spec}}, "input_order": {"required": ["x"]}}
    assert widget_names(definition) == names


def test_seeds_get_a_control_unless_they_refuse_it() -> None:
    def names(**options: Any) -> list[str]:
        inputs = {"required": {"noise_seed": ["INT", options]}}
        return widget_names({"input": inputs, "input_order": {"required": ["noise_seed"]}})

    assert names() == ["noise_seed", ""]
    assert names(control_after_generate=False) == ["noise_seed"]
