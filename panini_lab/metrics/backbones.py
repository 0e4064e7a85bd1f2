"""Where the networks that metrics need are looked for, and the error when one is not at hand.

Nothing is downloaded: a measurement neither waits for a network nor depends on one.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import torch

VGG_FILE = "vgg19_features.safetensors"
IDENTITY_FILE = "mobilefacenet.safetensors"
_UNCONVERTED = {IDENTITY_FILE: "mobilefacenet.onnx"}  # the same network as it is published


class MetricUnavailable(RuntimeError):
    """A metric that cannot be computed here: says why, and what would make it available."""


def find_backbone(name: str, folder: str | Path | None = None) -> Path:
    """The path of the backbone file `name`, or of its published form where only that is there.

    Looked for in `folder` if one is given, else in the folder that PANINI_BACKBONES names. Raises
    MetricUnavailable, which says where it was looked for.
    """
    place = folder if folder is not None else os.environ.get("PANINI_BACKBONES")
    names = [name, _UNCONVERTED[name]] if name in _UNCONVERTED else [name]
    if place:
        for file in names:
            if (path := Path(place) / file).is_file():
                return path
    looked = f"was not found in {place}" if place else "was looked for nowhere"
    raise MetricUnavailable(
        f"the backbone {' or '.join(names)} {looked}. Name the folder that holds it, or set "
        "PANINI_BACKBONES to it."
    )


def check_hub_checkpoint(url: str) -> Path:
    """The file of `url` in torch's own cache, complete and unaltered.

    For networks that other packages would download by themselves. Such files carry the beginning
    of their SHA-256 in their names (`alexnet-owt-7be5be79.pth`). Raises MetricUnavailable with
    the place where the file belongs.
    """
    name = url.rsplit("/", 1)[-1]
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    if not path.is_file():
        raise MetricUnavailable(
            f"its network {name} is not in {path.parent}. Download {url} to that folder."
        )
    expected = path.stem.rsplit("-", 1)[-1]
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    if not digest.hexdigest().startswith(expected):
        raise MetricUnavailable(
            f"{path} is damaged: its SHA-256 should begin with {expected}, it is "
            f"{digest.hexdigest()[:8]}. Download {url} again."
        )
    return path
