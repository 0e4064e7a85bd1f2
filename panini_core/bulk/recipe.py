"""What results depend on beside the pictures, and a mark by which it is known again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..checkpoints import DEFAULT_WEIGHTS
from ..checkpoints.detector import find_detector
from ..options import RestoreOptions


@dataclass(frozen=True, slots=True)
class Recipe:
    """Model, detector and options of a run. Workers open the files by the same paths."""

    model: str | None  # file; None: the weights that come with the package
    detector: str | None  # name or file; None: the pictures are aligned faces
    parser: str | None  # file of a face parser, for mask_source `parse` and `auto`
    dtype: str
    suffix: str | None  # of all results; None: that of each picture
    options: RestoreOptions
    mark: str  # hash of all this and of the files' contents
    label: str  # the model's file and hash
    text: str  # the options, JSON


def make_recipe(
    *,
    model: str | None,
    detector: str | None,
    parser: str | None = None,
    dtype: str,
    suffix: str | None,
    options: RestoreOptions,
) -> Recipe:
    """A recipe with its marks. Raises OSError where a file cannot be read."""
    path = Path(DEFAULT_WEIGHTS if model is None else model)
    label = f"{path.name} {_hash_of(path)[:16]}"
    finder = None if detector is None else _hash_of(find_detector(detector))
    masks = None if parser is None else _hash_of(Path(parser))
    # How many faces go together changes nothing but the last bits.
    chosen = {key: value for key, value in asdict(options).items() if key != "batch"}
    text = json.dumps(chosen, sort_keys=True)
    mark = hashlib.sha256(repr((label, finder, masks, dtype, suffix, text)).encode()).hexdigest()[
        :32
    ]
    return Recipe(model, detector, parser, dtype, suffix, options, mark, label, text)


def _hash_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
