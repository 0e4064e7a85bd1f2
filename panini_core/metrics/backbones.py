"""Where the networks that metrics need are looked for, and the error when one is not at hand."""

from __future__ import annotations

import os
from pathlib import Path

VGG_FILE = "vgg19_features.safetensors"
IDENTITY_FILE = "mobilefacenet.onnx"


class MetricUnavailable(RuntimeError):
    """A metric that cannot be computed here: says why, and what would make it available."""


def find_backbone(name: str, folder: str | Path | None = None) -> Path:
    """The path of the backbone file `name`.

    Looked for in `folder` alone if one is given; else in $PANINI_BACKBONES, in
    $PANINI_SHARED/data/weights and in ../shared/data/weights, the first that has it.
    Raises MetricUnavailable, which lists the places that were looked at.
    """
    places = [Path(folder)] if folder is not None else _default_places()
    for place in places:
        if (place / name).is_file():
            return place / name
    looked_at = ", ".join(str(place) for place in places)
    raise MetricUnavailable(
        f"the backbone {name} was not found in {looked_at}. Name the folder that holds it, or "
        "set PANINI_BACKBONES to it."
    )


def _default_places() -> list[Path]:
    places: list[Path] = []
    if chosen := os.environ.get("PANINI_BACKBONES"):
        places.append(Path(chosen))
    if shared := os.environ.get("PANINI_SHARED"):
        places.append(Path(shared) / "data" / "weights")
    places.append(Path("..") / "shared" / "data" / "weights")
    return places
