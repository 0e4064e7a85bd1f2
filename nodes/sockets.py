"""What travels over the wires between the nodes.

`PANINI_DEGRADATION` carries a `DegradationRepresentation` and `PANINI_WEIGHTS` an
`InterpolationWeights` of `panini_core`, `PANINI_MODEL` (a `FaceRestorer`, of Panini or another
method) and `PANINI_DETECTOR` a network under ComfyUI's memory management (`host.ManagedNetwork`),
all tensors on the CPU.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from comfy_api.latest import io

from .. import panini_core as core
from ..panini_core import SORT_ORDERS

if TYPE_CHECKING:
    from ..panini_core import Face, FaceSet

PaniniModel = io.Custom("PANINI_MODEL")
PaniniDetector = io.Custom("PANINI_DETECTOR")
PaniniFaces = io.Custom("PANINI_FACES")
PaniniDegradation = io.Custom("PANINI_DEGRADATION")
PaniniWeights = io.Custom("PANINI_WEIGHTS")


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """`PANINI_FACES`: the faces of a batch of images, and their crops once they are aligned."""

    faces: tuple[Face, ...]  # numbered, in the order of their numbers, image by image
    image_count: int
    height: int  # px, of the images that the faces were found in
    width: int
    aligned: FaceSet | None = None  # the same faces in the same order

    def __len__(self) -> int:
        return len(self.faces)

    def of_image(self, index: int) -> list[Face]:
        """The faces of one image."""
        return [face for face in self.faces if face.image_index == index]

    def select(self, chosen: list[int]) -> Faces:
        """The faces at these places, in that order."""
        aligned = None if self.aligned is None else self.aligned.select(chosen)
        return replace(self, faces=tuple(self.faces[i] for i in chosen), aligned=aligned)

    def sorted(self, order: str) -> Faces:
        """The faces in one of SORT_ORDERS, and numbered in it (see `sort_faces`).

        `as detected` leaves them as they are: a face that was detected as number 2 keeps it, also
        behind a node that left out others.
        """
        if order == SORT_ORDERS[0] and all(face.number is not None for face in self.faces):
            return self
        size = {"height": self.height, "width": self.width}
        faces = tuple(core.sort_faces(self.faces, order, **size))
        aligned = self.aligned
        if aligned is not None:
            aligned = aligned.select(core.rows_in_order(self.faces, order, **size))
            aligned = replace(aligned, faces=faces)
        return replace(self, faces=faces, aligned=aligned)

    def scaled_to(self, height: int, width: int) -> Faces:
        """The faces in the pixels of enlarged (or shrunk) versions of their images.

        Raises ValueError if the shapes differ by more than rounding.
        """
        if (height, width) == (self.height, self.width):
            return self
        scale_x, scale_y = width / self.width, height / self.height
        if abs(scale_x / scale_y - 1) > 0.02:
            raise ValueError(
                f"The faces were found in images of {self.width} x {self.height} px, but these "
                f"have {width} x {height} px: connect the same images, or enlarged ones."
            )
        scale = torch.tensor([scale_x, scale_y])
        scaled = tuple(
            replace(face, box=face.box * scale.repeat(2), landmarks=face.landmarks * scale)
            for face in self.faces
        )
        aligned = self.aligned
        if aligned is not None:
            to_crop = aligned.to_crop.clone()
            to_crop[:, :, :2] /= scale.to(to_crop)
            aligned = replace(aligned, faces=scaled, to_crop=to_crop)
        return Faces(scaled, self.image_count, height, width, aligned)

    def require_aligned(self) -> FaceSet:
        """The crops. Raises ValueError if the faces were not aligned."""
        if self.aligned is None:
            raise ValueError(
                "These faces have no crops yet: put an Align Faces node between this node and the "
                "one that detects or selects the faces."
            )
        return self.aligned

    def check_images(self, count: int) -> None:
        """Raises ValueError if the faces belong to another number of images."""
        if count != self.image_count:
            raise ValueError(
                f"The faces were found in a batch of {self.image_count} images, but the image "
                f"input holds {count}: connect the batch that went into Detect Faces."
            )
