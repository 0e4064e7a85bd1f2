"""Imports point one way, as the layers do; modules are called by what they hold."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "panini_core"
NODES = ROOT / "nodes"

# What a part of the package may import of the others. Values and networks are at the bottom, the
# pipeline above the stages, training, metrics and the command line on top.
VALUES = {"faces", "images", "image_file", "file_decoding", "file_encoding", "whole_file"}
FOUNDATION = VALUES | {"models", "checkpoints"}
TOP = {"training", "metrics", "studies", "cli", "__main__"}
FORBIDDEN_NAMES = {"types", "utils", "helpers"}


@dataclass(frozen=True)
class Import:
    """One import of a file: `target` is dotted, from the root of the repository if relative."""

    file: Path
    line: int
    target: str
    relative: bool

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.target}"


def python_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*.py") if "__pycache__" not in p.parts)


def imports(file: Path) -> Iterator[Import]:
    """All imports of a file, also those inside functions."""
    package = file.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name, relative=False)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            start = [*base, *([node.module] if node.module else [])]
            for alias in node.names if not node.module else [None]:
                parts = [*start, *([alias.name] if alias else [])]
                yield Import(file, node.lineno, ".".join(parts), relative=node.level > 0)


def part(dotted: str) -> str:
    """`panini_core.models.panini` -> `models`; `` for what is not of the package."""
    names = dotted.split(".")
    return names[1] if names[0] == "panini_core" and len(names) > 1 else ""


def part_of(file: Path) -> str:
    return file.relative_to(CORE).parts[0].removesuffix(".py")


CORE_IMPORTS = [found for file in python_files(CORE) for found in imports(file)]


def test_the_walk_sees_the_package() -> None:
    assert len(CORE_IMPORTS) > 100
    found = {(part_of(i.file), part(i.target)) for i in CORE_IMPORTS if i.relative}
    assert ("checkpoints", "models") in found


def test_the_package_imports_itself_relatively() -> None:
    wrong = [
        str(i) for i in CORE_IMPORTS if not i.relative and i.target.split(".")[0] == "panini_core"
    ]
    assert wrong == []


def test_networks_import_torch_and_each_other_only() -> None:
    # onnxruntime, facexlib and the like are imported on first use, by the detectors alone.
    allowed = {"torch", *sys.stdlib_module_names}
    detectors = {"facexlib", "onnxruntime", "retinaface", "torchvision"}
    wrong = [
        str(i)
        for i in CORE_IMPORTS
        if part_of(i.file) == "models"
        and part(i.target) != "models"
        and i.target.split(".")[0] not in allowed
        and not (i.file.stem == "face_detector" and i.target.split(".")[0] in detectors)
    ]
    assert wrong == []


def test_values_and_checkpoints_know_nothing_of_the_stages() -> None:
    allowed = {
        **dict.fromkeys(VALUES, VALUES),
        "models": {"models"},
        "checkpoints": {"checkpoints", "models", "whole_file"},
    }
    wrong = [
        str(i)
        for i in CORE_IMPORTS
        if i.relative
        and part_of(i.file) in allowed
        and part(i.target) not in allowed[part_of(i.file)]
    ]
    assert wrong == []


def test_stages_import_nothing_from_above_them() -> None:
    above = TOP | {"pipeline"}
    wrong = [
        str(i)
        for i in CORE_IMPORTS
        if part_of(i.file) not in TOP | {"__init__"}
        and part(i.target) in (TOP if part_of(i.file) == "pipeline" else above)
    ]
    assert wrong == []


def test_training_and_metrics_do_not_need_the_command_line() -> None:
    wrong = [
        str(i)
        for i in CORE_IMPORTS
        if part_of(i.file) in {"training", "metrics"} and part(i.target) in {"cli", "__main__"}
    ]
    assert wrong == []


def test_nodes_import_the_public_package_only() -> None:
    wrong = [
        str(i)
        for file in python_files(NODES)
        for i in imports(file)
        if part(i.target) in TOP or (i.target.split(".")[0] == "panini_core" and not i.relative)
    ]
    assert wrong == []


def test_one_package_of_the_nodes_touches_comfyui() -> None:
    internals = {"comfy", "comfy_execution", "comfy_extras", "execution", "folder_paths", "server"}
    wrong = [
        str(i)
        for file in python_files(NODES)
        for i in imports(file)
        if not i.relative and i.target.split(".")[0] in internals
        if file.parent != NODES / "host"
    ]
    assert wrong == []


def test_the_core_does_not_know_its_hosts() -> None:
    hosts = {"nodes", "comfy", "comfy_api", "comfy_extras", "folder_paths"}
    wrong = [str(i) for i in CORE_IMPORTS if i.target.split(".")[0] in hosts]
    assert wrong == []


def test_modules_are_called_by_what_they_hold() -> None:
    names = [*python_files(CORE), *python_files(NODES), *(p for p in CORE.rglob("*") if p.is_dir())]
    assert [str(p.relative_to(ROOT)) for p in names if p.stem in FORBIDDEN_NAMES] == []


def test_official_names_stand_in_one_file() -> None:
    official = ("AFS_maskGen", "fusion_out", "choice_vector", "weight_orig", "encoder_q")
    holders = {
        file.relative_to(CORE).as_posix()
        for file in python_files(CORE)
        if any(name in file.read_text(encoding="utf-8") for name in official)
    }
    assert holders == {"checkpoints/layouts.py"}
