"""Where a degradation lies among known ones: severity, the nearest kinds, a place on a map.

An atlas holds degradation representations of faces that were degraded in known ways. It belongs
to one degradation encoder; `panini atlas` makes it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from .checkpoints import CheckpointError, find_weights
from .checkpoints.bundled import WEIGHTS_FOLDER
from .checkpoints.fingerprint import encoder_fingerprint
from .checkpoints.tensor_file import read_tensor_file, write_tensor_file
from .faces import DegradationRepresentation
from .models.panini import PaniniNet
from .options import ATLAS_SUFFIX, MIXED_DEGRADATIONS

NEIGHBOURS = 15
NOTABLE_SHARE = 0.2  # a class with less is not worth a word
SEVERITY_WORDS = (
    (0.1, "hardly degraded"),
    (0.3, "light"),
    (0.5, "moderate"),
    (0.7, "fairly heavy"),
    (1.0, "heavy"),
)
_KIND = "atlas"
_DIMENSIONS = {
    "vectors": 2,
    "labels": 1,
    "severity": 1,
    "positions": 2,
    "centre": 1,
    "projection": 2,
    "reach": 0,
}
_HEADER = ("names", "encoder")
_HALF = ("vectors", "severity", "positions")  # stored in half precision, which is enough


@dataclass(frozen=True, slots=True, eq=False)
class DegradationAtlas:
    """K known samples of C classes, on the CPU in float32.

    Distances are measured between projected vectors, `(v - centre) @ projection.T`.
    """

    names: tuple[str, ...]  # the classes
    vectors: Tensor  # (K, D) the degradation representations
    labels: Tensor  # (K,) int64, the class of each sample
    severity: Tensor  # (K,) in [0, 1]: 0 at a PSNR of 40 dB to the clean face, 1 at 18 dB
    positions: Tensor  # (K, 2) x, y on the map, in [0, 1]
    centre: Tensor  # (D,)
    projection: Tensor  # (P, D)
    reach: float  # what lies farther than this from every sample is unlike all of them
    fingerprint: str  # of the encoder, see `encoder_fingerprint`

    def __post_init__(self) -> None:
        count, size = self.vectors.shape
        shapes = {
            "labels": (count,),
            "severity": (count,),
            "positions": (count, 2),
            "centre": (size,),
            "projection": (self.projection.shape[0], size),
        }
        for name, shape in shapes.items():
            if tuple(getattr(self, name).shape) != shape:
                raise ValueError(
                    f"DegradationAtlas.{name} must be {shape} for vectors ({count}, {size}), got "
                    f"{tuple(getattr(self, name).shape)}."
                )
        present = set(self.labels.tolist())
        if present != set(range(len(self.names))):
            raise ValueError(f"Every class needs samples: {len(self.names)} names, got {present}.")

    def project(self, vectors: Tensor) -> Tensor:
        """(F, D) -> (F, P), where distances mean something."""
        return (vectors.to("cpu", torch.float32) - self.centre) @ self.projection.T


@dataclass(frozen=True, slots=True)
class DegradationDescription:
    """What an atlas says about the degradation of one face."""

    severity: float  # 0: as good as clean, 1: 18 dB and worse
    nearest: tuple[tuple[str, float], ...]  # classes and their shares in [0, 1], largest first
    position: tuple[float, float]  # x, y on the map, in [0, 1]
    distance: float  # to the nearest sample, in units of the atlas' reach: above 1 is unfamiliar
    text: str  # all of it in one sentence


def describe_degradation(
    atlas: DegradationAtlas, degradation: DegradationRepresentation
) -> tuple[DegradationDescription, ...]:
    """Each face's degradation by its nearest known samples, the nearer the weightier.

    Raises ValueError if the vectors do not have the atlas' size.
    """
    size = atlas.vectors.shape[1]
    if degradation.vectors.shape[1] != size:
        raise ValueError(
            f"The atlas knows degradations of {size} numbers, got "
            f"{degradation.vectors.shape[1]}; they come from another model."
        )
    distances = torch.cdist(atlas.project(degradation.vectors), atlas.project(atlas.vectors))
    count = min(NEIGHBOURS, len(atlas.vectors))
    distances, neighbours = distances.topk(count, largest=False)
    weights = 1 / (distances + 1e-3 * atlas.reach)
    weights = weights / weights.sum(1, keepdim=True)
    votes = torch.zeros(len(degradation), len(atlas.names))
    votes.scatter_add_(1, atlas.labels[neighbours], weights)
    severities = (weights * atlas.severity[neighbours]).sum(1).tolist()
    positions = (weights[..., None] * atlas.positions[neighbours]).sum(1).tolist()
    nearest_distances = (distances[:, 0] / atlas.reach).tolist()

    descriptions: list[DegradationDescription] = []
    for face, severity in enumerate(severities):
        order = votes[face].argsort(descending=True, stable=True).tolist()
        shares = [(atlas.names[label], float(votes[face, label])) for label in order]
        nearest = tuple(pair for pair in shares if pair[1] > 0)
        distance = nearest_distances[face]
        text = _sentence(severity, nearest, familiar=distance <= 1)
        x, y = positions[face]
        descriptions.append(DegradationDescription(severity, nearest, (x, y), distance, text))
    return tuple(descriptions)


def preset_degradation(atlas: DegradationAtlas, name: str) -> DegradationRepresentation:
    """A class as one representation (1, D): its most typical sample of middling severity.

    That is the one nearest to the centre; the mean itself may lie among other classes. Raises
    ValueError for an unknown name.
    """
    if name not in atlas.names:
        raise ValueError(f"No degradation {name!r} in the atlas; it has {', '.join(atlas.names)}.")
    of_class = atlas.labels == atlas.names.index(name)
    severity = atlas.severity[of_class]
    low, high = severity.quantile(torch.tensor([0.25, 0.75])).tolist()
    own = atlas.vectors[of_class][(severity >= low) & (severity <= high)]
    places = atlas.project(own)
    return DegradationRepresentation(own[(places - places.mean(0)).norm(dim=1).argmin()][None])


def readable_name(name: str) -> str:
    """A class's name for people: the presets, which mix all kinds, say so."""
    return f"{name} mix" if name in MIXED_DEGRADATIONS else name


