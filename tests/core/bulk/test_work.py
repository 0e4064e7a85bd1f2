"""The stages of a bulk run, without Ray."""

from __future__ import annotations

import io
import os
import sys
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from panini_core.bulk import (
    Folder,
    Manifest,
    Recipe,
    Record,
    check_recipe,
    list_items,
    make_recipe,
    pending,
)
from panini_core.bulk import work as stages
from panini_core.bulk.packing import PackedImage
from panini_core.bulk.sources import Item
from panini_core.bulk.work import Detect, Read, Restore, Task, Write
from panini_core.cli import main
from panini_core.options import RestoreOptions

from ..checkpoints.other_restorers import image_upscaler, restore_former, write_as_published
from .conftest import encode, write_tar


def run(items: Sequence[Item], recipe: Recipe, output: Path) -> dict[str, Record]:
    """Everything that a run does to pictures, in this process."""
    write = Write(recipe, Folder(str(output)))
    tasks = Read(recipe)([Task(item) for item in items])
    tasks = Restore(recipe, "cpu")(Detect(recipe, "cpu")(tasks))
    return {record.name: record for record in map(write.record, write(tasks))}


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A photograph with a face in three sizes, one without a face, an animation."""
    astronaut = pytest.importorskip("skimage.data").astronaut()
    folder = tmp_path / "in"
    folder.mkdir()
    face = Image.fromarray(astronaut[0:200, 130:330])
    face.save(folder / "a.png")
    face.resize((150, 150)).save(folder / "b.jpg", quality=90)
    Image.fromarray(astronaut[300:460, 0:160]).save(folder / "none.png")
    frames = [
        face.resize((120, 120)),
        face.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((120, 120)),
    ]
    frames[0].save(folder / "two.webp", save_all=True, append_images=frames[1:], lossless=True)
    return folder


@pytest.fixture
def upscaler_file(tmp_path: Path) -> Path:
    """A small image model with random weights, x2."""
    return write_as_published(image_upscaler(), tmp_path / "x2.pth", "params")


@pytest.fixture
def parser_file(tmp_path: Path) -> Path:
    """A face parser with random weights."""
    parsing = pytest.importorskip("facexlib.parsing.bisenet", reason="needs facexlib's networks")
    torch.manual_seed(0)
    torch.save(parsing.BiSeNet(num_class=19).state_dict(), tmp_path / "parsing.pth")
    return tmp_path / "parsing.pth"


def both_ways(photographs: Path, folder: Path, recipe: Recipe, *options: str) -> dict[str, Record]:
    """Restores photographs in bulk and by `panini restore`; returns what bulk says it did.

    Each result must be the same to the bit.
    """
    bulk, plain = folder / "bulk", folder / "plain"
    records = run(list_items([str(photographs)], str(bulk)), recipe, bulk)
    common = ["--detector", "bundled", "--device", "cpu", "--dtype", "fp32", "--batch", "1"]
    command = ["restore", str(photographs), "-o", str(plain), "--model", str(recipe.model)]
    assert main([*command, *common, *options]) == 0
    for name in records:
        assert (bulk / name).read_bytes() == (plain / name).read_bytes(), name
    return records


def photograph_recipe(model: Path, **choices: Any) -> Recipe:
    common: dict[str, Any] = {"options": RestoreOptions(batch=1)}
    return make_recipe(
        model=str(model), detector="bundled", dtype="fp32", suffix=None, **(common | choices)
    )


def test_results_are_those_of_panini_restore(
    photographs: Path, model_file: Path, tmp_path: Path
) -> None:
    records = both_ways(photographs, tmp_path, photograph_recipe(model_file))
    outcomes = {name: (record.outcome, record.faces) for name, record in records.items()}
    assert outcomes == {
        "a.png": ("done", 1),
        "b.jpg": ("done", 1),
        "none.png": ("nothing to do", 0),
        "two.webp": ("done", 2),
    }


def test_an_upscale_model_draws_what_is_around_faces(
    photographs: Path, model_file: Path, upscaler_file: Path, tmp_path: Path
) -> None:
    recipe = photograph_recipe(
        model_file, upscaler=str(upscaler_file), options=RestoreOptions(batch=1, upscale=2)
    )
    options = ["--upscale", "2", "--upscale-model", str(upscaler_file)]
    records = both_ways(photographs, tmp_path, recipe, *options)
    assert records["none.png"].reason == "No face was found. It was drawn by the upscale model."
    assert Image.open(tmp_path / "bulk" / "a.png").size == (400, 400)


def test_with_an_upscale_model_no_picture_is_just_copied(
    photographs: Path, model_file: Path, upscaler_file: Path, tmp_path: Path
) -> None:
    (item,) = list_items([str(photographs / "none.png")], str(tmp_path / "out"))
    recipe = photograph_recipe(model_file, upscaler=str(upscaler_file))
    assert run([item], recipe, tmp_path / "out")["none.png"].outcome == "nothing to do"
    after = Image.open(tmp_path / "out" / "none.png")
    before = Image.open(photographs / "none.png")
    assert after.size == before.size
    assert not np.array_equal(np.asarray(after), np.asarray(before))


def test_another_methods_restorer(photographs: Path, tmp_path: Path) -> None:
    for name in ("none.png", "two.webp", "b.jpg"):
        (photographs / name).unlink()
    file = write_as_published(restore_former(), tmp_path / "RestoreFormer.pth", "params")
    recipe = photograph_recipe(file)
    assert recipe.label.startswith("RestoreFormer.pth ")
    records = both_ways(photographs, tmp_path, recipe)
    assert records["a.png"].faces == 1
    after = np.asarray(Image.open(tmp_path / "bulk" / "a.png"))
    assert not np.array_equal(after, np.asarray(Image.open(photographs / "a.png")))


def test_faces_are_parsed(
    photographs: Path, model_file: Path, parser_file: Path, tmp_path: Path
) -> None:
    for name in ("none.png", "two.webp", "b.jpg"):
        (photographs / name).unlink()
    recipe = photograph_recipe(
        model_file,
        parser=str(parser_file),
        options=RestoreOptions(batch=1, mask_source="parse"),
    )
    options = ["--mask-source", "parse", "--parser", str(parser_file)]
    both_ways(photographs, tmp_path, recipe, *options)


def test_what_no_worker_could_use_shows_before_the_run(
    model_file: Path, upscaler_file: Path, tmp_path: Path
) -> None:
    check_recipe(photograph_recipe(model_file, upscaler=str(upscaler_file)))
    with pytest.raises(ValueError, match="expected a face restorer, found an image model"):
        check_recipe(photograph_recipe(upscaler_file))
    with pytest.raises(ValueError, match="expected an upscale model"):
        check_recipe(photograph_recipe(model_file, upscaler=str(model_file)))
    other = write_as_published(restore_former(), tmp_path / "RestoreFormer.pth", "params")
    with pytest.raises(ValueError, match="has no latent_pull"):
        check_recipe(photograph_recipe(other, options=RestoreOptions(latent_pull=0.5)))


def test_aligned_faces_of_several_sizes(aligned: Recipe, model_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for index, size in enumerate((32, 48, 32)):
        (folder / f"{index}.png").write_bytes(encode(index, size))
    bulk, plain = tmp_path / "bulk", tmp_path / "plain"
    records = run(list_items([str(folder)], str(bulk)), aligned, bulk)
    assert [record.outcome for record in records.values()] == ["done"] * 3
    command = ["restore", str(folder), "-o", str(plain), "--model", str(model_file), "--aligned"]
    assert main([*command, "--device", "cpu", "--dtype", "fp32"]) == 0
    for name in records:
        pixels = [np.asarray(Image.open(where / name)).astype(int) for where in (bulk, plain)]
        assert abs(pixels[0] - pixels[1]).max() <= 1  # they went through the network together
        assert abs(pixels[0] - np.asarray(Image.open(folder / name)).astype(int)).max() > 1


def test_members_and_rows_are_read(aligned: Recipe, tmp_path: Path) -> None:
    write_tar(tmp_path / "s.tar", {"a.png": encode(0), "b.png": encode(1)})
    rows = pa.table({"bytes": [encode(2), encode(3), None], "name": ["c.png", "d.png", "e.png"]})
    pq.write_table(rows, tmp_path / "l.parquet", row_group_size=2)
    out = tmp_path / "out"
    items = list_items([str(tmp_path / "s.tar"), str(tmp_path / "l.parquet")], str(out))
    records = run(items, aligned, out)
    assert [record.outcome for record in records.values()] == ["done"] * 4 + ["failed"]
    assert records["l/e.png"].reason == "expected a picture, got no bytes"
    tasks = Read(aligned)([Task(item) for item in items])
    for task, seed in zip(tasks, range(4), strict=False):
        expected = np.asarray(Image.open(io.BytesIO(encode(seed))))
        assert np.array_equal(np.moveaxis(task.images[0].pixels, 0, -1), expected)


def test_bad_pictures_are_recorded_and_stop_nothing(aligned: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.png").write_bytes(encode(0))
    (folder / "text.png").write_bytes(b"text")
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes(encode(1, 64)[:-600])
    Image.new("RGB", (32, 40)).save(folder / "oblong.png")
    out = tmp_path / "out"
    records = run(list_items([str(folder)], str(out)), aligned, out)
    failed = {name for name, record in records.items() if record.outcome == "failed"}
    assert failed == {"text.png", "empty.png", "cut.png", "oblong.png"}
    assert all(record.reason and not record.target for record in records.values() if record.reason)
    assert "square" in records["oblong.png"].reason
    assert [path.name for path in out.iterdir()] == ["good.png"]


def test_what_vanishes_or_shrinks_between_listing_and_reading(
    aligned: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "gone.png").write_bytes(encode(0))
    items = list_items([str(tmp_path / "gone.png")], str(tmp_path / "out"))
    (tmp_path / "gone.png").unlink()
    records = run(items, aligned, tmp_path / "out")
    assert records["gone.png"].outcome == "failed"
    assert "FileNotFoundError" in records["gone.png"].reason


def test_an_unchanged_member_of_a_new_tar_is_not_done_again(
    aligned: Recipe, tmp_path: Path
) -> None:
    write_tar(tmp_path / "s.tar", {"a.png": encode(0)})
    out = tmp_path / "out"
    items = list_items([str(tmp_path / "s.tar")], str(out))
    first = run(items, aligned, out)["s/a.png"]
    (out / "s" / "a.png").unlink()
    again = run([replace(items[0], known=first.content)], aligned, out)["s/a.png"]
    assert again.outcome == "unchanged"
    assert not (out / "s" / "a.png").exists()


def test_a_gif_that_stands_still_becomes_png(aligned: Recipe, tmp_path: Path) -> None:
    array = np.zeros((32, 32), np.uint8)
    Image.fromarray(array).save(tmp_path / "still.gif")
    out = tmp_path / "out"
    records = run(list_items([str(tmp_path / "still.gif")], str(out)), aligned, out)
    assert records["still.gif"].target == "still.png"
    assert "GIF was written as PNG" in records["still.gif"].notes


def run_again(folder: Path, recipe: Recipe, output: Path) -> dict[str, Record]:
    """What a run over a folder still finds to do, done; its records are kept."""
    manifest = Manifest(Folder(str(output)))
    items = list_items([str(folder)], str(output))
    records = run(pending(items, manifest, recipe, Folder(str(output))), recipe, output)
    manifest.add(records.values())
    manifest.close()
    return records


def test_gifs_beside_pictures_of_their_name(aligned: Recipe, tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for seed, name in enumerate(("cat.gif", "dog.gif", "dog.png", "dog.gif.png", "moving.png")):
        kind = "GIF" if name.endswith("gif") else "PNG"
        (folder / name).write_bytes(encode(seed, file_format=kind))
    frames = [Image.open(io.BytesIO(encode(seed))) for seed in (7, 8)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    first = run_again(folder, aligned, output)
    assert {name: record.target for name, record in first.items()} == {
        "cat.gif": "cat.png",
        "dog.gif": "dog.gif.png.png",
        "dog.png": "dog.png",
        "dog.gif.png": "dog.gif.png",
        "moving.gif": "moving.gif",
        "moving.png": "moving.png",
    }
    written = {path.name for path in output.iterdir() if path.is_file()} - {"manifest.parquet"}
    assert written == {record.target for record in first.values()}
    assert run_again(folder, aligned, output) == {}

    (folder / "cat.png").write_bytes(encode(9))  # whose result the GIF's stood in for
    again = run_again(folder, aligned, output)
    assert {name: record.target for name, record in again.items()} == {
        "cat.gif": "cat.gif.png",
        "cat.png": "cat.png",
    }
    assert run_again(folder, aligned, output) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="file systems there refuse such names")
def test_names_that_are_no_unicode_are_found_written_and_known_again(
    aligned: Recipe, tmp_path: Path
) -> None:
    folder, output = tmp_path / os.fsdecode(b"f\xfcr"), tmp_path / os.fsdecode(b"\xf6ut")
    folder.mkdir()
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(encode(0))
    (folder / os.fsdecode(b"bad\xe9.png")).write_bytes(b"no picture")
    (folder / os.fsdecode(b"l\xe9.tar")).write_bytes(b"no tar")
    with tarfile.open(
        folder / "s.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1"
    ) as archive:
        for seed, name in enumerate(("tür.png", "tör.png")):
            info = tarfile.TarInfo(name)
            info.size = len(encode(seed))
            archive.addfile(info, io.BytesIO(encode(seed)))
    first = run_again(folder, aligned, output)
    assert {name: record.outcome for name, record in first.items()} == {
        "caf%E9.png": "done",
        "bad%E9.png": "failed",
        "l%E9.tar": "failed",
        "s/t%FCr.png": "done",
        "s/t%F6r.png": "done",
    }
    assert first["caf%E9.png"].source.endswith("/f%FCr/caf%E9.png")
    assert Manifest(Folder(str(output))).records == first
    assert (output / "caf%E9.png").is_file() and (output / "s" / "t%FCr.png").is_file()
    assert set(run_again(folder, aligned, output)) == {"bad%E9.png", "l%E9.tar"}


@pytest.fixture
def damaged_list(tmp_path: Path) -> Path:
    """Twelve pictures in three groups of rows; the page of the second group is damaged."""
    path = tmp_path / "l.parquet"
    table = pa.table({"bytes": [encode(seed) for seed in range(12)]})
    pq.write_table(table, path, row_group_size=4, use_dictionary=False, compression="gzip")
    place = pq.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    middle = place.data_page_offset + place.total_compressed_size // 2
    for offset in range(middle, middle + 200):
        data[offset] ^= 0x55
    path.write_bytes(data)
    return path


def test_a_damaged_page_is_the_fault_of_its_rows(
    aligned: Recipe, damaged_list: Path, tmp_path: Path
) -> None:
    write_tar(tmp_path / "s.tar", {"a.png": encode(0)})
    items = list_items([str(damaged_list), str(tmp_path / "s.tar")], str(tmp_path / "out"))
    done = Read(aligned)([Task(item) for item in items])
    failed = [bool(task.problem) for task in done]
    assert failed == [False] * 4 + [True] * 4 + [False] * 5
    assert all(task.images for task in done if not task.problem)


def test_a_list_that_is_lost_or_shorter_is_the_fault_of_its_rows(
    aligned: Recipe, tmp_path: Path
) -> None:
    for name in ("gone", "short", "good"):
        pq.write_table(pa.table({"bytes": [encode(0), encode(1)]}), tmp_path / f"{name}.parquet")
    items = list_items([f"{tmp_path}/*.parquet"], str(tmp_path / "out"))
    (tmp_path / "gone.parquet").unlink()
    pq.write_table(pa.table({"bytes": [encode(0)]}), tmp_path / "short.parquet")
    done = {task.item.name: task for task in Read(aligned)([Task(item) for item in items])}
    assert {name for name, task in done.items() if task.problem} == {
        "gone/00000000",
        "gone/00000001",
        "short/00000001",
    }
    assert "without this row" in done["short/00000001"].problem


def test_rows_are_read_no_further_than_they_are_wanted() -> None:
    table = pa.table({"bytes": [bytes([index % 256]) for index in range(1000)]})
    given: list[int] = []

    class Listed:
        def iter_batches(self, batch_size: int, **_: object) -> Any:
            for batch in table.to_batches(max_chunksize=batch_size):
                given.append(len(batch))
                yield batch

    listed: Any = Listed()
    values = dict(stages._values(listed, 0, "bytes", {3, 0, 70}))
    assert values == {0: b"\0", 3: b"\3", 70: b"\x46"}
    assert sum(given) <= 128
    assert dict(stages._values(listed, 0, "bytes", {999})) == {999: bytes([999 % 256])}


def test_a_member_of_a_tar_that_was_cut_since(aligned: Recipe, tmp_path: Path) -> None:
    write_tar(tmp_path / "s.tar", {"a.png": encode(0), "b.png": encode(1)})
    items = list_items([str(tmp_path / "s.tar")], str(tmp_path / "out"))
    whole = (tmp_path / "s.tar").read_bytes()
    (tmp_path / "s.tar").write_bytes(whole[: items[1].offset + 10])
    first, second = Read(aligned)([Task(item) for item in items])
    assert not first.problem
    assert second.problem == (
        f"expected {items[1].length} bytes of a member, got 10: the tar is cut off"
    )


@pytest.fixture
def restored_together(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures were in memory as floats at a time."""
    counts: list[int] = []
    restore = Restore._restore_images

    def count(self: Restore, packed: Sequence[PackedImage], found: Any) -> Any:
        counts.append(len(packed))
        return restore(self, packed, found)

    monkeypatch.setattr(Restore, "_restore_images", count)
    return counts


