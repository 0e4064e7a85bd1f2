from __future__ import annotations

import dataclasses
import tarfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_lab.training.config import AdversaryConfig, DataConfig
from panini_lab.training.data import FaceSampler, crisp_faces, load_faces


def test_a_tar_and_a_folder_give_the_same_faces(face_folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "faces.tar"
    with tarfile.open(archive, "w") as tar:
        for file in sorted(face_folder.iterdir()):
            tar.add(file, arcname=file.name)
    from_folder = load_faces(DataConfig(sources=(str(face_folder),), image_size=64))
    from_tar = load_faces(DataConfig(sources=(str(archive),), image_size=64))
    assert from_folder.dtype == torch.uint8
    assert from_folder.shape == (10, 3, 64, 64)
    assert torch.equal(from_folder, from_tar)


def test_limit_and_resizing(face_folder: Path) -> None:
    config = DataConfig(sources=(str(face_folder),), image_size=32, limit=3)
    assert load_faces(config).shape == (3, 3, 32, 32)


def test_sources_that_give_nothing_are_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_faces(DataConfig(sources=(str(tmp_path / "nowhere"),)))
    with pytest.raises(ValueError, match=r"data\.sources"):
        load_faces(DataConfig(sources=(str(tmp_path),)))
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match=r"broken\.png is not a readable image"):
        load_faces(DataConfig(sources=(str(tmp_path),)))


@settings(deadline=None, max_examples=20)
@given(
    count=st.integers(3, 30),
    batch=st.integers(1, 5),
    world=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_an_epoch_shows_every_face_once(count: int, batch: int, world: int, seed: int) -> None:
    faces = torch.zeros(count, 3, 2, 2, dtype=torch.uint8)
    config = DataConfig(flip=False)
    samplers = [
        FaceSampler(faces, config, batch=batch, seed=seed, rank=rank, world_size=world)
        for rank in range(world)
    ]
    steps = -(-count // (batch * world))
    seen = torch.cat([s.indices(step) for step in range(steps) for s in samplers])[:count]
    assert sorted(seen.tolist()) == list(range(count))


def test_a_batch_depends_on_seed_and_step_only() -> None:
    faces = torch.randint(0, 256, (7, 3, 16, 16), dtype=torch.uint8)
    config = DataConfig(max_shift=2, colour=0.5, grey_probability=0.3)
    first = FaceSampler(faces, config, batch=3, seed=5)
    second = FaceSampler(faces, config, batch=3, seed=5)
    second(0)  # having drawn other batches changes nothing
    assert torch.equal(first(11), second(11))
    assert not torch.equal(first(11), first(12))
    other = FaceSampler(faces, config, batch=3, seed=6)
    assert not torch.equal(first(11), other(11))


def test_variations_stay_in_range_and_can_be_grey() -> None:
    faces = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)
    config = DataConfig(max_shift=3, colour=1.0)
    images = FaceSampler(faces, config, batch=4, seed=0)(0)
    assert images.shape == (4, 3, 16, 16)
    assert 0 <= images.min() and images.max() <= 1
    grey = FaceSampler(faces, dataclasses.replace(config, grey_probability=1.0), batch=4, seed=0)(0)
    assert torch.equal(grey[:, 0], grey[:, 1])
    assert torch.equal(grey[:, 0], grey[:, 2])


def test_without_variations_the_faces_come_as_they_are() -> None:
    faces = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    sampler = FaceSampler(faces, DataConfig(flip=False), batch=4, seed=0)
    assert torch.equal(sampler(0), faces[sampler.indices(0)].float() / 255)


def test_among_some_faces_an_epoch_shows_these_alone() -> None:
    faces = torch.arange(9, dtype=torch.uint8).view(9, 1, 1, 1).expand(9, 3, 2, 2)
    among = torch.tensor([1, 4, 7])
    sampler = FaceSampler(faces, DataConfig(flip=False), batch=2, seed=0, among=among)
    seen = torch.cat([sampler.indices(step) for step in range(3)])
    assert sorted(seen[:3].tolist()) == sorted(seen[3:].tolist()) == [1, 4, 7]
    shown = (sampler(1)[:, 0, 0, 0] * 255).round().long()
    assert torch.equal(shown, sampler.indices(1))


def write_index(path: Path, rows: list[str], header: str = "shard,name,source,scale") -> str:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(path)


def test_crisp_faces_are_those_listed_as_such(face_folder: Path, tmp_path: Path) -> None:
    """Of two sources; found by shard and name, wherever the source lies."""
    archive = tmp_path / "faces-00.tar"
    with tarfile.open(archive, "w") as tar:
        for file in sorted(face_folder.iterdir()):
            tar.add(file, arcname=f"inside/{file.name}")
    folder = face_folder.name
    index = write_index(
        tmp_path / "index.csv",
        [
            f"{folder},00.png,films,1.000",
            f"{folder},03.png,films,1.051",  # enlarged
            f"{folder},04.png,paintings,1.0",
            f"{folder},99.png,films,1.0",  # not there
            "faces-00.tar,03.png,films,0.500",
            "faces-00.tar,09.png,films,1.050",
            "faces-01.tar,05.png,films,1.0",  # not a source
        ],
    )
    data = DataConfig(sources=(str(face_folder), str(archive)), image_size=64)
    adversary = AdversaryConfig(real_index=index, real_without=("paintings",))
    assert crisp_faces(data, adversary).tolist() == [0, 13, 19]
    looser = dataclasses.replace(adversary, real_max_scale=2.0, real_without=())
    assert crisp_faces(data, looser).tolist() == [0, 3, 4, 13, 19]
    # What is not loaded is not there either.
    assert crisp_faces(dataclasses.replace(data, limit=14), adversary).tolist() == [0, 13]


def test_a_list_without_crisp_faces_or_columns_is_named(face_folder: Path, tmp_path: Path) -> None:
    data = DataConfig(sources=(str(face_folder),), image_size=64)
    index = write_index(tmp_path / "soft.csv", [f"{face_folder.name},00.png,films,1.5"])
    with pytest.raises(ValueError, match=r"soft\.csv lists no crisp face.*real_max_scale"):
        crisp_faces(data, AdversaryConfig(real_index=index))
    index = write_index(tmp_path / "short.csv", ["00.png,films"], "name,source")
    with pytest.raises(ValueError, match=r"short\.csv needs the columns.*it lacks scale, shard"):
        crisp_faces(data, AdversaryConfig(real_index=index))
