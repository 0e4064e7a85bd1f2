"""Where a contact sheet may be written, and how large its tiles may be."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from panini_core.cli.console import UsageError
from panini_core.cli.options import add_tile_argument
from panini_core.cli.sheet_file import SUFFIXES, require_sheet
from panini_core.options import LARGEST_TILE, SMALLEST_TILE, TILE

pytestmark = pytest.mark.usefixtures("work_folder")


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add_tile_argument(parser)
    return parser


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".JPG", ".Png"])
def test_the_folder_of_a_sheet_is_made(suffix: str) -> None:
    path = Path("new", "deep", f"sheet{suffix}")
    require_sheet(path, [], force=False)
    assert path.parent.is_dir()
    assert not path.exists()


@pytest.mark.parametrize("name", ["sheet.gif", "sheet", "sheet.png.txt", ".png"])
def test_other_formats_are_refused_and_nothing_is_made(name: str) -> None:
    with pytest.raises(UsageError, match=r"ends in \.jpg, \.jpeg, \.png"):
        require_sheet(Path("new", name), [], force=True)
    assert not Path("new").exists()


def test_a_sheet_is_overwritten_by_force_alone() -> None:
    path = Path("sheet.png")
    path.write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists already"):
        require_sheet(path, [], force=False)
    require_sheet(path, [], force=True)
    assert path.read_bytes() == b"mine"  # until it is drawn


def test_an_input_is_never_overwritten() -> None:
    path = Path("photos", "a.png")
    path.parent.mkdir()
    path.write_bytes(b"mine")
    with pytest.raises(UsageError, match="also one of the pictures"):
        require_sheet(Path("photos", "..", "photos", "a.png"), [path], force=True)


def test_a_folder_is_no_sheet_and_a_file_no_folder() -> None:
    Path("folder.png").mkdir()
    with pytest.raises(UsageError, match="got a folder"):
        require_sheet(Path("folder.png"), [], force=True)
    Path("file").write_bytes(b"mine")
    with pytest.raises(UsageError, match="expected a folder that can be made"):
        require_sheet(Path("file", "sheet.png"), [], force=True)


def test_tiles_have_a_default_and_bounds_that_belong_to_them(
    parser: argparse.ArgumentParser,
) -> None:
    assert parser.parse_args([]).tile == TILE
    for side in (SMALLEST_TILE, LARGEST_TILE):
        assert parser.parse_args(["--tile", str(side)]).tile == side


@pytest.mark.parametrize(
    "text", [str(SMALLEST_TILE - 1), str(LARGEST_TILE + 1), "256.0", "big", "", "1e3", "²"]
)
def test_other_tiles_are_refused(
    text: str, parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        parser.parse_args([f"--tile={text}"])
    assert stopped.value.code == 2
    expected = f"a whole number from {SMALLEST_TILE} to {LARGEST_TILE}, got {text}"
    assert expected in capsys.readouterr().err
