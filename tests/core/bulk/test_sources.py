"""What the inputs of a bulk run stand for."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panini_core.bulk.sources import Item, Kind, ListingError, list_items

from .conftest import encode, write_tar


def put(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def names(items: list[Item]) -> list[str]:
    return [item.name for item in items]


def test_a_folder_gives_its_pictures_tars_and_lists(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    put(folder / "a.png")
    put(folder / "deep" / "b.jpg")
    put(folder / "notes.txt")
    put(folder / ".hidden" / "c.png")
    write_tar(folder / "shard.tar", {"x/d.webp": encode(0), "x/d.json": b"{}"})
    pq.write_table(pa.table({"bytes": [encode(1)]}), folder / "list.parquet")
    items = list_items([str(folder)], str(tmp_path / "out"))
    assert names(items) == ["a.png", "deep/b.jpg", "list/00000000", "shard/x/d.webp"]
    assert [item.kind for item in items] == [Kind.FILE, Kind.FILE, Kind.ROW, Kind.MEMBER]
    assert [item.target for item in items][2:] == ["list/00000000.png", "shard/x/d.webp"]
    assert all(item.version and not item.problem for item in items)


def test_a_member_lies_where_it_says(tmp_path: Path) -> None:
    data = {f"{index}.png": encode(index) for index in range(3)}
    write_tar(tmp_path / "s.tar", data)
    whole = (tmp_path / "s.tar").read_bytes()
    for item in list_items([str(tmp_path / "s.tar")], str(tmp_path / "out")):
        own = whole[item.offset : item.offset + item.length]
        assert own == data[item.name.removeprefix("s/")]


def test_the_output_within_an_input_is_left_out(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    put(tmp_path / "out" / "a.png")
    put(tmp_path / "output.png")
    items = list_items([str(tmp_path)], str(tmp_path / "out"))
    assert names(items) == ["a.png", "output.png"]


def test_patterns_and_single_files(tmp_path: Path) -> None:
    for name in ("1/a.png", "1/b.txt", "2/a.png"):
        put(tmp_path / name)
    out = str(tmp_path / "out")
    assert names(list_items([str(tmp_path / "*" / "*.png")], out)) == ["1/a.png", "2/a.png"]
    assert names(list_items([str(tmp_path / "1" / "a.png")], out)) == ["a.png"]


def test_what_is_named_twice_is_done_once_and_clashes_are_told(tmp_path: Path) -> None:
    one, two = put(tmp_path / "1" / "a.png"), put(tmp_path / "2" / "a.png")
    items = list_items([str(one), str(one), str(two)], str(tmp_path / "out"))
    assert [bool(item.problem) for item in items] == [False, True]
    assert str(one.as_posix()) in items[1].problem
    assert len({item.name for item in items}) == 2


def test_formats_that_are_not_written_become_png(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.tga")
    put(tmp_path / "in" / "b.jpeg")
    out = str(tmp_path / "out")
    assert [i.target for i in list_items([str(tmp_path / "in")], out)] == ["a.png", "b.jpeg"]
    chosen = list_items([str(tmp_path / "in")], out, suffix=".jpg")
    assert [i.target for i in chosen] == ["a.jpg", "b.jpeg"]


def test_a_list_of_paths_begins_where_it_lies(tmp_path: Path) -> None:
    put(tmp_path / "faces" / "a.png")
    far = put(tmp_path / "far.png")
    table = pa.table({"path": ["faces/a.png", str(far), "gone.png", None]})
    pq.write_table(table, tmp_path / "list.parquet")
    items = list_items([str(tmp_path / "list.parquet")], str(tmp_path / "out"))
    assert [item.kind for item in items] == [Kind.FILE] * 4
    assert [Path(item.address) for item in items[:2]] == [tmp_path / "faces" / "a.png", far]
    assert [bool(item.problem) for item in items] == [False, False, True, True]
    assert "no such file" in items[2].problem and "no path" in items[3].problem


def test_a_list_as_data_sets_of_pictures_have_it(tmp_path: Path) -> None:
    rows = [{"image": {"bytes": encode(0), "path": "first.png"}, "label": 3}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "set.parquet")
    (item,) = list_items([str(tmp_path / "set.parquet")], str(tmp_path / "out"))
    assert (item.kind, item.name, item.target) == (Kind.ROW, "set/first.png", "set/first.png")


def test_a_changed_file_has_another_version(tmp_path: Path) -> None:
    path = put(tmp_path / "a.png")
    (before,) = list_items([str(path)], str(tmp_path / "out"))
    os.utime(path, (1, 1))
    (after,) = list_items([str(path)], str(tmp_path / "out"))
    assert before.version != after.version


@pytest.mark.parametrize("text", ["gone", "empty", "*.nothing"])
def test_inputs_without_pictures_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ListingError, match="expected"):
        list_items([str(tmp_path / text)], str(tmp_path / "out"))


@pytest.mark.parametrize("name", ["broken.tar", "broken.parquet"])
def test_a_broken_holder_is_named(tmp_path: Path, name: str) -> None:
    put(tmp_path / name, b"this is not what its name says" * 50)
    with pytest.raises(ListingError, match=name):
        list_items([str(tmp_path)], str(tmp_path / "out"))


def test_a_list_without_pictures_says_what_it_has(tmp_path: Path) -> None:
    pq.write_table(pa.table({"url": ["a"], "label": [1]}), tmp_path / "list.parquet")
    with pytest.raises(ListingError, match="label, url"):
        list_items([str(tmp_path)], str(tmp_path / "out"))


def test_addresses_of_other_file_systems(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/bucket/faces/a.png", encode(0))
    memory.pipe_file("/bucket/out/a.png", encode(0))
    items = list_items(["memory://bucket"], "memory://bucket/out")
    assert names(items) == ["faces/a.png"]
    assert items[0].address == "memory:///bucket/faces/a.png"


@given(member=st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text))
def test_no_member_s_result_leaves_its_folder(member: str) -> None:
    from panini_core.bulk.sources import _safe

    safe = _safe(member)
    assert safe and not safe.startswith("/") and ".." not in safe.split("/")
    assert ":" not in safe
