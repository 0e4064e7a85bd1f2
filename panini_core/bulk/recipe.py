"""What results depend on beside the pictures, and a mark by which it is known again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..checkpoints import find_weights
from ..checkpoints.detector import BUNDLED_DETECTOR, find_detector
from ..options import BUNDLED_NETWORKS, RestoreOptions


@dataclass(frozen=True, slots=True)
class Recipe:
    """Networks and options of a run. Workers open the files by the same paths, which are absolute:
    they may have been started elsewhere."""

    model: str  # name of a network that comes with the package, or file
    detector: str | None  # name or file; None: the pictures are aligned faces
    parser: str | None  # file of a face parser, for mask_source `parse` and `auto`
    upscaler: str | None  # file of an image model that draws what is around the faces
    dtype: str
    suffix: str | None  # of all results; None: that of each picture
    options: RestoreOptions
    compiled: bool  # the model, by torch; makes a difference to the last bits only
    mark: str  # hash of all this and of the files' contents
    label: str  # the model's file and hash
    text: str  # the options, and the other networks' files and hashes, JSON


def make_recipe(
    *,
    model: str,
    detector: str | None,
    parser: str | None = None,
    upscaler: str | None = None,
    dtype: str,
    suffix: str | None,
    options: RestoreOptions,
    compiled: bool = False,
) -> Recipe:
    """A recipe with its marks. Raises OSError where a file cannot be read."""
    if model not in BUNDLED_NETWORKS:  # those may lie elsewhere on another machine
        model = str(Path(model).absolute())
    parser, upscaler = map(_absolute, (parser, upscaler))
    label = _label_of(find_weights(model))
    finder = None if detector is None else find_detector(detector)
    if finder not in (None, BUNDLED_DETECTOR):
        detector = _absolute(str(finder))
    # How many faces go together changes nothing but the last bits.
    chosen = {key: value for key, value in asdict(options).items() if key != "batch"}
    files = {"detector": finder, "parser": parser, "upscale_model": upscaler}
    for key, file in files.items():
        chosen[key] = None if file is None else _label_of(Path(file))
    text = json.dumps(chosen, sort_keys=True)
    mark = hashlib.sha256(repr((label, dtype, suffix, text)).encode()).hexdigest()[:32]
    return Recipe(
        model=model,
        detector=detector,
        parser=parser,
        upscaler=upscaler,
        dtype=dtype,
        suffix=suffix,
        options=options,
        compiled=compiled,
        mark=mark,
        label=label,
        text=text,
    )


def _absolute(file: str | None) -> str | None:
    return None if file is None else str(Path(file).absolute())


def _label_of(path: Path) -> str:
    """A file's name and the beginning of its hash."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return f"{path.name} {digest.hexdigest()[:16]}"
