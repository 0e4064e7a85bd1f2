"""Imports point one way, as the layers do; modules are called by what they hold."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "panini_core"
LABORATORY = ROOT / "panini_lab"
NODES = ROOT / "nodes"

# What a part of the package may import of the others, besides itself. Networks and values are at
# the bottom, the pipeline above the stages, the command line on top.
BELOW_STAGES = {"models", "faces", "options"}
MAY_IMPORT = {
    "models": set[str](),
    "faces": {"models.transfer"},
    "options": {"stages.per_face", "stages.selection"},  # the texts that options hold; no torch
    "compute": {"options"},
    "checkpoints": BELOW_STAGES | {"compute"},
    "images": {"checkpoints.whole_file"},
    "video": {"checkpoints.whole_file", "options"},
    "degrading": {"models.dct", "models.luma"},
    "stages": BELOW_STAGES,
    "atlas": {"models", "faces", "options", "checkpoints"},
    "drawing": {"faces", "atlas", "options", "stages.level_statistics"},
    "pipeline": BELOW_STAGES | {"stages"},
    "film": BELOW_STAGES | {"stages", "video", "checkpoints.whole_file"},
    "onnx_export": {"models", "checkpoints", "stages.align"},
    "sample_photo": {"images", "degrading", "models.luma"},
    "bulk": BELOW_STAGES | {"compute", "checkpoints", "images", "stages", "pipeline"},
    "cli": BELOW_STAGES
    | {"compute", "checkpoints", "images", "degrading", "stages", "atlas", "drawing", "pipeline"}
    | {"bulk", "film", "onnx_export", "sample_photo", "video"},
    "__main__": {"cli"},
    "__init__": BELOW_STAGES
    | {"compute", "checkpoints", "images", "degrading", "stages", "atlas", "drawing", "pipeline"}
    | {"film", "onnx_export", "sample_photo", "video"},
}
# Likewise in the laboratory, whose commands are on top; all of it may import the core.
LABORATORY_MAY_IMPORT = {
    "options": set[str](),
    "metrics": set[str](),
    "training": {"options", "metrics"},
    "studies": {"options", "metrics", "training"},
    "commands": {"options", "metrics", "training", "studies"},
    "__init__": set[str](),
}
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


def part(dotted: str, package: str = "panini_core") -> str:
    """`panini_core.models.panini` -> `models.panini`; `` for what is not of the package."""
    top, _, rest = dotted.partition(".")
    return rest if top == package else ""


def part_of(file: Path) -> str:
    """The room that a file of one of the packages lies in."""
    return file.relative_to(ROOT).parts[1].removesuffix(".py")


def against(table: dict[str, set[str]], imports: list[Import], package: str) -> list[str]:
    """The imports of a package's parts among each other that `table` does not allow."""
    return [
        str(i)
        for i in imports
        if (inner := part(i.target, package))
        and not any(
            f"{inner}.".startswith(f"{allowed}.")
            for allowed in {part_of(i.file), *table[part_of(i.file)]}
        )
    ]


CORE_IMPORTS = [found for file in python_files(CORE) for found in imports(file)]
LABORATORY_IMPORTS = [found for file in python_files(LABORATORY) for found in imports(file)]


def test_the_walk_sees_the_packages() -> None:
    assert len(CORE_IMPORTS) > 100 and len(LABORATORY_IMPORTS) > 100
    found = {(part_of(i.file), part(i.target)) for i in CORE_IMPORTS if i.relative}
    assert ("checkpoints", "models.panini") in found


def test_the_packages_import_themselves_relatively() -> None:
    wrong = [
        str(i)
        for i in [*CORE_IMPORTS, *LABORATORY_IMPORTS]
        if not i.relative and i.target.split(".")[0] == i.file.relative_to(ROOT).parts[0]
    ]
    assert wrong == []


def test_the_parts_of_the_core_import_what_is_below_them() -> None:
    assert set(MAY_IMPORT) == {part_of(file) for file in python_files(CORE)}
    assert against(MAY_IMPORT, CORE_IMPORTS, "panini_core") == []


def test_the_parts_of_the_laboratory_import_what_is_below_them() -> None:
    assert set(LABORATORY_MAY_IMPORT) == {part_of(file) for file in python_files(LABORATORY)}
    assert against(LABORATORY_MAY_IMPORT, LABORATORY_IMPORTS, "panini_lab") == []


def test_the_laboratory_needs_the_command_line_for_its_commands_only() -> None:
    wrong = [
        str(i)
        for i in LABORATORY_IMPORTS
        if part_of(i.file) != "commands" and f"{part(i.target)}.".startswith("cli.")
    ]
    assert wrong == []


def test_networks_import_torch_einops_and_each_other_only() -> None:
    # onnxruntime, facexlib and the like are imported on first use, by the detectors alone.
    allowed = {"torch", "einops", *sys.stdlib_module_names}
    detectors = {"facexlib", "onnxruntime", "retinaface"}
    wrong = [
        str(i)
        for i in CORE_IMPORTS
        if part_of(i.file) == "models"
        and not part(i.target).startswith("models")
        and i.target.split(".")[0] not in allowed
        and not (i.file.stem == "face_detector" and i.target.split(".")[0] in detectors)
    ]
    assert wrong == []


def test_nodes_import_the_public_package_only() -> None:
    ours = {"panini_core", "panini_lab"}
    wrong = [
        str(i)
        for file in python_files(NODES)
        for i in imports(file)
        if i.target.split(".")[0] in ours and not (i.relative and i.target == "panini_core")
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
    hosts = {"panini_lab", "nodes", "comfy", "comfy_api", "comfy_extras", "folder_paths"}
    wrong = [str(i) for i in CORE_IMPORTS if i.target.split(".")[0] in hosts]
    assert wrong == []


def test_modules_are_called_by_what_they_hold() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for folder in (CORE, LABORATORY, NODES)
        for path in folder.rglob("*")
        if path.stem in FORBIDDEN_NAMES
    ]
    assert wrong == []


def test_official_names_stand_in_one_file() -> None:
    official = ("AFS_maskGen", "fusion_out", "choice_vector", "weight_orig", "encoder_q")
    holders = {
        file.relative_to(CORE).as_posix()
        for file in python_files(CORE)
        if any(name in file.read_text(encoding="utf-8") for name in official)
    }
    assert holders == {"checkpoints/layouts.py"}


def test_nothing_names_what_only_its_developers_have() -> None:
    theirs = re.compile(r"PANINI_SHARED|panini_spec|\bshared/(data|design|fixtures|cases)\b")
    wrong = [
        f"{file.relative_to(ROOT)}: {found[0]}"
        for folder in (CORE, LABORATORY, NODES)
        for file in python_files(folder)
        for found in theirs.finditer(file.read_text(encoding="utf-8"))
    ]
    assert wrong == []


def test_nothing_is_told_apart_by_its_identity() -> None:
    """Faces carry numbers; a face that was moved or smoothed is another object."""
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for folder in (CORE, NODES)
        for file in python_files(folder)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "id"
    ]
    assert wrong == []
