from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import get_args, get_origin

import pytest
import torch

import panini_core


def run(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return result.stdout.decode().strip()


def test_all_is_complete_and_importable() -> None:
    names = panini_core.__all__
    assert len(names) == len(set(names))
    assert all(getattr(panini_core, name) is not None for name in names)
    assert set(names) <= set(dir(panini_core))


def test_the_table_and_the_imports_for_type_checking_agree() -> None:
    tree = ast.parse(Path(panini_core.__file__).read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name: (node.module, alias.name)
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    origins = {
        name: (module, panini_core._NAME_IN_MODULE.get(name, name))
        for name, module in panini_core._MODULE_OF.items()
    }
    assert imported == origins
    assert set(origins) == set(panini_core.__all__)
    assert sum(map(len, panini_core._NAMES.values())) == len(origins)
    assert list(panini_core._NAMES) == sorted(panini_core._NAMES)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'restore_everything'"):
        panini_core.restore_everything  # noqa: B018


def test_importing_loads_nothing() -> None:
    code = "import sys, panini_core; print([m for m in sys.modules if 'torch' in m or {}])"
    assert run(code.format("m.startswith('panini_core.')")) == "[]"


def test_options_and_rules_are_read_without_torch() -> None:
    code = (
        "import sys, panini_core as core; core.RestoreOptions(); core.SORT_ORDERS;"
        "core.DEGRADATION_PRESETS; core.DEFAULT_FEATHER; print('torch' in sys.modules)"
    )
    assert run(code) == "False"


def test_using_the_pipeline_stays_light() -> None:
    """Optional and heavy packages are imported by the function that needs them."""
    heavy = {
        "facexlib",
        "cv2",
        "onnxruntime",
        "torchvision",
        "spandrel",
        "scipy",
        "numba",
        "skimage",
        "onnx",
    }
    code = (
        "import sys, panini_core; [getattr(panini_core, name) for name in panini_core.__all__];"
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )
    assert run(code) == "[]"


# --- what a public signature names is public ------------------------------------------------------


def own_names(module: ModuleType) -> set[str]:
    """What a module defines or imports from the package, also for type checking alone."""
    names: set[str] = set()
    blocks = [ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")).body]
    while blocks:
        for node in blocks.pop():
            if isinstance(node, ast.ImportFrom) and node.level:
                names |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Assign):
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.If):
                blocks.append(node.body)
    return names


def named_in(annotations: Mapping[str, object]) -> set[str]:
    """The identifiers of annotations, which are texts, since modules postpone their evaluation."""
    texts = [text for text in annotations.values() if isinstance(text, str)]
    trees = [ast.walk(ast.parse(text, mode="eval")) for text in texts]
    return {node.id for tree in trees for node in tree if isinstance(node, ast.Name)}


def signatures_of(value: object) -> Iterator[tuple[str, Mapping[str, object], ModuleType]]:
    """Name, annotations and module of a function, or of a class and its public methods."""
    if inspect.isfunction(value):
        yield value.__qualname__, value.__annotations__, sys.modules[value.__module__]
    if not inspect.isclass(value):
        return
    module = sys.modules[value.__module__]
    fields = {n: a for n, a in vars(value).get("__annotations__", {}).items() if n[0] != "_"}
    yield value.__qualname__, fields, module
    for name, member in vars(value).items():
        if name.startswith("_") and name not in ("__init__", "__call__"):
            continue
        function = getattr(member, "fget", None) or getattr(member, "__func__", member)
        if inspect.isfunction(function):
            yield function.__qualname__, function.__annotations__, module


def is_of_builtins(value: object) -> bool:
    """Whether a type is only short for what anybody can write: a tuple of tuples of numbers."""
    parts = get_args(value)
    return value in (int, float, str) or (
        get_origin(value) is tuple and all(part is ... or is_of_builtins(part) for part in parts)
    )


def test_what_public_signatures_name_is_public() -> None:
    public = set(panini_core.__all__)
    hidden = {
        f"{where}: {name}"
        for value in map(panini_core.__getattr__, panini_core.__all__)
        for where, annotations, module in signatures_of(value)
        for name in named_in(annotations) & own_names(module) - public
        if not is_of_builtins(getattr(module, name, None))
    }
    assert not hidden, "\n".join(sorted(hidden))


def test_the_walk_sees_what_signatures_name() -> None:
    found = {
        (where, name)
        for value in (panini_core.restore_images, panini_core.FaceSet, panini_core.FaceDetector)
        for where, annotations, module in signatures_of(value)
        for name in named_in(annotations) & own_names(module)
    }
    assert {
        ("restore_images", "OnChunk"),
        ("restore_images", "RestoreOptions"),
        ("FaceSet", "Face"),
        ("FaceSet.select", "FaceSet"),
        ("FaceDetector.__call__", "Detections"),
    } <= found


# --- the examples of the README -----------------------------------------------------------------


def readme_examples() -> list[str]:
    text = (Path(panini_core.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def test_the_readmes_examples_run(work_folder: Path) -> None:
    panini_core.save_image("group.jpg", torch.rand(3, 48, 64))
    names: dict[str, object] = {}
    for example in readme_examples():
        exec(example.replace('"cuda"', '"cpu"'), names)  # noqa: S102
        assert panini_core.read_image("restored.png").size == (64, 48)
        Path("restored.png").unlink()
    picture, result = names["picture"], panini_core.read_image("group.jpg").pixels
    assert isinstance(picture, panini_core.ImageFile)
    panini_core.write_image("restored.jpg", picture.with_pixels(result))
    assert panini_core.read_image("restored.jpg").format == "JPEG"
