from __future__ import annotations

import dataclasses
import tarfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_lab.training.config import DataConfig
from panini_lab.training.data import FaceSampler, load_faces


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
