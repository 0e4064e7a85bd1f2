"""The notes of a release come from the changelog, and only where tag and version agree."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / ".ci" / "release_notes.py"
PROJECT = '[project]\nname = "thing"\nversion = "1.2.0"\n'
CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.0] - 2026-01-02

### Added

- More.

## [1.1.0] - 2026-01-01

- Less.
"""


@pytest.fixture(scope="module")
def notes() -> Callable[[str, str, str], str]:
    spec = importlib.util.spec_from_file_location("release_notes", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.release_notes


def test_the_notes_are_the_section_of_the_version(notes: Callable[..., str]) -> None:
    assert notes("v1.2.0", PROJECT, CHANGELOG) == "### Added\n\n- More.\n"
    older = PROJECT.replace("1.2.0", "1.1.0")
    assert notes("v1.1.0", older, CHANGELOG) == "- Less.\n"


@pytest.mark.parametrize(
    ("tag", "old", "new", "message"),
    [
        ("v1.3.0", "", "", r"'v1\.3\.0': expected v1\.2\.0"),
        ("1.2.0", "", "", r"expected v1\.2\.0"),
        ("v1.2.0", "[1.2.0]", "[1.2.1]", r"needs a section `## \[1\.2\.0\] - YYYY-MM-DD`"),
        ("v1.2.0", " - 2026-01-02", "", "needs a section"),
        ("v1.2.0", "### Added\n\n- More.\n", "", "empty"),
        ("v1.2.0", "[Unreleased]\n", "[Unreleased]\n\n- Much more.\n", "under Unreleased"),
    ],
)
def test_a_tag_that_does_not_fit_is_refused(
    tag: str, old: str, new: str, message: str, notes: Callable[..., str]
) -> None:
    with pytest.raises(ValueError, match=message):
        notes(tag, PROJECT, CHANGELOG.replace(old, new) if old else CHANGELOG)


def test_this_version_has_notes() -> None:
    def run(tag: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SCRIPT), tag]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    refused = run("v0.0.0")
    assert refused.returncode == 1 and refused.stdout == ""
    version = refused.stderr.partition("expected v")[2].partition(",")[0]
    # Between releases changes stand under Unreleased; that alone may stand in the way of a tag.
    result = run(f"v{version}")
    assert result.stdout.strip() or "under Unreleased" in result.stderr, result.stderr