@pytest.mark.parametrize(
    ("batch", "upscale", "most", "together"),
    [
        (4, 1, 64_000_000, [5]),
        (4, 1, 3 * 32 * 32, [3, 2]),
        (4, 2, 4 * 32 * 32, [1] * 5),
        (4, 1, 1, [1] * 5),
        (1, 1, 64_000_000, [1] * 5),
        (None, 1, 64_000_000, [1] * 5),
    ],
)
def test_so_many_pictures_are_in_memory_as_were_allowed(
    aligned: Recipe,
    tmp_path: Path,
    restored_together: list[int],
    monkeypatch: pytest.MonkeyPatch,
    batch: int | None,
    upscale: int,
    most: int,
    together: list[int],
) -> None:
    recipe = replace(aligned, options=RestoreOptions(batch=batch, upscale=upscale))
    write_tar(tmp_path / "s.tar", {f"{seed}.png": encode(seed) for seed in range(5)})
    tasks = Read(recipe)([Task(i) for i in list_items([f"{tmp_path}/s.tar"], f"{tmp_path}/out")])
    tasks.insert(2, tasks[0].fail("bad"))
    tasks = Detect(recipe, "cpu")(tasks)
    usual = Restore(recipe, "cpu")(tasks)
    restored_together.clear()
    monkeypatch.setattr(stages, "MOST_PIXELS", most)
    done = Restore(recipe, "cpu")(tasks)
    assert restored_together == together
    assert [task.item.name for task in done] == [task.item.name for task in tasks]
    assert [task.restored for task in done] == [1, 1, 0, 1, 1, 1]
    for one, other in zip(done, usual, strict=True):
        for image, expected in zip(one.images, other.images, strict=True):
            pixels = [each.pixels.astype(np.float64) for each in (image, expected)]
            assert pixels[0].shape == pixels[1].shape
            assert image.pixels.dtype != np.uint8 or abs(pixels[0] - pixels[1]).max() <= 1
            assert image.pixels.dtype == np.uint8 or np.allclose(*pixels, atol=1e-5)


