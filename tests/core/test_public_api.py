from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

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
    heavy = {"facexlib", "cv2", "onnxruntime", "torchvision", "scipy", "numba", "skimage", "onnx"}
    code = (
        "import sys, panini_core; [getattr(panini_core, name) for name in panini_core.__all__];"
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )
    assert run(code) == "[]"
