"""typings/ describes what is used of ComfyUI and spandrel; they themselves must agree."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .pack import PROJECT_ROOT, Pack

FOLDER = PROJECT_ROOT / "typings"
STUBS = sorted(FOLDER.rglob("*.pyi"))
OPTIONAL = {"spandrel_extra_arches"}  # which ComfyUI does not bring along
LATER = {"io.Schema.__init__": {"search_aliases"}}  # than the oldest supported version


def declared(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[str, ast.stmt]]:
    """Dotted names of what a stub declares, and the declarations."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name, node
            yield from ((f"{node.name}.{name}", inner) for name, inner in declared(node))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        elif isinstance(node, ast.AnnAssign) and isinstance(tree, ast.Module):
            assert isinstance(node.target, ast.Name)
            yield node.target.id, node


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    return {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}


def known_parameters(found: Any) -> set[str]:
    """Of a function or method, as its class takes them."""
    return set(inspect.signature(found).parameters) | {"self", "cls"}


def module_name(stub: Path) -> str:
    parts = stub.relative_to(FOLDER).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("stub", STUBS, ids=module_name)
def test_comfyui_has_what_the_stubs_declare(stub: Path, comfy_pack: Pack) -> None:
    name = module_name(stub)
    if name == "comfy_api.latest.io":  # an attribute, not a module, in newer versions
        module = importlib.import_module("comfy_api.latest").io
    else:
        module = pytest.importorskip(name) if name in OPTIONAL else importlib.import_module(name)
    for path, node in declared(ast.parse(stub.read_text(encoding="utf-8"))):
        found: Any = module
        for part in path.split("."):
            assert hasattr(found, part), f"{name} has no {path}"
            found = getattr(found, part)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            later = LATER.get(f"{name.rpartition('.')[2]}.{path}", set[str]())
            assert parameters(node) - later <= known_parameters(found), f"{name}.{path}"


def test_schemas_are_dataclasses(comfy_pack: Pack) -> None:
    """`supported` in nodes/host.py asks them for their fields."""
    assert dataclasses.is_dataclass(importlib.import_module("comfy_api.latest").io.Schema)


def test_every_part_has_a_stub() -> None:
    assert {module_name(stub) for stub in STUBS} >= {
        "comfy_api.latest.io",
        "comfy.model_management",
        "folder_paths",
    }
