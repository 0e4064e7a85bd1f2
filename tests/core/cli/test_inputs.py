"""Which files are read and where results go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from panini_core.cli.console import UsageError
from panini_core.cli.inputs import Job, find_sources, plan_jobs, require_new_file


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """photos/a.png, photos/b.jpg, photos/sub/a.png and things that are no pictures."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "b.jpg", "sub/a.png", "notes.txt", ".hidden.png"):
        (folder / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return Path("photos")


def plan(
    inputs: list[str], output: str = "out", *, recursive: bool = False
) -> list[tuple[str, str]]:
    sources = find_sources(inputs, Path(output), recursive=recursive)
    return [(j.source.as_posix(), j.target.as_posix()) for j in plan_jobs(sources, Path(output))]


def test_a_folder_gives_its_pictures_under_their_names(photos: Path) -> None:
    assert plan(["photos"]) == [("photos/a.png", "out/a.png"), ("photos/b.jpg", "out/b.jpg")]


def test_recursive_keeps_sub_folders(photos: Path) -> None:
    assert ("photos/sub/a.png", "out/sub/a.png") in plan(["photos"], recursive=True)


def test_patterns_are_expanded_and_keep_what_varies(photos: Path) -> None:
    assert plan(["photos/*.png"]) == [("photos/a.png", "out/a.png")]
    assert plan(["photos/*/*.png"]) == [("photos/sub/a.png", "out/sub/a.png")]
    assert len(plan(["photos/**/*"])) == 3


def test_a_name_with_brackets_that_exists_is_no_pattern(photos: Path) -> None:
    (photos / "c[1].png").write_bytes(b"x")
    assert plan(["photos/c[1].png"], "o.png") == [("photos/c[1].png", "o.png")]


def test_a_single_file_may_be_given_a_new_name(photos: Path) -> None:
    assert plan(["photos/a.png"], "better.tif") == [("photos/a.png", "better.tif")]
    assert plan(["photos/a.png"], "folder") == [("photos/a.png", "folder/a.png")]


def test_a_missing_file_is_left_to_the_reader(photos: Path) -> None:
    assert plan(["nothing.png"]) == [("nothing.png", "out/nothing.png")]


def test_the_same_file_twice_is_done_once(photos: Path) -> None:
    assert len(plan(["photos/a.png", "photos", "./photos/a.png"])) == 2


def test_formats_that_are_not_written_become_png(photos: Path) -> None:
    (photos / "c.gif").write_bytes(b"x")
    assert ("photos/c.gif", "out/c.png") in plan(["photos"])


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (["photos/a.png", "photos/sub/a.png"], "out", "would both be written to"),
        (["photos"], "photos", "would be overwritten"),
        (["photos/a.png"], "photos/a.png", "would be overwritten"),
        (["photos/sub/a.png", "photos/a.png"], "photos", "would be overwritten"),
        (["photos"], "photos/notes.txt", "got a file"),
        (["photos"], "new.png", "expected a folder for several pictures"),
        (["photos/a.png"], "new.gif", r"ends in \.bmp"),
        (["photos/*.tif"], "out", "matches none"),
    ],
)
def test_unusable_arguments(photos: Path, inputs: list[str], output: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan(inputs, output)


def test_an_empty_folder(photos: Path) -> None:
    (photos / "outer" / "inner").mkdir(parents=True)
    (photos / "outer" / "inner" / "a.png").write_bytes(b"x")
    with pytest.raises(UsageError, match="--recursive looks into"):
        plan(["photos/outer"])


def test_earlier_results_inside_the_input_folder_are_no_inputs(photos: Path) -> None:
    (photos / "out").mkdir()
    (photos / "out" / "a.png").write_bytes(b"x")
    sources = [source for source, _ in plan(["photos"], "photos/out", recursive=True)]
    assert sources == ["photos/a.png", "photos/b.jpg", "photos/sub/a.png"]


def test_a_link_to_an_input_is_that_input(photos: Path) -> None:
    try:
        os.symlink(photos.resolve(), "link")
    except OSError:
        pytest.skip("this system makes no symbolic links")
    with pytest.raises(UsageError, match="would be overwritten"):
        plan(["photos/a.png"], "link")


def test_an_extra_file_overwrites_nothing_unasked(photos: Path) -> None:
    picture = photos / "a.png"
    with pytest.raises(UsageError, match="exists already"):
        require_new_file(photos / "notes.txt", [picture], force=False)
    require_new_file(photos / "notes.txt", [picture], force=True)
    with pytest.raises(UsageError, match="also one of the pictures"):
        require_new_file(picture, [picture], force=True)
    with pytest.raises(UsageError, match="a folder"):
        require_new_file(photos, [picture], force=True)


def test_a_job_lists_all_its_results() -> None:
    job = Job(Path("a"), Path("b"), (Path("c"),))
    assert job.results == (Path("b"), Path("c"))
