"""What saved workflows rely on: ids, types, defaults, ranges, order.

`object_info.json` holds it. A change there breaks workflows, unless it only adds. To accept one:
PANINI_UPDATE_SNAPSHOT=1 pytest tests/nodes/test_snapshot.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .pack import Pack

FOLDER = Path(__file__).resolve().parent
SNAPSHOT = FOLDER / "object_info.json"
LASTING = ("default", "min", "max", "step", "options", "control_after_generate")
SECONDS = 300


def lasting(info: dict[str, Any]) -> dict[str, Any]:
    """What of a node must stay: not the texts, nor what differs between versions of ComfyUI."""
    inputs = {
        group: {
            name: [spec[0], {key: spec[1][key] for key in LASTING if key in spec[1]}]
            for name, spec in entries.items()
        }
        for group, entries in info["input"].items()
        if group != "hidden"
    }
    order = {group: info["input_order"][group] for group in inputs}
    kept = ("display_name", "category", "output", "output_name", "output_is_list", "output_node")
    hidden = sorted(info["input"].get("hidden", {}))
    return {
        "input": inputs,
        "input_order": order,
        "hidden": hidden,
        **{key: info[key] for key in kept},
    }


def described(kind: str, base: Path) -> dict[str, Any]:
    """What a fresh process with this host says of the nodes."""
    command = [sys.executable, str(FOLDER / "pack.py"), kind, str(base)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def snapshot() -> dict[str, Any]:
    return json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_saved_workflows_stay_valid(pack: Pack) -> None:
    found = {node: lasting(info) for node, info in pack.object_info().items()}
    if os.environ.get("PANINI_UPDATE_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        pytest.skip(f"wrote {SNAPSHOT.name}: look at the difference before committing it")
    expected = snapshot()
    assert list(found) == list(expected)
    for node, entry in found.items():
        assert entry == expected[node], f"{node}: see the head of {Path(__file__).name}"


@pytest.fixture(scope="module")
def with_stand_in(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return described("stand-in", tmp_path_factory.mktemp("stand-in"))


def test_the_stand_in_tells_the_same(with_stand_in: dict[str, Any]) -> None:
    assert with_stand_in["host"] == "stand-in"
    assert {node: lasting(info) for node, info in with_stand_in["nodes"].items()} == snapshot()


def test_texts_are_the_same_with_the_stand_in(pack: Pack, with_stand_in: dict[str, Any]) -> None:
    def texts(nodes: dict[str, Any]) -> dict[str, Any]:
        return {
            node: [info["description"], info["output_tooltips"]] for node, info in nodes.items()
        }

    assert texts(pack.object_info()) == texts(with_stand_in["nodes"])


def test_versions_with_search_aliases_get_them(with_stand_in: dict[str, Any]) -> None:
    aliases = {node: info["search_aliases"] for node, info in with_stand_in["nodes"].items()}
    assert "gfpgan" in aliases["PaniniRestoreImage"]
    assert [node for node, names in aliases.items() if len(set(names)) < len(names)] == []


@pytest.fixture(scope="module")
def fresh(comfy_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The pack loaded into a ComfyUI that has loaded already, as on a user's start."""
    assert comfy_pack.host.startswith("ComfyUI")
    return described("comfyui", tmp_path_factory.mktemp("fresh"))


def test_loading_imports_no_network(fresh: dict[str, Any]) -> None:
    heavy = {"facexlib", "onnxruntime", "cv2", "numba", "skimage", "torchvision", "onnx", "scipy"}
    loaded = fresh["modules"]
    assert [name for name in loaded if name.split(".")[0] in heavy] == []
    assert [name for name in loaded if ".panini_core.models" in name] == []


def test_loading_imports_the_own_copy_of_the_core_only(fresh: dict[str, Any]) -> None:
    copies = {name.partition("panini_core")[0] for name in fresh["modules"] if "_core" in name}
    assert copies == {"/ComfyUI/custom_nodes/panini face-restore_x_v2."}


def test_loading_takes_a_small_part_of_what_torch_takes(fresh: dict[str, Any]) -> None:
    seconds = fresh["seconds"]
    assert seconds["pack"] < 0.2 * seconds["torch"], seconds  # 0.02 when it was written
