"""Files wherever they lie."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panini_core.bulk.storage import Folder, read_bytes, version_of


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    own = f"memory://{tmp_path.name}"
    return Folder(str(tmp_path / "new") if request.param == "local" else own)


def test_files_come_back_and_go(folder: Folder) -> None:
    assert folder.names() == set()
    folder.write("a/b.bin", b"12")
    folder.write("c", b"3")
    assert folder.names() == {"a/b.bin", "c"}
    assert folder.names("a") == {"b.bin"}
    assert folder.holds("a/b.bin") and not folder.holds("a") and not folder.holds("b.bin")
    assert folder.read("a/b.bin") == b"12"
    folder.remove(["c", "never there"])
    assert folder.names() == {"a/b.bin"}


def test_a_local_folder_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Folder("out")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")  # as a worker may be
    pickle.loads(pickle.dumps(folder)).write("a", b"1")
    assert (tmp_path / "out" / "a").read_bytes() == b"1"


def test_a_failed_write_leaves_the_older_file(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    folder.write("a", b"old")
    with pytest.raises(TypeError):
        folder.write("a", "no bytes")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert folder.read("a") == b"old"


@given(data=st.binary(max_size=50), start=st.integers(0, 50), length=st.integers(0, 50))
def test_a_part_of_a_file(data: bytes, start: int, length: int) -> None:
    Folder("memory://parts").write("file", data)
    start = min(start, len(data))
    length = min(length, len(data) - start)
    assert read_bytes("memory://parts/file", start, length) == data[start : start + length]
    assert read_bytes("memory://parts/file") == data


def test_versions_differ_by_size_and_by_mark() -> None:
    one = version_of({"size": 1, "mtime": 2.0})
    assert one == version_of({"size": 1, "mtime": 2.0})
    assert (
        len({one, version_of({"size": 2, "mtime": 2.0}), version_of({"size": 1, "ETag": "x"})}) == 3
    )
