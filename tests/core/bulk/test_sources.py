"""What the inputs of a bulk run stand for."""

from __future__ import annotations

import gzip
import itertools
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panini_core.bulk import Folder, Manifest, Record
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


ORIGINALS = ("a.png", "in/a.png", "in/b.png", "in/in/a.png", "in/c.gif", "in/deep/c.png", "c.png")
INPUTS = ("in", "link", "in/in", "in/*.png", "link/*", "a.png", "in/a.png", "in/../in/deep", "l.pq")
OUTPUTS = ("in", "link", ".", "in/..", "in/deep", "in/in", "link/in", "out", "in/out", "LINKS")


@pytest.mark.skipif(sys.platform == "win32", reason="makes links")
@pytest.mark.parametrize("output", OUTPUTS)
def test_no_result_overwrites_an_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ORIGINALS:
        put(tmp_path / name, name.encode())
    (tmp_path / "link").symlink_to("in", target_is_directory=True)
    (tmp_path / "LINKS").mkdir()  # results of an earlier time that are links to the originals
    for name in ("a.png", "b.png"):
        (tmp_path / "LINKS" / name).symlink_to(f"../in/{name}")
    pq.write_table(pa.table({"path": ["in/deep/c.png"], "name": ["../c.png"]}), "l.pq")
    done, refusals = 0, list[str]()
    for texts in [*itertools.combinations(INPUTS, 2), *zip(INPUTS, strict=True)]:
        for spelled in (output, f"{tmp_path}/{output}"):
            try:
                items = list_items(list(texts), spelled)
            except ListingError as error:
                refusals.append(str(error))
                continue
            sources = {os.path.realpath(item.address) for item in items}
            targets = [t for item in items if not item.problem for t in item.targets]
            written = {os.path.realpath(Path(output, target)) for target in targets}
            assert not sources & written, texts
            done += len(targets)
    assert done or output in ("in", "link")
    assert all("Choose another output folder" in text for text in refusals)


def test_what_would_be_overwritten_is_told(tmp_path: Path) -> None:
    for name in ("a.png", "raw/a.png", "raw/b.png"):
        put(tmp_path / name)
    items = list_items([f"{tmp_path}/raw", f"{tmp_path}/a.png"], str(tmp_path))
    assert [item.name for item in items if not item.problem] == ["b.png"]  # a parent is no fault
    problems = [item.problem for item in items if item.problem]
    assert f"overwrite another input, {tmp_path.as_posix()}/a.png" in problems[0]
    assert "overwrite the picture itself" in problems[1]
    with pytest.raises(ListingError, match="is the output folder as well"):
        list_items([str(tmp_path)], f"{tmp_path}/raw/..")
    with pytest.raises(ListingError, match="none but those in the output folder"):
        list_items([f"{tmp_path}/r*/*"], f"{tmp_path}/raw")