def test_the_frames_of_an_animation_are_not_all_in_memory(
    aligned: Recipe,
    tmp_path: Path,
    restored_together: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frames = [Image.open(io.BytesIO(encode(seed))) for seed in range(5)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    recipe = replace(aligned, options=RestoreOptions(batch=4))
    tasks = Read(recipe)([Task(i) for i in list_items([f"{tmp_path}/a.webp"], f"{tmp_path}/out")])
    monkeypatch.setattr(stages, "MOST_PIXELS", 2 * 32 * 32)
    (done,) = Restore(recipe, "cpu")(Detect(recipe, "cpu")(tasks))
    assert (restored_together, len(done.images), done.restored) == ([2, 2, 1], 5, 5)


@pytest.fixture
def misled(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, bool], None]:
    """Makes the detector find a number of further faces, which no landmarks fit."""
    find = Detect._find

    def mislead(further: int, usual: bool) -> None:
        def both(self: Detect, packed: PackedImage) -> Any:
            found = find(self, packed)
            bad = replace(found[0], number=9, reliable=False)
            return [*(found if usual else ()), *[bad] * further]

        monkeypatch.setattr(Detect, "_find", both)

    return mislead


@pytest.mark.parametrize(
    ("further", "usual", "faces", "outcome", "reason", "notes"),
    [
        (1, True, "all", "done", "", "Left alone, since no landmarks fit: 1."),
        (0, True, "all", "done", "", ""),
        (
            2,
            False,
            "all",
            "nothing to do",
            "0 of 2 faces found were restored. Left alone, since no landmarks fit: 2.",
            "",
        ),
        (
            1,
            True,
            "none",
            "nothing to do",
            "'none' names none of the 2 faces found. Left alone, since no landmarks fit: 1.",
            "",
        ),
        (0, True, "none", "nothing to do", "'none' names none of the 1 faces found.", ""),
    ],
)
def test_faces_that_are_left_alone_are_told(
    photographs: Path,
    model_file: Path,
    tmp_path: Path,
    misled: Callable[[int, bool], None],
    further: int,
    usual: bool,
    faces: str,
    outcome: str,
    reason: str,
    notes: str,
) -> None:
    misled(further, usual)
    recipe = photograph_recipe(model_file, options=RestoreOptions(batch=1, faces=faces))
    out = tmp_path / "out"
    (record,) = run(list_items([f"{photographs}/a.png"], str(out)), recipe, out).values()
    assert (record.outcome, record.reason, record.notes) == (outcome, reason, notes)


def test_a_tar_is_only_read_where_its_members_lie(tmp_path: Path) -> None:
    write_tar(tmp_path / "s.tar", {"a.png": encode(0)})
    with tarfile.open(tmp_path / "s.tar") as archive:
        (member,) = archive.getmembers()
    (item,) = list_items([str(tmp_path / "s.tar")], str(tmp_path / "out"))
    assert (item.offset, item.length) == (member.offset_data, member.size)
