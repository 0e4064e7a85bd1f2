"""Which files are read and where results go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from panini_core.cli.console import UsageError
from panini_core.cli.inputs import (
    Job,
    find_others,
    find_sources,
    plan_jobs,
    require_new_file,
    settle_clashes,
)
from panini_core.cli.others import describe_others
from panini_core.images import FORMAT_OF_SUFFIX, reading


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


@pytest.mark.parametrize("name", ["[2020] photos", "photos (1)", "a*b", "what?"])
def test_folders_that_exist_are_no_patterns(photos: Path, name: str) -> None:
    """Where the shell leaves patterns to programs, as on Windows."""
    folder = photos / name / "sub"
    folder.mkdir(parents=True)
    (folder / "c.png").write_bytes(b"x")
    (photos / name / "d.png").write_bytes(b"x")
    start = f"photos/{name}"
    assert plan([f"{start}/*.png"]) == [(f"{start}/d.png", "out/d.png")]
    assert plan([f"{start}/*/*.png"]) == [(f"{start}/sub/c.png", "out/sub/c.png")]
    assert plan([f"{photos.absolute()}/{name}/s*/c.png"])[0][1] == "out/sub/c.png"
    assert len(plan([f"{start}/**/*.png"])) == 2
    assert plan([f"{start}/missing.png"]) == [(f"{start}/missing.png", "out/missing.png")]


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


# --- names that would meet ----------------------------------------------------------------------

READ_ONLY = [".ppm", ".tga", ".jp2", ".avif", ".dib"]


@pytest.mark.parametrize("suffix", READ_ONLY)
@pytest.mark.parametrize("name", ["a", "A"])  # some systems take them for the same
def test_a_picture_that_changes_its_format_makes_way(photos: Path, suffix: str, name: str) -> None:
    (photos / f"{name}{suffix}").write_bytes(b"x")
    assert sorted(plan(["photos"])) == sorted(
        [
            ("photos/a.png", "out/a.png"),
            ("photos/b.jpg", "out/b.jpg"),
            (f"photos/{name}{suffix}", f"out/{name}{suffix}.png"),
        ]
    )


def test_two_that_change_their_format_both_keep_their_whole_names(photos: Path) -> None:
    (photos / "c.tga").write_bytes(b"x")
    (photos / "c.ppm").write_bytes(b"x")
    planned = dict(plan(["photos"]))
    assert planned["photos/c.tga"] == "out/c.tga.png"
    assert planned["photos/c.ppm"] == "out/c.ppm.png"


def test_only_what_still_clashes_is_refused(photos: Path) -> None:
    (photos / "a.tga").write_bytes(b"x")
    (photos / "a.tga.png").write_bytes(b"x")
    output = Path("out")
    sources = find_sources(["photos", "photos/sub"], output, recursive=False)
    jobs = {job.source.as_posix(): job for job in plan_jobs(sources, output)}
    refused = {source for source, job in jobs.items() if job.problem}
    assert refused == {"photos/a.tga.png", "photos/sub/a.png"}
    assert "photos/a.png is written to out/a.png as well" in jobs["photos/sub/a.png"].problem
    # The remedy works: alone, into another folder, they have their names.
    assert plan(["photos/sub/a.png"], "other") == [("photos/sub/a.png", "other/a.png")]


def test_further_results_clash_as_well() -> None:
    first = Job(Path("a.png"), Path("out/a.png"), (Path("out/a.png.compare.png"),))
    second = Job(Path("b/a.png.compare.png"), Path("out/a.png.compare.png"))
    third = Job(Path("c.png"), Path("out/c.png"))
    assert [bool(job.problem) for job in settle_clashes([first, second, third])] == [
        False,
        True,
        False,
    ]


def test_a_wanted_format_changes_what_is_of_another(photos: Path) -> None:
    for name in ("c.tga", "d.JPEG", "e.PNG"):
        (photos / name).write_bytes(b"x")
    output = Path("out")
    sources = find_sources(["photos"], output, recursive=False)
    for suffix, names in {
        ".png": ["a.png", "b.png", "c.png", "d.png", "e.PNG"],
        ".jpg": ["a.jpg", "b.jpg", "c.jpg", "d.JPEG", "e.jpg"],
        ".tiff": ["a.tiff", "b.tiff", "c.tiff", "d.tiff", "e.tiff"],
    }.items():
        jobs = plan_jobs(sources, output, suffix=suffix)
        assert sorted(job.target.name for job in jobs) == names


def test_a_wanted_format_lets_no_names_meet(photos: Path) -> None:
    for suffix in FORMAT_OF_SUFFIX:
        (photos / f"a{suffix}").write_bytes(b"x")
    output = Path("out")
    sources = find_sources(["photos"], output, recursive=False)
    for suffix in FORMAT_OF_SUFFIX:
        jobs = plan_jobs(sources, output, suffix=suffix)
        assert len({job.target for job in jobs}) == len(jobs)
        assert not any(job.problem for job in jobs)


# --- what lies beside the pictures --------------------------------------------------------------


def test_files_beside_the_pictures_are_named(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("c.heic", "d.HEIC", "e.mp4", "f.nef", "g.jxl", "README"):
        (photos / name).write_bytes(b"x")
    monkeypatch.setattr(reading, "find_spec", lambda name: None)
    others = find_others(["photos"], Path("out"), recursive=False)
    assert [path.name for path in others] == [
        *("README", "c.heic", "d.HEIC", "e.mp4", "f.nef", "g.jxl", "notes.txt")
    ]
    lines = describe_others(others)
    assert len(lines) == 5
    assert lines[0].startswith("2 .heic: reading them needs pillow-heif")
    assert lines[1].startswith("1 .mp4: films are restored where they are named")
    assert lines[-1] == "1 without a suffix, 1 .txt: no pictures"
    monkeypatch.setattr(reading, "find_spec", lambda name: name == "pillow_heif")
    assert ("photos/c.heic", "out/c.png") in plan(["photos"])
    assert len(find_others(["photos"], Path("out"), recursive=False)) == 5


def test_what_a_pattern_matches_besides_is_named_and_what_is_named_itself_is_read(
    photos: Path,
) -> None:
    (photos / "e.mp4").write_bytes(b"x")
    assert [path.name for path in find_others(["photos/*"], Path("out"), recursive=False)] == [
        *("e.mp4", "notes.txt")
    ]
    assert find_others(["photos/e.mp4"], Path("out"), recursive=False) == []
    assert plan(["photos/e.mp4"]) == [("photos/e.mp4", "out/e.mp4")]


def test_a_folder_of_other_files_says_what_it_holds(photos: Path) -> None:
    (photos / "clips").mkdir()
    (photos / "clips" / "e.mp4").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"none in it, but 1 \.mp4: films are restored where"):
        plan(["photos/clips"])


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
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
