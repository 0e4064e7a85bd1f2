"""Pictures with faces, on the server."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ..server.client import Client
from ..server.server import Server


def astronaut() -> Image.Image:
    """256 x 256 px with one face; skips the test without scikit-image."""
    data = pytest.importorskip("skimage.data", reason="needs a picture with a face (scikit-image)")
    return Image.fromarray(data.astronaut()).crop((96, 0, 352, 256))


def tile(columns: int, rows: int, side: int) -> Image.Image:
    """As many faces side by side, each in a square of that side, px."""
    small = np.asarray(astronaut().resize((side, side)))
    return Image.fromarray(np.tile(small, (rows, columns, 1)))


def upload(server: Server, picture: Image.Image, name: str) -> str:
    """Put it into the input folder; the name for Load Image."""
    with Client(server.url) as client:
        return client.upload_image(picture, name)
