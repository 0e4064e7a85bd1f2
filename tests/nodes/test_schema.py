"""What the nodes declare: complete, consistent, and in line with their `execute`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from .pack import Pack

MENUS = {"Panini", *(f"Panini/{name}" for name in ("Loaders", "Stages", "Degradation", "Bridges"))}


class Declared(NamedTuple):
    """An input of a node."""

    node: str
    name: str
    kind: str
    options: dict[str, Any]


def declared_inputs(pack: Pack) -> Iterator[Declared]:
    for node, info in pack.object_info().items():
        for group in ("required", "optional"):
            for name, (kind, options) in info["input"].get(group, {}).items():
                yield Declared(node, name, kind, options)


def names(inputs: list[Declared]) -> list[str]:
    return [f"{found.node}.{found.name}" for found in inputs]


def test_nodes_say_what_they_are(pack: Pack) -> None:
    info = pack.object_info()
    assert len(info) == len(pack.nodes) > 10
    for node, entry in info.items():
        assert node == entry["name"] and node.startswith("Panini")
        assert entry["category"] in MENUS, node
        assert entry["display_name"] and entry["description"].endswith(".")
    display_names = [entry["display_name"] for entry in info.values()]
    assert len(set(display_names)) == len(display_names)


def test_every_input_is_explained(pack: Pack) -> None:
    inputs = list(declared_inputs(pack))
    assert len(inputs) > 40
    assert names([i for i in inputs if not i.options.get("tooltip", "").endswith(".")]) == []


def test_every_output_is_named_and_explained(pack: Pack) -> None:
    for node, entry in pack.object_info().items():
        assert len(set(entry["output_name"])) == len(entry["output_name"]), node
        for name, tooltip in zip(entry["output_name"], entry["output_tooltips"], strict=True):
            assert re.fullmatch("[a-z_]+", name), f"{node}: {name}"
            assert tooltip and tooltip.endswith("."), f"{node}.{name}"


def test_numbers_have_limits_and_defaults_within(pack: Pack) -> None:
    numbers = [i for i in declared_inputs(pack) if i.kind in ("INT", "FLOAT")]
    assert len(numbers) > 10
    limits = {"min", "max", "default"}
    assert names([i for i in numbers if not limits <= set(i.options)]) == []
    outside = [
        i for i in numbers if not i.options["min"] <= i.options["default"] <= i.options["max"]
    ]
    assert names(outside) == []


def test_combos_offer_their_default_once(pack: Pack) -> None:
    combos = [i for i in declared_inputs(pack) if i.kind == "COMBO"]
    assert len(combos) > 5
    for combo in combos:
        options = combo.options["options"]
        assert options and len(set(options)) == len(options), names([combo])
        assert combo.options.get("default", options[0]) in options, names([combo])


def test_execute_takes_the_inputs(pack: Pack) -> None:
    for node, cls in pack.nodes.items():
        parameters = dict(inspect.signature(cls.execute).parameters)
        inputs = {entry.id: entry for entry in cls.define_schema().inputs}
        rest = [name for name, p in parameters.items() if p.kind is p.VAR_KEYWORD]
        for name in rest:  # **options take what has no parameter of its own
            del parameters[name]
        assert set(parameters) <= set(inputs) if rest else set(parameters) == set(inputs), node
        without_default = {name for name, p in parameters.items() if p.default is p.empty}
        optional = {name for name, entry in inputs.items() if entry.optional}
        assert not optional & without_default, f"{node} runs without {optional & without_default}"


@pytest.mark.parametrize("method", ["validate_inputs", "fingerprint_inputs", "check_lazy_status"])
def test_other_methods_take_some_of_the_inputs(pack: Pack, method: str) -> None:
    for node, cls in pack.nodes.items():
        if method in vars(cls):
            inputs = {entry.id for entry in cls.define_schema().inputs}
            assert set(inspect.signature(getattr(cls, method)).parameters) <= inputs, node


def test_schemas_can_be_asked_for_repeatedly(pack: Pack) -> None:
    assert pack.object_info() == pack.object_info()


def test_sockets_of_the_pack_are_made_and_used(pack: Pack) -> None:
    """A type that only ever enters, or only leaves, could not be connected."""
    made = {kind for entry in pack.object_info().values() for kind in entry["output"]}
    used = {found.kind for found in declared_inputs(pack)}
    ours = {kind for kind in made | used if kind.startswith("PANINI_")}
    assert ours == {
        "PANINI_MODEL",
        "PANINI_DETECTOR",
        "PANINI_FACES",
        "PANINI_DEGRADATION",
        "PANINI_WEIGHTS",
    }
    assert ours <= made and ours <= used
