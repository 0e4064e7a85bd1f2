"""The notes of a release, from CHANGELOG.md: `python .ci/release_notes.py v0.2.0`.

Refuses a tag that does not name the version in pyproject.toml, or whose section is not there.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def release_notes(tag: str, project: str, changelog: str) -> str:
    """The section of the tag's version in a changelog, without its heading.

    `project` and `changelog` are the texts of pyproject.toml and CHANGELOG.md. Raises ValueError
    if the tag is not `v` and the project's version, if the version has no section with a date or
    an empty one, or if changes are still listed as not released.
    """
    version = re.search(r'^version = "(.+)"$', project, re.MULTILINE)
    if version is None or tag != f"v{version[1]}":
        expected = "a version in pyproject.toml" if version is None else f"v{version[1]}"
        raise ValueError(f"The tag is {tag!r}: expected {expected}, as pyproject.toml says.")
    sections = dict(re.findall(r"^## \[(.+?)\](.*?)(?=^## \[|\Z)", changelog, re.M | re.S))
    if sections.get("Unreleased", "").strip():
        raise ValueError("CHANGELOG.md lists changes under Unreleased: move them to the version.")
    heading, _, notes = sections.get(version[1], "").partition("\n")
    if not re.fullmatch(r" - \d{4}-\d{2}-\d{2}", heading):
        raise ValueError(f"CHANGELOG.md needs a section `## [{version[1]}] - YYYY-MM-DD`.")
    if not notes.strip():
        raise ValueError(f"The section {version[1]} of CHANGELOG.md is empty.")
    return notes.strip() + "\n"


def main() -> int:
    texts = [
        (ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "CHANGELOG.md")
    ]
    try:
        sys.stdout.write(release_notes(sys.argv[1], *texts))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
