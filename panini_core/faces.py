"""The values that flow between the stages.

Convention: coordinates are continuous, in pixels, x to the right and y down; pixel i covers
[i, i + 1) (`align_corners=False`). Left and right are the viewer's. Images are float tensors,
RGB, in [0, 1].

`to(device)` gives a value with its pixels and vectors there. Where faces lie stays on the CPU,
where the stages compute with it exactly (in float64, which not every device has).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .models.transfer import to_device


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One detected face, in the coordinates of the image it was found in."""

    box: Tensor  # (4,) x0, y0, x1, y1 in px
    landmarks: Tensor  # (5, 2) x, y in px: left eye, right eye, nose, left and right mouth corner
    score: float  # the detector's confidence in [0, 1]
    image_index: int = 0  # which image of the batch
    # Among the faces of its image, or of its clip if it is followed, from 0; None: not numbered.
    number: int | None = None
    track: int | None = None  # the same for the same face in all frames; None: not followed
    filled: bool = False  # not seen here, but put between two frames of its track
    reliable: bool = True  # False: nobody knows how it is turned, so it is left alone

    @property
    def size(self) -> float:
        """The longer side of the box, in px."""
        width, height = (self.box[2:] - self.box[:2]).tolist()
        return max(width, height)

    def to(self, device: torch.device | str) -> Face:
        """The face with box and landmarks on `device`; every stage takes it from there too."""
        return replace(self, box=self.box.to(device), landmarks=self.landmarks.to(device))


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """Aligned faces of a batch of images. Holds crops, never the photographs themselves."""

    faces: tuple[Face, ...]
    crops: Tensor  # (F, 3, S, S) RGB in [0, 1]
    to_crop: Tensor  # (F, 2, 3) affine map: image px -> crop px

    def __post_init__(self) -> None:
        count = len(self.faces)
        if self.crops.ndim != 4 or self.crops.shape[:2] != (count, 3):
            raise ValueError(
                f"FaceSet.crops must be ({count}, 3, S, S) for {count} faces, "
                f"got {tuple(self.crops.shape)}."
            )
        if self.to_crop.shape != (count, 2, 3):
            raise ValueError(
                f"FaceSet.to_crop must be ({count}, 2, 3) for {count} faces, "
                f"got {tuple(self.to_crop.shape)}."
            )

    def __len__(self) -> int:
        return len(self.faces)

    @classmethod
    def join(cls, sets: Sequence[FaceSet]) -> FaceSet:
        """The faces of all sets, at least one, in order; their crops must be of one size."""
        return cls(
            faces=tuple(face for one in sets for face in one.faces),
            crops=torch.cat([one.crops for one in sets]),
            to_crop=torch.cat([one.to_crop for one in sets]),
        )

    def select(self, indices: list[int]) -> FaceSet:
        """The faces at `indices`, in that order. Raises IndexError for an index out of range."""
        for index in indices:
            if not 0 <= index < len(self):
                raise IndexError(f"Face {index} does not exist: there are {len(self)} (from 0).")
        chosen = torch.tensor(indices, dtype=torch.long)
        return FaceSet(
            faces=tuple(self.faces[index] for index in indices),
            crops=self.crops[chosen.to(self.crops.device)],
            to_crop=self.to_crop[chosen.to(self.to_crop.device)],
        )

    def to(self, device: torch.device | str) -> FaceSet:
        """The set with its crops on `device`."""
        return replace(self, crops=to_device(self.crops, device))


@dataclass(frozen=True, slots=True, eq=False)
class DegradationRepresentation:
    """What the degradation encoder sees in each face (DR, section 3.1 of the paper)."""

    vectors: Tensor  # (F, D)

    def __len__(self) -> int:
        return self.vectors.shape[0]

    def to(self, device: torch.device | str) -> DegradationRepresentation:
        """The representation with its vectors on `device`."""
        return DegradationRepresentation(to_device(self.vectors, device))


@dataclass(frozen=True, slots=True, eq=False)
class InterpolationWeights:
    """The share of the GAN prior per face, level and channel (alpha of DAFI).

    Levels run from coarse to fine. A level with fewer channels than C uses the first ones.
    """

    alpha: Tensor  # (F, L, C) in [0, 1]; 1 - alpha is the image's own share

    def __len__(self) -> int:
        return self.alpha.shape[0]

    def to(self, device: torch.device | str) -> InterpolationWeights:
        """The weights with alpha on `device`."""
        return InterpolationWeights(to_device(self.alpha, device))


@dataclass(frozen=True, slots=True, eq=False)
class RestoredFaces:
    """Restored crops and the faces that they belong to."""

    face_set: FaceSet
    crops: Tensor  # (F, 3, R, R) RGB in [0, 1]; R may differ from the face set's crop size

    def __post_init__(self) -> None:
        count = len(self.face_set)
        if self.crops.ndim != 4 or self.crops.shape[:2] != (count, 3):
            raise ValueError(
                f"RestoredFaces.crops must be ({count}, 3, R, R) for {count} faces, "
                f"got {tuple(self.crops.shape)}."
            )

    def to(self, device: torch.device | str) -> RestoredFaces:
        """The faces with their crops, before and after, on `device`."""
        return RestoredFaces(self.face_set.to(device), to_device(self.crops, device))
