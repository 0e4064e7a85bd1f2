"""The record of what was done."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from panini_core.bulk import manifest
from panini_core.bulk.manifest import MANIFEST, PARTS, Manifest, Record
from panini_core.bulk.storage import Folder


def record(name: str, **values: object) -> Record:
    known = {"source": name, "version": "1", "content": "c", "target": name, "outcome": "done"}
    return Record(name=name, **{**known, **values})  # type: ignore[arg-type]


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    own = f"memory://{tmp_path.name}/out"
    return Folder(str(tmp_path / "out") if request.param == "local" else own)


def test_records_come_back(folder: Folder) -> None:
    written = Manifest(folder)
    assert written.records == {}
    written.add([record("a", faces=2, notes="n"), record("b", outcome="failed", reason="r")])
    written.close()
    read = Manifest(folder).records
    assert read == {one.name: one for one in written.records.values()}
    assert folder.names() == {MANIFEST}


def test_the_latest_record_counts(folder: Folder) -> None:
    for outcome in ("failed", "done"):
        run = Manifest(folder)
        run.add([record("a", outcome=outcome)])
        run.close()
    assert Manifest(folder).records["a"].outcome == "done"


def test_what_a_killed_run_had_written_is_there(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "SECONDS_PER_PART", -1.0)
    killed = Manifest(folder)
    killed.add([record("a")])
    killed.add([record("b")])
    assert sum(name.startswith(PARTS) for name in folder.names()) == 2
    assert set(Manifest(folder).records) == {"a", "b"}  # without `close`
    assert folder.names() == {MANIFEST}


def test_the_file_is_a_table_that_anyone_reads(tmp_path: Path) -> None:
    run = Manifest(Folder(str(tmp_path)))
    run.add([record("a", faces=3, model="m", options="{}")])
    run.close()
    (row,) = pq.read_table(tmp_path / MANIFEST).to_pylist()
    assert (row["name"], row["faces"], row["model"]) == ("a", 3, "m")


@pytest.mark.parametrize("key", ["name", "source", "target", "reason", "notes", "model", "options"])
def test_texts_that_are_no_unicode_are_stored(folder: Folder, key: str) -> None:
    values = {"name": "a", key: "caf\udce9 \ud800"}
    run = Manifest(folder)
    run.add([record(**values)])
    run.close()
    (read,) = Manifest(folder).records.values()
    assert getattr(read, key) == "caf%E9 %uD800"


@pytest.mark.parametrize("columns", [{"bytes": [b"x"]}, {"name": ["a"], "path": ["b"]}, None])
def test_another_file_of_that_name_is_not_overwritten(
    tmp_path: Path, columns: dict[str, list[object]] | None
) -> None:
    path = tmp_path / MANIFEST
    path.write_bytes(b"no list")
    if columns:
        pq.write_table(pa.table(columns), path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="Choose another output folder"):
        Manifest(Folder(str(tmp_path)))
    assert path.read_bytes() == before
