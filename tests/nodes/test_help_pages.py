"""The help pages in web/docs/: complete, and in line with what the nodes declare.

The front end looks for docs/<node id>/<locale>.md first, then for docs/<node id>.md; pictures are
looked up from docs/ in both.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .pack import PROJECT_ROOT, Pack

DOCS = PROJECT_ROOT / "web" / "docs"
GUIDES = PROJECT_ROOT / "docs"
OPTIONAL = {"en": ", optional", "zh": "，可选"}
# Lists, for the sidebar is too narrow for tables.
ENTRY = re.compile(r"^- `(\w+)` · (.*?) · (.+)$", re.MULTILINE)
PICTURE = re.compile(r"!\[(.*?)\]\((.*?)\)")
LARGEST_PICTURE = 60_000  # bytes


def page_of(node: str, locale: str) -> Path:
    return DOCS / (f"{node}.md" if locale == "en" else f"{node}/{locale}.md")


def pages() -> list[tuple[str, str, Path]]:
    """Node id, locale and path of every page."""
    found = [(path.stem, "en", path) for path in sorted(DOCS.glob("*.md"))]
    found += [(path.parent.name, path.stem, path) for path in sorted(DOCS.glob("*/*.md"))]
    return found


def lists(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Inputs and outputs of a page: what stands behind the name of each."""
    sections = [
        {name: values for name, values, _ in ENTRY.findall(section)}
        for section in text.split("\n## ")[1:]
    ]
    filled = [section for section in sections if section]
    return filled[0], filled[1] if len(filled) > 1 else {}


def values_of(kind: str, options: dict[str, Any]) -> str:
    """What a page must say a widget holds: its default, and within which limits."""
    if kind in ("INT", "FLOAT"):
        most = "2^64 - 1" if options["max"] == 2**64 - 1 else f"{options['max']:g}"
        return f"{options['default']:g} ({options['min']:g} … {most})"
    if kind == "BOOLEAN":
        return "true" if options["default"] else "false"
    if kind == "STRING":
        return f"`{options['default']}`" if options["default"] else kind
    return kind


def says_options(cell: str, options: dict[str, Any]) -> bool:
    """Whether all options are named and the default is bold; files of this machine are left out."""
    choices = options["options"]
    default = options.get("default", choices[0])
    named = [choice.strip("*") for choice in cell.split(", ")]
    files = [choice for choice in choices if Path(choice).suffix and choice not in named]
    return f"**{default}**" in cell and named == [c for c in choices if c not in files]


def test_every_node_has_a_page(pack: Pack) -> None:
    assert {node for node, locale, _ in pages() if locale == "en"} == set(pack.nodes)
    assert {node for node, _, _ in pages()} == set(pack.nodes)


@pytest.mark.parametrize(("node", "locale", "path"), pages())
def test_pages_list_what_the_node_declares(node: str, locale: str, path: Path, pack: Pack) -> None:
    info = pack.object_info()[node]
    inputs, outputs = lists(path.read_text(encoding="utf-8"))
    declared: dict[str, str] = {}
    for group in ("required", "optional"):
        for name, (kind, options) in info["input"].get(group, {}).items():
            declared[name] = values_of(kind, options)
            if kind == "COMBO" and says_options(inputs.get(name, ""), options):
                declared[name] = inputs[name]
            elif kind.isupper() and group == "optional":
                declared[name] += OPTIONAL[locale]
    assert inputs == declared
    assert outputs == dict(zip(info["output_name"], info["output"], strict=True))


@pytest.mark.parametrize(("node", "locale", "path"), pages())
def test_pages_have_the_nodes_name_and_an_example(node: str, locale: str, path: Path) -> None:
    texts = json.loads(
        (PROJECT_ROOT / "locales" / locale / "nodeDefs.json").read_text(encoding="utf-8")
    )
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {texts[node]['display_name']}\n")
    assert f"**{texts[node]['display_name']}**" in text


@pytest.mark.parametrize(("node", "locale", "path"), pages())
def test_no_language_leaves_a_point_out(node: str, locale: str, path: Path) -> None:
    points, english = (
        re.findall("^(?:- |## |!)", text.read_text(encoding="utf-8"), re.MULTILINE)
        for text in (path, page_of(node, "en"))
    )
    assert points == english


@pytest.mark.parametrize(("node", "locale", "path"), pages())
def test_templates_that_pages_name_exist(node: str, locale: str, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"(?:template|模板) `(\w+)`|`(\w+)` does the same", text):
        assert (PROJECT_ROOT / "example_workflows" / f"{name[0] or name[1]}.json").is_file(), name


@pytest.mark.parametrize(("node", "locale", "path"), pages())
def test_pictures_exist_and_are_described(node: str, locale: str, path: Path) -> None:
    for description, target in PICTURE.findall(path.read_text(encoding="utf-8")):
        assert description
        assert (DOCS / target).is_file(), target


def test_pictures_are_small_and_used() -> None:
    used = {
        target
        for _, _, path in pages()
        for _, target in PICTURE.findall(path.read_text(encoding="utf-8"))
    }
    files = {f"images/{path.name}": path for path in (DOCS / "images").iterdir()}
    assert set(files) == used
    assert [n for n, path in files.items() if path.stat().st_size > LARGEST_PICTURE] == []


def test_the_overview_names_and_links_every_page(pack: Pack) -> None:
    links = re.findall(r"\[(.+?)\]\((.+?)\)", (GUIDES / "nodes.md").read_text(encoding="utf-8"))
    linked = {name: target for name, target in links if target.startswith("../web/docs/")}
    assert linked == {
        entry["display_name"]: f"../web/docs/{node}.md"
        for node, entry in pack.object_info().items()
    }


def test_guides_speak_of_settings_that_exist(pack: Pack) -> None:
    """A renamed input or template would leave readers searching."""
    known = {path.stem for path in (PROJECT_ROOT / "example_workflows").glob("*.json")}
    for info in pack.object_info().values():
        known.update(info["output_name"])
        for group in ("required", "optional"):
            for name, (_, options) in info["input"].get(group, {}).items():
                known.add(name)
                known.update(options.get("options", []))
    text = (GUIDES / "questions.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_0-9]+)`", text)) - {"none", "centre", "largest"}
    assert len(named) > 15
    assert named - known == set()
