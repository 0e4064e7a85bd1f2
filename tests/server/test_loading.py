"""The pack among ComfyUI's custom nodes: it loads, and all that it brings is served."""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from .client import Client
from .server import FOLDER_NAME, PROJECT_ROOT, Server

SNAPSHOT = PROJECT_ROOT / "tests" / "nodes" / "object_info.json"


def files(folder: str, pattern: str) -> list[Path]:
    """Files of the pack; skips while there are none."""
    found = sorted((PROJECT_ROOT / folder).glob(pattern))
    if not found:
        pytest.skip(f"nothing matches {folder}/{pattern} yet")
    return found


def node_ids() -> list[str]:
    return list(json.loads(SNAPSHOT.read_text(encoding="utf-8")))


def test_all_nodes_are_there(client: Client) -> None:
    info = client.object_info()
    ours = {name: node for name, node in info.items() if name.startswith("Panini")}
    assert set(ours) == set(node_ids())
    assert {node["python_module"] for node in ours.values()} == {f"custom_nodes.{FOLDER_NAME}"}


def test_no_node_of_others_is_replaced(client: Client) -> None:
    names = [node["display_name"] for node in client.object_info().values()]
    ours = {client.object_info(name)[name]["display_name"] for name in node_ids()}
    assert [name for name in ours if names.count(name) > 1] == []


def test_the_log_has_no_complaint(shared_server: Server) -> None:
    # Lines about ComfyUI itself and its other nodes are not ours to judge.
    log = shared_server.log().partition("got prompt")[0]  # until the first run
    assert f"seconds: {shared_server.base / 'custom_nodes' / FOLDER_NAME}" in log
    assert "IMPORT FAILED): " + str(shared_server.base) not in log
    complaints = [
        line
        for line in log.splitlines()
        if any(word in line for word in ("Error", "WARNING", "Warning", "Traceback"))
        and ("panini" in line.lower() or FOLDER_NAME in line)
    ]
    assert complaints == []


def test_scripts_are_listed_once_and_served(client: Client) -> None:
    web = PROJECT_ROOT / "web"
    scripts = {file.relative_to(web).as_posix(): file for file in files("web", "**/*.js")}
    listed = [urllib.parse.unquote(path) for path in client.get_json("/extensions")]
    prefix = f"/extensions/{FOLDER_NAME}/"
    assert sorted(path for path in listed if "panini" in path) == sorted(
        prefix + name for name in scripts
    )
    for name, file in scripts.items():
        assert client.get(prefix + name) == file.read_bytes(), name


@pytest.mark.parametrize("pattern", ["**/*.css", "docs/**/*.md", "docs/**/*.webp"])
def test_other_files_of_the_front_end_are_served(client: Client, pattern: str) -> None:
    for file in files("web", pattern):
        name = file.relative_to(PROJECT_ROOT / "web").as_posix()
        assert client.get(f"/extensions/{FOLDER_NAME}/{name}") == file.read_bytes(), name


def test_every_node_has_a_help_page(client: Client) -> None:
    files("web/docs", "**/*.md")
    for node in node_ids():  # where the front end looks last, whatever the language
        assert client.get(f"/extensions/{FOLDER_NAME}/docs/{node}.md").strip(), node


def test_translations_are_merged(client: Client) -> None:
    translations = client.get_json("/i18n")
    for file in files("locales", "*/*.json"):
        part = translations[file.parent.name]
        if file.stem != "main":  # main.json stands at the root of its language
            part = part[file.stem]
        expected: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        assert expected.items() <= part.items(), file


def test_example_workflows_are_offered_and_served(client: Client) -> None:
    examples = files("example_workflows", "*.json")
    offered = client.get_json("/api/workflow_templates")
    assert sorted(offered[FOLDER_NAME]) == sorted(file.stem for file in examples)
    for file in examples:
        address = f"/api/workflow_templates/{FOLDER_NAME}/{file.name}"
        assert client.get(address) == file.read_bytes()