def test_a_manifest_is_no_list_of_pictures(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    manifest = Manifest(Folder(str(tmp_path)))
    manifest.add([Record("a", "a", "1", "c", "a.png", "done")])
    manifest.close()
    assert names(list_items([f"{tmp_path}/*"], str(tmp_path))) == ["a.png"]


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


@pytest.mark.parametrize("name", ["broken.tar", "broken.parquet"])
def test_a_broken_holder_stops_nothing(tmp_path: Path, name: str) -> None:
    put(tmp_path / "in" / name, b"this is not what its name says" * 50)
    put(tmp_path / "in" / "a.png")
    write_tar(tmp_path / "in" / "whole.tar", {"b.png": encode(0)})
    for texts in (["in"], ["in/*"], [f"in/{name}", "in/a.png", "in/whole.tar"]):
        items = list_items([str(tmp_path / text) for text in texts], str(tmp_path / "out"))
        assert sorted(names(items)) == ["a.png", name, "whole/b.png"]
        (broken,) = [item for item in items if item.problem]
        assert broken.name == name and "expected a whole" in broken.problem
        assert broken.source == (tmp_path / "in" / name).as_posix()


def test_a_compressed_tar_is_told(tmp_path: Path) -> None:
    write_tar(tmp_path / "s.tar", {"a.png": encode(0)})
    put(tmp_path / "s.tar", gzip.compress((tmp_path / "s.tar").read_bytes()))
    with pytest.raises(ListingError, match=r"compressed by gzip.*Unpack it"):
        list_items([str(tmp_path / "s.tar")], str(tmp_path / "out"))


@pytest.fixture(scope="module")
def whole_tar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tar") / "s.tar"
    write_tar(path, {f"{index}.png": encode(index, 16) for index in range(4)})
    return path


@given(data=st.data())
def test_a_cut_tar_gives_what_is_whole_and_says_so(whole_tar: Path, data: Any) -> None:
    whole = whole_tar.read_bytes()
    with tarfile.open(whole_tar) as archive:
        ends = [member.offset_data + member.size for member in archive]
        starts = [member.offset for member in archive]
    size = data.draw(st.integers(1024, len(whole)))
    cut = put(whole_tar.parent / "cut" / "s.tar", whole[:size])
    items = list_items([str(cut), str(put(whole_tar.parent / "cut" / "x.png"))], "/out")
    listed = [item for item in items if item.kind is Kind.MEMBER]
    assert len(listed) >= sum(end <= size for end in ends)
    if size < ends[-1] and size not in starts:  # there it may have been packed so
        assert items[len(listed)].kind is Kind.HOLDER and items[len(listed)].problem


@given(data=st.data())
def test_no_damage_of_a_tar_stops_the_rest(whole_tar: Path, data: Any) -> None:
    damaged = bytearray(whole_tar.read_bytes())
    with tarfile.open(whole_tar) as archive:
        starts = [member.offset for member in archive]
    header = data.draw(st.sampled_from(starts))
    damaged[header + data.draw(st.integers(0, 499))] ^= data.draw(st.integers(1, 255))
    path = put(whole_tar.parent / "damaged" / "s.tar", bytes(damaged))
    items = list_items([str(path), str(put(whole_tar.parent / "damaged" / "x.png"))], "/out")
    assert names(items)[-1] == "x.png"
    assert any(item.kind is Kind.HOLDER for item in items) or len(items) == 5
    before = starts.index(header)
    assert sum(item.kind is Kind.MEMBER for item in items) >= before


@pytest.mark.parametrize(
    "path",
    [
        "x" * 5000 + ".png",
        "a.png/b.png",
        "nothing://a/b.png",
        "s3fake+x://bucket/a.png",
        "a\0b.png",
        "zip://x.png::a.png",
        "http://[/a.png",
        "gone/*.png",
    ],
)
def test_a_path_that_cannot_be_used_is_its_row_s_fault(tmp_path: Path, path: str) -> None:
    put(tmp_path / "a.png")
    pq.write_table(pa.table({"path": ["a.png", path]}), tmp_path / "list.parquet")
    items = list_items([str(tmp_path / "list.parquet")], str(tmp_path / "out"))
    bad = [item for item in items if item.problem]
    assert [item.address for item in items if not item.problem] == [f"{tmp_path.as_posix()}/a.png"]
    assert [item.address for item in bad] == [path]
    assert "expected" in bad[0].problem


def test_a_file_system_that_is_not_installed_is_its_row_s_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    put(tmp_path / "a.png")
    table = pa.table({"path": ["a.png", "s3://bucket/a.png"]})
    pq.write_table(table, tmp_path / "list.parquet")
    items = list_items([str(tmp_path / "list.parquet")], str(tmp_path / "out"))
    assert [("s3fs" in item.problem) for item in items] == [False, True]


@pytest.mark.skipif(sys.platform != "linux", reason="file systems there refuse such names")
def test_names_that_are_no_unicode(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "in")
    os.mkdir(folder)
    for name in (b"caf\xe9.png", b"caf\xe8.png", "café.png".encode(), b"caf%E9.png"):
        Path(os.fsdecode(folder + b"/" + name)).write_bytes(name)
    with tarfile.open(
        tmp_path / "in" / "s.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1"
    ) as archive:
        archive.addfile(tarfile.TarInfo("tür.png"))
    items = list_items([str(tmp_path / "in")], str(tmp_path / "out"))
    assert sorted(names(items)) == [
        "%%caf%E9.png",
        "caf%E8.png",
        "caf%E9.png",
        "café.png",
        "s/t%FCr.png",
    ]
    assert [item.target for item in items] == names(items)
    for item in items[:4]:
        assert Path(item.address).read_bytes() == os.fsencode(Path(item.address).name)
