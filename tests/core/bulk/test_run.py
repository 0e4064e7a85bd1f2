"""Bulk runs on Ray: everything once, whatever dies on the way."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from panini_core.bulk import (
    Choices,
    Folder,
    Manifest,
    Progress,
    Recipe,
    Record,
    cluster,
    list_items,
    make_recipe,
    map_on_cluster,
    pending,
    run_bulk,
)
from panini_core.bulk.manifest import MANIFEST
from panini_core.options import RestoreOptions

from .conftest import encode, write_tar

SHARDS, EACH = 6, 500
BAD = {"shard-1/00007.png", "shard-4/00499.png"}


@pytest.fixture(scope="module", autouse=True)
def ray_on_this_machine() -> Iterator[None]:
    os.environ.setdefault("RAY_worker_niceness", "0")
    before = signal.getsignal(signal.SIGTERM)
    with cluster():
        yield
    assert signal.getsignal(signal.SIGTERM) == before  # Ray leaves its own


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3,000 small pictures in six tars, two of them bad."""
    folder = tmp_path_factory.mktemp("shards")
    pictures = [encode(seed) for seed in range(50)]
    for shard in range(SHARDS):
        members = {f"{index:05d}.png": pictures[(shard + index) % 50] for index in range(EACH)}
        for name in members:
            if f"shard-{shard}/{name}" in BAD:
                members[name] = b"not a picture"
        write_tar(folder / f"shard-{shard}.tar", members)
    return folder


@pytest.fixture
def one_by_one(model_file: Path) -> Recipe:
    """With faces that do not share their way through the network: the same to the bit."""
    return make_recipe(
        model=str(model_file),
        detector=None,
        dtype="fp32",
        suffix=None,
        options=RestoreOptions(batch=1),
    )


def restore(
    inputs: Path, output: Path, recipe: Recipe, *, on_progress: object = None, workers: int = 2
) -> list[Record]:
    folder = Folder(str(output))
    manifest = Manifest(folder)
    items = list_items([str(inputs)], str(output), many=map_on_cluster)
    left = pending(items, manifest, recipe, folder)
    choices = Choices(workers=workers, device="cpu")
    return run_bulk(
        left,
        folder,
        manifest,
        recipe,
        choices,
        on_progress=on_progress,  # type: ignore[arg-type]
    )


def workers_of_restoration() -> list[int]:
    """Process numbers of Ray's workers that hold a network."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                name = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if name.startswith(b"ray::MapWorker(MapBatches(_Worker))"):
                found.append(int(entry.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_three_thousand_pictures_are_done_once_though_a_worker_is_killed(
    shards: Path, one_by_one: Recipe, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill_one(progress: Progress) -> None:
        assert progress.done <= progress.total == SHARDS * EACH
        if not killed and progress.done > 300 and (found := workers_of_restoration()):
            os.kill(found[0], signal.SIGKILL)
            killed.append(progress.done)

    output = tmp_path / "out"
    records = restore(shards, output, one_by_one, on_progress=kill_one)
    assert killed and killed[0] < SHARDS * EACH
    names = [record.name for record in records]
    assert len(names) == len(set(names)) == SHARDS * EACH
    failed = {record.name for record in records if record.outcome == "failed"}
    assert failed == BAD
    written = {path.relative_to(output).as_posix() for path in output.rglob("*.png")}
    assert written == set(names) - BAD
    assert {one.name: one for one in records} == Manifest(Folder(str(output))).records
    by_content: dict[str, bytes] = {}  # every picture stands in several shards
    for record in records:
        if record.name not in BAD:
            data = (output / record.target).read_bytes()
            assert by_content.setdefault(record.content, data) == data

    again = restore(shards, output, one_by_one)
    assert {record.name for record in again} == BAD  # what failed is tried again, nothing else


def test_only_what_is_missing_or_changed_is_done_again(
    aligned: Recipe, model_file: Path, tmp_path: Path
) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for index in range(4):
        (folder / f"{index}.png").write_bytes(encode(index))
    write_tar(folder / "s.tar", {"a.png": encode(10), "b.png": encode(11)})
    assert len(restore(folder, output, aligned, workers=1)) == 6
    assert restore(folder, output, aligned, workers=1) == []

    (output / "1.png").unlink()
    (folder / "2.png").write_bytes(encode(20))
    os.utime(folder / "2.png", (1, 1))
    (folder / "new.png").write_bytes(encode(21))
    write_tar(folder / "s.tar", {"a.png": encode(10), "b.png": encode(12)})
    os.utime(folder / "s.tar", (2, 2))
    again = {record.name: record for record in restore(folder, output, aligned, workers=1)}
    assert set(again) == {"1.png", "2.png", "new.png", "s/a.png", "s/b.png"}
    assert again["s/a.png"].outcome == "done"  # as it was: its bytes are the same
    assert restore(folder, output, aligned, workers=1) == []

    other = make_recipe(
        model=str(model_file),
        detector=None,
        dtype="fp32",
        suffix=None,
        options=RestoreOptions(strength=0.5),
    )
    assert len(restore(folder, output, other, workers=1)) == 7


def test_an_interrupted_run_goes_on(aligned: Recipe, tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for index in range(120):
        (folder / f"{index}.png").write_bytes(encode(index))

    def interrupt(progress: Progress) -> None:
        if progress.done >= 24:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(folder, output, aligned, on_progress=interrupt)
    done = Manifest(Folder(str(output))).records
    assert 24 <= len(done) < 120
    rest = restore(folder, output, aligned)
    assert not {record.name for record in rest} & set(done)
    assert len(list(output.glob("*.png"))) == 120
    assert len(Manifest(Folder(str(output))).records) == 120


def test_photographs_go_through_the_detector(model_file: Path, tmp_path: Path) -> None:
    astronaut = pytest.importorskip("skimage.data").astronaut()
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    Image.fromarray(astronaut[0:200, 130:330]).save(folder / "face.png")
    Image.fromarray(astronaut[300:460, 0:160]).save(folder / "none.png")
    recipe = make_recipe(
        model=str(model_file),
        detector="bundled",
        dtype="fp32",
        suffix=None,
        options=RestoreOptions(),
    )
    records = {one.name: one for one in restore(folder, output, recipe, workers=1)}
    assert (records["face.png"].outcome, records["face.png"].faces) == ("done", 1)
    assert (records["none.png"].outcome, records["none.png"].reason) == (
        "nothing to do",
        "No face was found.",
    )
    assert (output / "none.png").read_bytes() == (folder / "none.png").read_bytes()
    pixels = [np.asarray(Image.open(place / "face.png")) for place in (folder, output)]
    assert not np.array_equal(*pixels)
    assert (output / MANIFEST).is_file()
