"""The stages of a bulk run, without Ray."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from panini_core.bulk import Folder, Recipe, Record, check_recipe, list_items, make_recipe
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
    from dataclasses import replace

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


def test_a_tar_is_only_read_where_its_members_lie(tmp_path: Path) -> None:
    write_tar(tmp_path / "s.tar", {"a.png": encode(0)})
    with tarfile.open(tmp_path / "s.tar") as archive:
        (member,) = archive.getmembers()
    (item,) = list_items([str(tmp_path / "s.tar")], str(tmp_path / "out"))
    assert (item.offset, item.length) == (member.offset_data, member.size)
