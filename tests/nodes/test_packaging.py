"""What installers and the registry read of the pack."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .pack import PROJECT_ROOT, Pack, find_comfyui

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = "panini-face-restoration"
# As the registry knows them; it drops all of them if one is misspelt.
SYSTEMS = {"OS Independent"}
ACCELERATORS = {
    "GPU :: NVIDIA CUDA",
    "GPU :: AMD ROCm",
    "GPU :: Apple Metal",
    "GPU :: Intel Arc",
}


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def run(*command: str, folder: Path) -> str:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_registry_accepts_the_metadata(settings: dict[str, Any]) -> None:
    project, comfy = settings["project"], settings["tool"]["comfy"]
    assert project["name"] == NAME and "comfyui" not in project["name"]
    assert len(project["version"].split(".")) == 3
    assert comfy["PublisherId"] and "ComfyUI" not in comfy["DisplayName"]
    assert comfy["requires-comfyui"] == ">=0.3.64"


def test_the_registry_page_is_that_of_the_publisher(settings: dict[str, Any]) -> None:
    publisher = settings["tool"]["comfy"]["PublisherId"]
    page = settings["project"]["urls"]["Comfy registry"]
    assert page.endswith(f"/publishers/{publisher}/nodes/{NAME}")


def test_the_web_folder_is_named_once(settings: dict[str, Any], pack: Pack) -> None:
    """ComfyUI would load the scripts twice if both places named it."""
    assert "web" not in settings["tool"]["comfy"]
    assert (PROJECT_ROOT / pack.module.WEB_DIRECTORY).is_dir()


def test_comfyui_reads_what_the_pack_supports() -> None:
    folder = find_comfyui()
    if folder is None:
        pytest.skip("needs ComfyUI: set COMFYUI_PATH")
    reader = folder / "comfy_config" / "config_parser.py"
    if not reader.is_file() or importlib.util.find_spec("pydantic_settings") is None:
        pytest.skip(f"needs {reader} and pydantic-settings")
    script = (
        "import sys; from comfy_config.config_parser import extract_node_configuration as read\n"
        "print(read(sys.argv[1]).project.model_dump_json())"
    )
    project = json.loads(run(sys.executable, "-c", script, str(PROJECT_ROOT), folder=folder))
    assert project["name"] == NAME
    assert set(project["supported_os"]) == SYSTEMS
    assert set(project["supported_accelerators"]) == ACCELERATORS
    assert project["supported_comfyui_version"] == ">=0.3.64"


def test_requirements_repeat_the_dependencies(settings: dict[str, Any]) -> None:
    lines = (PROJECT_ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert lines == settings["project"]["dependencies"]


def test_torch_is_left_to_comfyui(settings: dict[str, Any]) -> None:
    """pip would put another build in the place of the one that fits the GPU."""
    named = {requirement.split(">")[0] for requirement in settings["project"]["dependencies"]}
    assert not named & {"torch", "torchvision", "torchaudio", "opencv-python", "onnxruntime"}


def test_every_other_extra_brings_torch(settings: dict[str, Any]) -> None:
    """None relies on a package that happens to need torch as well."""
    extras = settings["project"]["optional-dependencies"]

    def packages(extra: str) -> set[str]:
        named = set(extras[extra])
        inner = [match[1] for name in named if (match := re.fullmatch(rf"{NAME}\[(\w+)\]", name))]
        return named.union(*map(packages, inner))

    assert extras["torch"] == ["torch", "torchvision"]
    assert [extra for extra in extras if not packages(extra) >= {*extras["torch"]}] == []


def test_only_the_packages_are_installed(tmp_path: Path) -> None:
    """An installed `nodes` would hide ComfyUI's own module of that name."""
    assert (
        importlib.metadata.distribution(NAME).read_text("top_level.txt")
        == "panini_core\npanini_lab\n"
    )
    script = "import importlib.util as u; print(u.find_spec('panini_core'), u.find_spec('nodes'))"
    found = run(sys.executable, "-c", script, folder=tmp_path)
    assert found.startswith("ModuleSpec") and found.endswith(" None\n")


def test_the_archive_has_what_the_nodes_need() -> None:
    if shutil.which("git") is None or not (PROJECT_ROOT / ".git").exists():
        pytest.skip("needs a git checkout")

    def listed(*options: str) -> set[str]:
        return set(run("git", "ls-files", "--cached", *options, folder=PROJECT_ROOT).splitlines())

    left_out = listed("--ignored", "--exclude-from=.comfyignore")
    assert {path.split("/")[0] for path in left_out} >= {
        *("tests", ".github", "typings", "panini_lab"),
    }
    kept = {path.split("/")[0] for path in listed() - left_out}
    assert kept >= {"__init__.py", "nodes", "panini_core", "web", "locales", "LICENSE"}
    needed = ("nodes/", "panini_core/", "web/", "locales/", "example_workflows/")
    assert [path for path in left_out if path.startswith(needed)] == []
    assert left_out >= {"package.json", "package-lock.json", "tsconfig.json"}