def atlas_path(weights: str | PathLike[str]) -> Path:
    """Where the atlas of a checkpoint lies: beside it, `<stem>.atlas.safetensors`."""
    weights = Path(weights)
    return weights.with_name(weights.stem + ATLAS_SUFFIX)


def load_atlas(
    model: PaniniNet, path: str | PathLike[str] | None = None
) -> DegradationAtlas | None:
    """The atlas of the model's degradation encoder, or None if there is none.

    path: the checkpoint that the model was loaded from, or the name of a bundled network (None: one
    of those). Its atlas lies beside it; those that come with the package serve every model with
    their encoder.
    Raises CheckpointError if a file cannot be read.
    """
    fingerprint = encoder_fingerprint(model)
    beside = [] if path is None else [atlas_path(find_weights(path))]
    for candidate in [*beside, *sorted(WEIGHTS_FOLDER.glob(f"*{ATLAS_SUFFIX}"))]:
        if candidate.is_file():
            atlas = _read(candidate)
            if atlas.fingerprint == fingerprint:
                return atlas
    return None


def save_atlas(path: str | PathLike[str], atlas: DegradationAtlas) -> None:
    """Write an atlas as `.safetensors`, for `load_atlas`; the file appears when it is whole."""
    tensors = {name: getattr(atlas, name) for name in _DIMENSIONS if name != "reach"}
    tensors = {name: t.half() if name in _HALF else t for name, t in tensors.items()}
    tensors["labels"] = atlas.labels.to(torch.uint8)
    tensors["reach"] = torch.tensor(atlas.reach)
    header = {"names": json.dumps(atlas.names), "encoder": atlas.fingerprint}
    write_tensor_file(Path(path), _KIND, tensors, header)


def _read(path: Path) -> DegradationAtlas:
    file = read_tensor_file(path, _KIND, _DIMENSIONS, _HEADER)
    tensors = dict(file.tensors)
    reach = float(tensors.pop("reach"))
    try:
        names = cast("list[object]", json.loads(file.metadata["names"]))
        return DegradationAtlas(
            names=tuple(str(name) for name in names),
            reach=reach,
            fingerprint=file.metadata["encoder"],
            **tensors,
        )
    except (ValueError, TypeError) as error:
        raise CheckpointError(path, f"not a whole atlas: {error}") from error


def _sentence(severity: float, nearest: tuple[tuple[str, float], ...], *, familiar: bool) -> str:
    word = next((w for limit, w in SEVERITY_WORDS if severity < limit), SEVERITY_WORDS[-1][1])
    (first, share), *others = nearest
    parts = [f"mostly {readable_name(first)}" if share >= 0.5 else readable_name(first)]
    parts += [f"some {readable_name(name)}" for name, share in others if share >= NOTABLE_SHARE]
    text = f"{word} ({severity:.2f}): {', '.join(parts)}"
    return text if familiar else f"unlike all known degradations; nearest is {text}"
