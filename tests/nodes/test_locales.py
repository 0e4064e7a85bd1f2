"""The texts of the nodes in locales/, in the form that ComfyUI's front end looks them up.

English comes from the schemas. After a change of theirs:
PANINI_UPDATE_LOCALES=1 pytest tests/nodes/test_locales.py
Then translate what is new in the other folders by hand.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .pack import PROJECT_ROOT, Pack

LOCALES = PROJECT_ROOT / "locales"
TRANSLATED = ("zh",)
# vue-i18n, which reads the texts, takes these for syntax.
SYNTAX = re.compile(r"[{}|@]")


def texts_of(info: dict[str, Any]) -> dict[str, Any]:
    """nodeDefs.json from what the server tells of the nodes."""
    return {key_of(node): node_texts(entry) for node, entry in info.items()}


def node_texts(info: dict[str, Any]) -> dict[str, Any]:
    inputs = {
        key_of(name): {"name": name, "tooltip": options["tooltip"]}
        for group in ("required", "optional")
        for name, (_, options) in info["input"].get(group, {}).items()
    }
    outputs = {
        str(place): {"name": name, "tooltip": tooltip}
        for place, (name, tooltip) in enumerate(
            zip(info["output_name"], info["output_tooltips"], strict=True)
        )
    }
    texts = {"display_name": info["display_name"], "description": info["description"]}
    return texts | {"inputs": inputs, "outputs": outputs}


def key_of(name: str) -> str:
    """The front end looks for names with their dots replaced."""
    return name.replace(".", "_")


def read(locale: str) -> dict[str, Any]:
    return json.loads((LOCALES / locale / "nodeDefs.json").read_text(encoding="utf-8"))


def leaves(texts: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    for key, value in texts.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield ".".join((*path, key)), value


def test_english_is_what_the_schemas_say(pack: Pack) -> None:
    found = texts_of(pack.object_info())
    if os.environ.get("PANINI_UPDATE_LOCALES"):
        path = LOCALES / "en" / "nodeDefs.json"
        path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        pytest.skip(f"wrote {path.name}: translate what is new")
    assert read("en") == found, f"see the head of {Path(__file__).name}"


@pytest.mark.parametrize("locale", TRANSLATED)
def test_translations_are_complete(locale: str) -> None:
    """The same keys in the same order, so that both files can be read side by side."""
    assert [key for key, _ in leaves(read(locale))] == [key for key, _ in leaves(read("en"))]


@pytest.mark.parametrize("locale", TRANSLATED)
def test_translations_are_translated(locale: str) -> None:
    """Names may stay, as SEGS does; sentences may not."""
    english = dict(leaves(read("en")))
    same = [
        key
        for key, text in leaves(read(locale))
        if text == english[key] and key.endswith((".tooltip", ".description"))
    ]
    assert same == []


@pytest.mark.parametrize("locale", TRANSLATED)
def test_translations_keep_what_users_type_or_look_for(locale: str) -> None:
    """File and folder names, and numbers with their units."""
    verbatim = re.compile(r"\w+\.(?:pth|yaml)|models/\w+|output/\w+|0,2,4-6|\d+ px")
    translated = dict(leaves(read(locale)))
    for key, text in leaves(read("en")):
        for word in verbatim.findall(text):
            assert word in translated[key], f"{key}: {word}"


NAMES_EVERYWHERE = re.compile(r"(?:fp|bf)\d+|h264|hevc|vp9|av1|prores|ffv1|.*\.\w+")


@pytest.mark.parametrize("locale", TRANSLATED)
def test_values_have_a_name_that_their_tooltip_tells(pack: Pack, locale: str) -> None:
    """What newer front ends show for a value of a choice; older ones show the value."""
    main = json.loads((LOCALES / locale / "main.json").read_text(encoding="utf-8"))
    names: dict[str, str] = main["panini_values"]
    known: set[str] = set()
    for node, info in pack.object_info().items():
        for group in ("required", "optional"):
            for name, (kind, options) in info["input"].get(group, {}).items():
                if kind != "COMBO":
                    continue
                own = {value for value in options["options"] if not NAMES_EVERYWHERE.match(value)}
                assert own <= set(names), f"{node}.{name}"
                known |= own
                tooltip = read(locale)[key_of(node)]["inputs"][key_of(name)]["tooltip"]
                told = [value.removeprefix("preset: ") for value in own if "(" not in value]
                assert [value for value in told if value not in tooltip] == [], f"{node}.{name}"
    assert set(names) == known


@pytest.mark.parametrize("locale", ["en", *TRANSLATED])
def test_texts_are_plain(locale: str) -> None:
    texts = dict(leaves(read(locale)))
    assert [key for key, text in texts.items() if not text or SYNTAX.search(text)] == []


@pytest.mark.parametrize(
    "path", sorted(LOCALES.rglob("*.json")), ids=lambda p: f"{p.parent.name}-{p.name}"
)
def test_every_file_is_one_that_comfyui_reads(path: Path) -> None:
    assert path.name in ("main.json", "nodeDefs.json", "commands.json", "settings.json")
    assert isinstance(json.loads(path.read_text(encoding="utf-8")), dict)


def test_every_locale_has_the_same_files() -> None:
    names = {folder.name: {path.name for path in folder.iterdir()} for folder in LOCALES.iterdir()}
    assert set(names) == {"en", *TRANSLATED}
    assert all(files == names["en"] for files in names.values()), names
