"""Stage one, second half: faces -> a FaceSet of crops in FFHQ's framing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ..faces import Face, FaceSet
from ..models.transfer import to_device, to_host, works_ahead
from ..models.value_range import finite_pixels
from ..options import DEFAULT_CROP_SIDE
from .grouping import rows_of_images
from .warp import NUMBERS_PER_STACK, Piece, Pyramid, invert_affine, sample_together

# Where the five landmarks lie in an FFHQ face of 512 px: the values that the face restoration
# field uses (facexlib). They are means of what RetinaFace finds, whose coordinates are
# continuous (pixel i covers [i, i + 1)): its prior boxes are centred in their cells, and
# mirroring an image of width W takes its x to W - x. So the template is continuous too, and
# serves any crop size by one multiplication.
FFHQ_TEMPLATE = (
    (192.98138, 239.94708),  # left eye
    (318.90277, 240.1936),  # right eye
    (256.63416, 314.01935),  # nose
    (201.26117, 371.41043),  # left mouth corner
    (313.08905, 371.15118),  # right mouth corner
)
TEMPLATE_SIZE = 512


def template(size: int) -> Tensor:
    """FFHQ's landmarks (5, 2) in a crop of `size` px, float64."""
    return torch.tensor(FFHQ_TEMPLATE, dtype=torch.float64) * (size / TEMPLATE_SIZE)


def estimate_similarity(landmarks: Tensor, target: Tensor) -> Tensor:
    """The similarity maps (F, 2, 3) that take landmarks (F, P, 2) closest to a target (P, 2).

    Least squares over scale, rotation and shift, never a mirror image; in closed form (Umeyama
    1991; in the plane it is one complex division). Raises ValueError if the landmarks of a face
    coincide or are not finite.
    """
    if landmarks.ndim != 3 or landmarks.shape[1:] != target.shape:
        raise ValueError(
            f"Expected landmarks (F, {target.shape[0]}, 2), got {tuple(landmarks.shape)}."
        )
    centre, target_centre = landmarks.mean(1), target.mean(0)
    x, y = (landmarks - centre[:, None]).unbind(-1)
    u, v = (target - target_centre).unbind(-1)
    spread = (x * x + y * y).sum(1)
    if not bool((torch.isfinite(spread) & (spread > 0)).all()):
        raise ValueError("The landmarks of a face coincide or are not finite: no alignment fits.")
    cosine = (x * u + y * v).sum(1) / spread  # scale times cosine
    sine = (x * v - y * u).sum(1) / spread
    linear = torch.stack([cosine, -sine, sine, cosine], dim=1).view(-1, 2, 2)
    shift = target_centre - (linear @ centre[..., None])[..., 0]
    return torch.cat([linear, shift[..., None]], dim=2)


def align_faces(images: Tensor, faces: Sequence[Face], *, size: int = DEFAULT_CROP_SIDE) -> FaceSet:
    """Cut every face out of its image, upright and in FFHQ's framing.

    images (N, 3, H, W) RGB in [0, 1]. Interpolation is bicubic, antialiased where it shrinks;
    beyond the image's border it is mirrored. Pixels that are not finite count as black or white.
    No faces give an empty set. Faces whose landmarks cannot be relied on (`Face.reliable`) are left
    out: `FaceSet.faces` tells which are in.

    The crops are float32 (float64 for float64 images) in [0, 1], on the images' device; `to_crop`
    is float64 on the CPU. Gradients flow from the crops to the images. Raises ValueError for a face
    of an image that is not there.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"Expected images (N, 3, H, W), got {tuple(images.shape)}.")
    if size < 1:
        raise ValueError(f"The crop's size must be at least 1 px, got {size}.")
    faces = [face for face in faces if face.reliable]
    dtype = torch.promote_types(images.dtype, torch.float32)
    crops = torch.empty((len(faces), 3, size, size), device=images.device, dtype=dtype)
    if not faces:
        return FaceSet((), crops, torch.empty((0, 2, 3), dtype=torch.float64))

    owners = [face.image_index for face in faces]
    if not 0 <= min(owners) <= max(owners) < len(images):
        raise ValueError(
            f"The faces belong to images {min(owners)} to {max(owners)}, but there are "
            f"{len(images)} images (from 0)."
        )
    landmarks = torch.stack(to_host([face.landmarks for face in faces])).double()
    to_crop = estimate_similarity(landmarks, template(size))
    to_image = invert_affine(to_crop)
    for owners in _owners_together(images, faces):
        rows = [row for _, own in owners for row in own]
        pyramids = [Pyramid(finite_pixels(images[owner].to(dtype))) for owner, _ in owners]
        if len(owners) == 1:
            cut = pyramids[0].sample(to_image[rows], (size, size), "reflection")
        else:  # each has one face
            places = zip(pyramids, to_image[rows], strict=True)
            pieces = [Piece(pyramid, one, (size, size)) for pyramid, one in places]
            cut = torch.stack(sample_together(pieces, "reflection"))
        crops.index_copy_(0, to_device(torch.tensor(rows), crops.device), cut.clamp_(0, 1))
    return FaceSet(tuple(faces), crops, to_crop)


def _owners_together(
    images: Tensor, faces: Sequence[Face]
) -> Iterator[list[tuple[int, list[int]]]]:
    """Images that faces belong to, each with their places, as they are worked on together: one by
    one; where the device works ahead, as many of those with one face as fit a stack."""
    most = max(NUMBERS_PER_STACK // images[0].numel(), 1) if works_ahead(images.device) else 1
    single: list[tuple[int, list[int]]] = []
    for owner, rows in rows_of_images(faces).items():
        if len(rows) > 1:
            yield [(owner, rows)]
        else:
            single.append((owner, rows))
    for start in range(0, len(single), most):
        yield single[start : start + most]


def whole_picture_faces(images: Tensor) -> FaceSet:
    """Square images (N, 3, S, S) in [0, 1] in FFHQ's framing as a set of N faces.

    Raises ValueError for other shapes.
    """
    if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] != images.shape[3]:
        height, width = images.shape[-2:]
        raise ValueError(f"An aligned face is a square picture, got {width}x{height} px.")
    count, size = len(images), images.shape[-1]
    box = torch.tensor([0.0, 0.0, size, size])
    landmarks = template(size).float()
    identity = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
    return FaceSet(
        faces=tuple(Face(box.clone(), landmarks.clone(), 1.0, i, number=0) for i in range(count)),
        crops=images.clone(),
        to_crop=identity.repeat(count, 1, 1),
    )
