"""Clean training faces: all of them in memory on the device, sampled and varied there."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice, repeat
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from panini_core.models.luma import to_grey

from .config import AdversaryConfig, DataConfig
from .sampling import seeded_generator

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
_DECODED_AT_ONCE = 64
_INDEX_COLUMNS = {"shard", "name", "source", "scale"}  # of the list of crisp faces


def list_images(source: str | Path) -> list[str]:
    """Names of the images of a folder (sorted) or a tar file (in its order).

    Raises FileNotFoundError if there is neither.
    """
    path = Path(source)
    if path.is_dir():
        names = sorted(str(file) for file in path.rglob("*") if file.is_file())
    elif path.is_file():
        with tarfile.open(path) as archive:
            names = [member.name for member in archive if member.isfile()]
    else:
        raise FileNotFoundError(f"No folder or tar file of training faces at {path}.")
    return [name for name in names if Path(name).suffix.lower() in IMAGE_SUFFIXES]


def read_encoded(source: str | Path) -> Iterator[tuple[str, bytes]]:
    """Name and encoded bytes of every image, in the order of `list_images`."""
    names = list_images(source)
    if Path(source).is_dir():
        for name in names:
            yield name, Path(name).read_bytes()
        return
    with tarfile.open(source) as archive:
        for name in names:
            content = archive.extractfile(name)
            assert content is not None
            yield f"{source}:{name}", content.read()


def _decode(item: tuple[str, bytes], size: int) -> Tensor:
    name, content = item
    try:
        with Image.open(io.BytesIO(content)) as image:
            image = image.convert("RGB")
    except OSError as error:
        raise ValueError(f"{name} is not a readable image: {error}.") from error
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def load_faces(config: DataConfig, *, device: torch.device | str = "cpu") -> Tensor:
    """All faces of the sources, (N, 3, S, S) uint8 RGB on `device`.

    Raises ValueError if there are none or one cannot be read.
    """
    count = sum(len(list_images(source)) for source in config.sources)
    count = min(count, config.limit or count)
    if not count:
        raise ValueError(f"No training faces in {list(config.sources)}: set data.sources.")
    size = config.image_size
    # Filled in place: the whole set may take more than half of the memory.
    bank = torch.empty((count, 3, size, size), dtype=torch.uint8, device=device)
    encoded = islice(chain.from_iterable(map(read_encoded, config.sources)), count)
    with ThreadPoolExecutor() as pool:
        for first in range(0, count, _DECODED_AT_ONCE):
            items = list(islice(encoded, _DECODED_AT_ONCE))
            decoded = pool.map(_decode, items, repeat(size))
            for index, face in enumerate(decoded, start=first):
                bank[index] = face
    return bank


def crisp_faces(config: DataConfig, adversary: AdversaryConfig) -> Tensor:
    """Indices, among what `load_faces` loads, of the files that the adversary takes for real.

    Raises ValueError if the list lacks a column or names none of them.
    """
    with Path(adversary.real_index).open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if missing := _INDEX_COLUMNS - set(rows.fieldnames or ()):
            raise ValueError(
                f"{adversary.real_index} needs the columns {', '.join(sorted(_INDEX_COLUMNS))}; "
                f"it lacks {', '.join(sorted(missing))}."
            )
        crisp = {
            (row["shard"], row["name"])
            for row in rows
            if float(row["scale"]) <= adversary.real_max_scale
            and row["source"] not in adversary.real_without
        }
    names = [
        (Path(source).name, Path(name).name)
        for source in config.sources
        for name in list_images(source)
    ]
    found = [index for index, name in enumerate(names) if name in crisp]
    found = [index for index in found if index < (config.limit or len(names))]
    if not found:
        raise ValueError(
            f"{adversary.real_index} lists no crisp face of {list(config.sources)} by shard and "
            "name: check the list, or raise adversary.real_max_scale."
        )
    return torch.tensor(found)


class FaceSampler:
    """Batches of varied faces. A batch is a function of seed and step, so a run can be resumed."""

    def __init__(
        self,
        faces: Tensor,  # (N, 3, S, S) uint8
        config: DataConfig,
        *,
        batch: int,  # of one process
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        among: Tensor | None = None,  # indices of the faces to use; None = all
    ) -> None:
        self.faces, self.config = faces, config
        self.among = torch.arange(len(faces)) if among is None else among
        self.batch, self.seed = batch, seed
        self.rank, self.world_size = rank, world_size

    def generator(self, step: int, purpose: int = 0) -> torch.Generator:
        """A CPU generator of this step, process and purpose."""
        return seeded_generator(self.seed, step, self.rank, purpose)

    def indices(self, step: int) -> Tensor:
        """Which faces step `step` sees: permutations one after the other, split over processes."""
        total = self.batch * self.world_size
        first = step * total + self.rank * self.batch
        places = torch.arange(first, first + self.batch)
        chosen = torch.empty_like(places)
        count = len(self.among)
        for epoch in (places // count).unique().tolist():
            shuffle = torch.Generator().manual_seed((self.seed * 7_919 + epoch) % 2**63)
            order = torch.randperm(count, generator=shuffle)
            here = places // count == epoch
            chosen[here] = self.among[order[places[here] % count]]
        return chosen

    def __call__(self, step: int) -> Tensor:
        """Clean faces of this step, (B, 3, S, S) RGB in [0, 1], varied."""
        generator = self.generator(step, purpose=1)
        chosen = self.indices(step).to(self.faces.device)
        images = self.faces[chosen].float() / 255
        if self.config.flip:
            flipped = torch.rand(self.batch, generator=generator) < 0.5
            images = torch.where(_column(flipped, images), images.flip(3), images)
        if self.config.max_shift:
            images = shift(images, self.config.max_shift, generator)
        if self.config.colour:
            images = vary_colour(images, self.config.colour, generator)
        if self.config.grey_probability:
            grey = torch.rand(self.batch, generator=generator) < self.config.grey_probability
            images = torch.where(_column(grey, images), to_grey(images), images)
        return images


def _column(values: Tensor, like: Tensor) -> Tensor:
    return values.to(like.device).view(-1, 1, 1, 1)


def shift(images: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Each image moved by up to `most` whole pixels, mirrored at its border."""
    size = images.shape[-1]
    padded = F.pad(images, (most,) * 4, mode="reflect")
    offsets = torch.randint(0, 2 * most + 1, (len(images), 2), generator=generator).tolist()
    return torch.stack(
        [
            image[:, y : y + size, x : x + size]
            for image, (y, x) in zip(padded, offsets, strict=True)
        ]
    )


def vary_colour(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Brightness, contrast, saturation and tint of each image changed at random, in [0, 1]."""

    def factor(spread: float, channels: int = 1) -> Tensor:
        draws = torch.rand((len(images), channels, 1, 1), generator=generator) * 2 - 1
        return (1 + strength * spread * draws).to(images.device)

    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * factor(0.4) + mean * factor(0.4)
    grey = to_grey(images)
    images = grey + (images - grey) * factor(0.6)
    return (images * factor(0.15, channels=3)).clamp(0, 1)
