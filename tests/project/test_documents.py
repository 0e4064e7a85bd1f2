"""What the documents say of the code is there: files, folders, modules, public names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PACKAGES = ("panini_core", "panini_lab", "nodes")
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "panini_core" / "weights").glob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
PATH = re.compile(
    r"(?<![\w/.-])((?:panini_core|panini_lab|nodes|tests|docs|web|locales|typings)/[\w./-]*\w/?)"
)
MODULE = re.compile(r"(?<![\w.])(panini_(?:core|lab)(?:\.[a-z_]+)+)")
CODE = re.compile(r"`([^`\n]+)`")


def named(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def tree(text: str) -> Iterator[Path]:
    """The files and folders of the first block of a document, whose indentation is the folder."""
    folders: list[tuple[int, Path]] = [(-1, ROOT)]
    for line in text.split("```")[1].strip("\n").splitlines():
        depth = len(line) - len(line.lstrip())
        names = re.split(r" {2,}", line.strip())[0].split()
        while folders[-1][0] >= depth:
            folders.pop()
        parent = folders[-1][1]
        for name in names:
            yield parent / name
        if names[-1].endswith("/"):
            folders.append((depth, parent / names[-1]))


def test_the_tree_is_read_as_it_is_drawn() -> None:
    drawn = "```\na/   about\n  b.py c.py  both\n  d/\n    e.py\nf.py  last\n```"
    assert [path.relative_to(ROOT).as_posix() for path in tree(drawn)] == [
        *("a", "a/b.py", "a/c.py", "a/d", "a/d/e.py", "f.py"),
    ]


def test_what_the_tree_names_is_there() -> None:
    missing = [
        path.relative_to(ROOT).as_posix()
        for path in tree(ARCHITECTURE.read_text(encoding="utf-8"))
        if not path.exists()
    ]
    assert missing == []


def test_the_tree_names_every_package() -> None:
    drawn = set(tree(ARCHITECTURE.read_text(encoding="utf-8")))
    missing = [
        file.parent.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for file in (ROOT / package).rglob("__init__.py")
        if file.parent not in drawn
    ]
    assert missing == []


def test_every_step_is_in_the_tree() -> None:
    drawn = set(tree(ARCHITECTURE.read_text(encoding="utf-8")))
    steps = (ROOT / "panini_core" / "stages").glob("[!_]*.py")
    assert [step.name for step in steps if step not in drawn] == []


def test_modules_of_the_core_are_found() -> None:
    """Outside its tree the page names them from `panini_core` on, as in `stages/align.py`."""
    words = CODE.findall(ARCHITECTURE.read_text(encoding="utf-8"))
    modules = [word for word in words if re.fullmatch(r"[\w/]+\.py", word)]
    places = (ROOT, ROOT / "panini_core")
    missing = [m for m in modules if not any((place / m).is_file() for place in places)]
    assert len(modules) > 10 and missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_what_a_document_names_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    missing = [target for target in LINK.findall(text) if not (document.parent / target).exists()]
    missing += [path for path in PATH.findall(text) if not (ROOT / path).exists()]
    for module in MODULE.findall(text):
        path = ROOT.joinpath(*module.split("."))
        if not (path.is_dir() or path.with_suffix(".py").is_file()):
            missing.append(module)
    assert missing == []
