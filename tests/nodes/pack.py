"""The pack, loaded as ComfyUI loads custom nodes: by path, under a name of ComfyUI's choice.

As a script, `pack.py comfyui|stand-in BASE` prints what the nodes declare and what was loaded, as
JSON: both hosts cannot live in one process.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

PROJECT_ROOT = Path(__file__).resolve().parents[2]
STAND_IN = Path(__file__).resolve().parent / "stand_in"
# ComfyUI names modules after their path, with dots replaced.
MODULE_NAME = "/ComfyUI/custom_nodes/panini face-restore_x_v2"
HOST_PACKAGES = ("comfy", "comfy_api", "comfy_execution", "folder_paths")


@dataclass(frozen=True)
class Pack:
    """The loaded pack. Take its classes from here: those of an installed `panini_core` differ."""

    module: ModuleType
    nodes: dict[str, Any]  # by node id, in the order of the list
    host: str  # "ComfyUI 0.3.64 in …" or "stand-in"

    def part(self, name: str) -> Any:
        """A module of the pack, such as `nodes.host` or `panini_core.faces`."""
        return importlib.import_module(f"{self.module.__name__}.{name}")

    @property
    def core(self) -> Any:
        """The pack's own `panini_core`."""
        return self.part("panini_core")

    def object_info(self) -> dict[str, Any]:
        """What the server would answer to /object_info, for these nodes."""
        info = {name: node.GET_NODE_INFO_V1() for name, node in self.nodes.items()}
        return json.loads(json.dumps(info))

    def run(self, node_id: str, **inputs: Any) -> Any:
        """Execute a node as ComfyUI does; widgets that are not given have their defaults.

        Returns the NodeOutput: `result` holds the outputs, `ui` the payload. Needs ComfyUI.
        """
        import torch

        execute = locked_method(self.nodes[node_id], "EXECUTE_NORMALIZED")
        with torch.inference_mode():
            return execute(**(self.defaults(node_id) | inputs))

    def defaults(self, node_id: str) -> dict[str, Any]:
        """What the widgets of a new node hold."""
        values: dict[str, Any] = {}
        for entry in self.nodes[node_id].GET_SCHEMA().inputs:
            options = entry.as_dict()
            if options.get("default") is not None:
                values[entry.id] = options["default"]
            elif options.get("options"):
                values[entry.id] = options["options"][0]
        return values


def locked_method(node: Any, name: str) -> Callable[..., Any]:
    """A method of a node's locked clone, as the executor calls it."""
    internal = importlib.import_module("comfy_api.internal")
    return internal.make_locked_method_func(node, name, node.PREPARE_CLASS_CLONE({}))


def load_pack(host: str) -> Pack:
    """Import the pack; the host must be importable by now."""
    spec = importlib.util.spec_from_file_location(MODULE_NAME, PROJECT_ROOT / "__init__.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE_NAME] = module
    spec.loader.exec_module(module)
    # In a thread of its own: the browser tests leave a running event loop in this one.
    with ThreadPoolExecutor(max_workers=1) as thread:
        nodes = thread.submit(asyncio.run, list_nodes(module)).result()
    return Pack(module, {node.GET_SCHEMA().node_id: node for node in nodes}, host)


async def list_nodes(module: ModuleType) -> list[Any]:
    """The node classes that the pack gives to ComfyUI."""
    extension = await module.comfy_entrypoint()
    return await extension.get_node_list()


def find_comfyui() -> Path | None:
    """ComfyUI's folder (COMFYUI_PATH, by default ~/ComfyUI), if it is there."""
    folder = Path(os.environ.get("COMFYUI_PATH", "~/ComfyUI")).expanduser().resolve()
    return folder if (folder / "comfy_api").is_dir() else None


def use_comfyui(folder: Path, base: Path) -> str:
    """Make ComfyUI importable, on the CPU and with empty folders below `base`.

    Returns what it is. Raises ModuleNotFoundError if ComfyUI's requirements are not installed.
    """
    sys.path.insert(0, str(folder))
    try:
        arguments = importlib.import_module("comfy.cli_args").args
        arguments.cpu = True
        arguments.base_directory = str(base)
        for name in ("comfy_api.latest", "comfy.model_patcher", "comfy.utils", "folder_paths"):
            importlib.import_module(name)
        version = importlib.import_module("comfyui_version").__version__
    except ModuleNotFoundError:
        forget_host(folder)
        raise
    return f"ComfyUI {version} in {folder}"


def use_stand_in() -> str:
    """Make the stand-in importable in ComfyUI's place: enough to read the schemas."""
    sys.path.insert(0, str(STAND_IN))
    return "stand-in"


def forget_host(folder: Path) -> None:
    """Undo what makes a host importable."""
    sys.path.remove(str(folder))
    for name in list(sys.modules):
        if name.split(".")[0] in HOST_PACKAGES:
            del sys.modules[name]


def report(kind: str, base: Path) -> dict[str, Any]:
    """What a fresh process says of the pack; `seconds` are of the processor."""
    begin = time.process_time()
    importlib.import_module("torch")
    torch_seconds = time.process_time() - begin
    comfyui = find_comfyui()
    if kind == "comfyui":
        assert comfyui is not None
        host = use_comfyui(comfyui, base)
    else:
        host = use_stand_in()
    before = set(sys.modules)
    begin = time.process_time()
    pack = load_pack(host)
    return {
        "host": pack.host,
        "seconds": {"torch": torch_seconds, "pack": time.process_time() - begin},
        "modules": sorted(set(sys.modules) - before),
        "nodes": pack.object_info(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report(sys.argv[1], Path(sys.argv[2]))))
