"""The commands that the documents show are ones that can be typed: each is parsed, none is run."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from panini_core.cli import COMMANDS, build_parser

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "panini_core" / "weights").glob("*.md")),
    *sorted((ROOT / "web" / "docs").rglob("*.md")),
]
CONFIGURATIONS = ROOT / "panini_lab" / "training" / "configs"
SHELL = re.compile(r"^ *```(?:sh|bash|bat)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
EXTRAS = re.compile(r"(?:panini-face-restoration|['\"]\.)\[(\w+)\]")


def named(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def shown(document: Path) -> Iterator[list[str]]:
    """The words of every command line in the document's blocks of shell commands."""
    for block in SHELL.findall(document.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            # Comments end it; a Windows path is no escape; [OPTION] is one that may be left out.
            words = shlex.shlex(line, posix=True, punctuation_chars=False)
            words.whitespace_split, words.escape = True, ""
            if split := list(words):
                yield [word.strip("[]") if word[0] != "." else word for word in split]


def mentioned(document: Path) -> Iterator[list[str]]:
    """The words of everything that stands as code in the document's sentences."""
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for code in CODE.findall(text):
        yield code.split()


def program(word: str) -> str:
    """The name behind a path of either kind."""
    return re.split(r"[\\/]", word)[-1].removesuffix(".exe")


def panini_words(words: list[str]) -> list[str] | None:
    """What follows `panini`, or what runs the same; None for other commands."""
    if words and program(words[0]) == "panini":
        return words[1:]
    for index in range(len(words) - 1):
        if words[index : index + 2] == ["-m", "panini_core"]:
            return words[index + 2 :]
    return None


@cache
def options_of(command: str) -> frozenset[str]:
    parser = build_parser([command])
    (commands,) = (action for action in parser._actions if action.dest == "command")
    assert commands.choices is not None
    todo, found = [dict(commands.choices)[command]], set[str]()
    while todo:  # a command may have commands of its own
        for action in todo.pop()._actions:
            found.update(action.option_strings)
            if isinstance(action.choices, dict):
                todo += action.choices.values()
    return frozenset(found)


def every_option() -> set[str]:
    return set[str]().union(*map(options_of, COMMANDS))


def complaint(typed: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What the command line says against the words; empty where it takes them."""
    try:
        build_parser(typed).parse_args(typed)
    except SystemExit as end:
        return capsys.readouterr().err if end.code else ""
    return ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_commands_are_parsed(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in shown(document):
        typed = [word for word in panini_words(words) or () if word != "..."]
        said = complaint(typed, capsys) if typed else ""
        shortened = "..." in words and "are required" in said
        assert not said or shortened, f"{words}\n{said}"
        if typed[:1] == ["train"] and len(typed) > 2:
            assert (CONFIGURATIONS / f"{typed[2]}.toml").is_file(), words


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_commands_and_options_in_sentences_are_there(document: Path) -> None:
    for words in mentioned(document):
        typed = panini_words(words)
        if typed is None:
            if words and re.fullmatch(r"--[a-z][a-z-]*(=.*)?", words[0]):
                assert words[0].split("=")[0] in every_option(), words
        elif typed and typed[0] not in ("COMMAND", "(not"):
            assert typed[0] in COMMANDS, words
            options = {word.split("=")[0] for word in typed if word.startswith("--")}
            assert options <= options_of(typed[0]), words


def test_what_else_is_typed_is_there() -> None:
    """Targets of make, extras of pip, scripts of npm and files that Python runs."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    scripts = json.loads((ROOT / "package.json").read_text("utf-8"))["scripts"]
    lines = [words for document in DOCUMENTS for words in (*shown(document), *mentioned(document))]
    for words in lines:
        if words[0] == "make" and len(words) > 1:
            assert words[1] in targets, words
        elif words[:2] == ["npm", "run"]:
            assert words[-1] in scripts, words
        elif program(words[0]) in ("py", "python") and words[1:2] == ["-m"]:
            assert words[2] in {"pip", "pytest", "panini_core", "benchmarks", "venv"}, words
        elif program(words[0]) == "python" and words[1:]:
            assert (ROOT / words[1]).is_file(), words


def test_extras_are_there() -> None:
    """Also those that messages name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    known = set(project["optional-dependencies"])
    sources = [
        file
        for room in ("panini_core", "panini_lab", "nodes")
        for file in (ROOT / room).rglob("*.py")
    ]
    named_extras = {
        extra
        for file in (*DOCUMENTS, *sources)
        for extra in EXTRAS.findall(file.read_text(encoding="utf-8"))
    }
    assert len(named_extras) >= 5 and named_extras <= known


def test_lines_are_read_as_they_are_typed(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text(
        "```sh\npanini restore a.png \\\n  -o out/   # a comment\n```\n"
        "  ```bat\n  .venv\\Scripts\\panini demo --output out\n  ```\n"
        "```python\npanini = 1\n```\n`--sheet FILE` and `panini doctor`\n",
        encoding="utf-8",
    )
    lines = list(shown(document))
    assert lines == [
        ["panini", "restore", "a.png", "-o", "out/"],
        [r".venv\Scripts\panini", "demo", "--output", "out"],
    ]
    assert [panini_words(line) for line in lines] == [
        ["restore", "a.png", "-o", "out/"],
        ["demo", "--output", "out"],
    ]
    assert panini_words(["torchrun", "-m", "panini_core", "train"]) == ["train"]
    assert panini_words(["ray", "start"]) is None
    assert list(mentioned(document)) == [["--sheet", "FILE"], ["panini", "doctor"]]
    assert {"--sheet", "--degraded"} <= options_of("evaluate")
    assert "--sheet" not in options_of("restore")
