"""Pictures to restore, and what was made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from .client import Client
from .prompts import Previews
from .run import Run

TILE = 64  # px, of a mosaic

Pixels = npt.NDArray[np.int16]  # (…, H, W, 3) in 0..255, signed so that differences are themselves


@dataclass(frozen=True)
class Pasted:
    """What became of images (N, H, W, 3), and where (N, H, W) faces were drawn."""

    before: Pixels
    after: Pixels
    inside: npt.NDArray[np.bool_]

    @property
    def changed(self) -> npt.NDArray[np.bool_]:
        """(N, H, W)."""
        return (self.before != self.after).any(-1)

    @property
    def change(self) -> float:
        """Mean absolute difference in levels of 255."""
        return difference(self.before, self.after)

    def check(self) -> None:
        """Faces changed, and nothing else, to the bit."""
        assert not self.changed[~self.inside].any()
        assert 0.02 < self.inside.mean() < 0.9
        assert self.changed[self.inside].mean() > 0.5


def images(client: Client, run: Run, node: str) -> Pixels:
    """What a node of a run saved or previewed (N, H, W, 3)."""
    return np.stack([pixels(image) for image in client.images(run, node)])


def pasted(client: Client, run: Run, shown: Previews) -> Pasted:
    """What a node pasted, as its previews tell."""
    before, after, mask = (images(client, run, node) for node in shown)
    return Pasted(before, after, mask[..., 0] > 0)


def pixels(image: Image.Image) -> Pixels:
    """(H, W, 3)."""
    return np.asarray(image.convert("RGB")).astype(np.int16)


def difference(one: Pixels, other: Pixels) -> float:
    """Mean absolute difference in levels of 255."""
    return float(np.abs(one - other).mean())


def portrait() -> Image.Image:
    """256 x 256 px with one face, of scikit-image's astronaut."""
    data = pytest.importorskip("skimage.data", reason="needs scikit-image's photographs")
    return Image.fromarray(data.astronaut()[:256, 96:352])


def landscape(side: int = 256) -> Image.Image:
    """A square without a face."""
    across = np.linspace(0, 255, side).astype(np.uint8)[None].repeat(side, 0)
    return Image.fromarray(np.stack([across, across.T, across[:, ::-1]], -1))


def mosaic(faces: int, *, columns: int = 6, rows: int = 5) -> Image.Image:
    """Tiles row by row; the first ones hold a small face each, the others none."""
    picture = Image.new("RGB", (columns * TILE, rows * TILE))
    face, empty = portrait().resize((TILE, TILE), Image.Resampling.LANCZOS), landscape(TILE)
    for place in range(columns * rows):
        corner = (place % columns * TILE, place // columns * TILE)
        picture.paste(face if place < faces else empty, corner)
    return picture
