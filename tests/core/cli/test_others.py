"""What is said of the files beside the pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panini_core.cli.others import describe_others
from panini_core.images import HEIF_SUFFIXES, readable_suffixes


def describe(*names: str) -> list[str]:
    return describe_others([Path(name) for name in names])


def test_nothing_is_said_of_nothing() -> None:
    assert describe() == []


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        ("a.HEIF", "pip install pillow-heif"),
        ("a.mov", "films are restored where they are named"),
        ("a.CR3", "develop them to TIFF or JPEG"),
        ("a.psd", "convert them to PNG or TIFF"),
        ("notes.txt", "no pictures"),
    ],
)
def test_each_kind_has_its_remedy(name: str, remark: str) -> None:
    (line,) = describe(name)
    assert line.startswith(f"1 {Path(name).suffix.lower()}: ")
    assert remark in line


def test_a_kind_is_one_line_with_its_suffixes_in_order() -> None:
    assert describe("b.mp4", "a.webm", "sub/c.MP4", "clip.avi") == [
        "1 .avi, 2 .mp4, 1 .webm: films are restored where they are named, as 'clips/*.mov'"
    ]


def test_kinds_that_may_be_pictures_come_first() -> None:
    lines = describe("notes.txt", "a.pdf", "a.nef", "a.mp4", "a.heic")
    assert [line.split(":")[0] for line in lines] == [
        *("1 .heic", "1 .mp4", "1 .nef", "1 .pdf", "1 .txt")
    ]


def test_files_without_a_suffix_are_named_as_such() -> None:
    assert describe("README", ".hidden", "a.b/LICENSE") == ["3 without a suffix: no pictures"]


@given(
    st.lists(
        st.sampled_from(["", ".heic", ".HEIC", ".mp4", ".ts", ".dng", ".svg", ".txt", ".gz"]),
        max_size=30,
    )
)
def test_every_file_is_counted_once(suffixes: list[str]) -> None:
    lines = describe(*(f"{index}{suffix}" for index, suffix in enumerate(suffixes)))
    counts = [int(number) for line in lines for number in re.findall(r"\d+(?= )", line)]
    assert sum(counts) == len(suffixes)


@pytest.mark.parametrize("suffix", sorted(readable_suffixes() - HEIF_SUFFIXES))
def test_no_format_that_is_read_is_called_unreadable(suffix: str) -> None:
    assert describe(f"a{suffix}") == [f"1 {suffix}: no pictures"]
