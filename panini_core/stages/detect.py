"""Stage one: images -> faces, at the scales at which the detectors see them best."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..faces import Face
from ..models.box_overlap import box_overlaps, shared_areas
from ..models.face_detector import MAX_OVERLAP, VOTING_SHARE, Detections, FaceDetector
from ..models.transfer import to_device
from ..models.value_range import finite_pixels
from ..options import DEFAULT_THRESHOLD
from .chunks import OnImage
from .fine_view import HINT_SCORE, clear_of_edges, windows_around
from .turned import LEAST_SCORE, look_again

# The networks see faces of about 20 to 400 px, and sharp ones. Every image is looked at with its
# long side at COARSE_SIDE, finer where small faces may be, and at OVERVIEW_SIDE, where large faces
# show that are too blurred or noisy at their own size.
OVERVIEW_SIDE = 160
COARSE_SIDE = 640
LARGEST_ENLARGEMENT = 4.0  # of a tiny image
FINE_SCALE = 2.0  # shows faces of 16 px, which score low as they are, at 32 px
SCALES_DIFFER = 1.2  # below this ratio one scale is enough
SMALLEST_SEEN = 20  # network px
LARGEST_FINE = 400  # network px; larger faces fall apart at the fine scale
LARGEST_HINT = 200  # network px; larger faces are seen as well at the coarse scale
HINT_SHARE = 0.5  # of the fine scale, at which small faces show enough to be hinted at
SURELY_SEEN = 24  # network px; what is so large at the coarse scale must show there as well
WITNESS_SHARE = 0.5  # of a face's score at the fine scale, from which a coarse one confirms it
SURE_SCORE = 0.8  # of what the overview may add
CLEAR_SCORE = 0.98  # of a face whose place the overview would not better
MAX_SHARED = 0.3  # share of a face of the overview inside another one
MAX_CONTAINED = 0.7  # share of a box inside a larger and better one from which it is a part of it
PIXELS_PER_CALL = 2**23  # one image at a time, or as many as have so many pixels together


@torch.no_grad()
def detect_faces(
    detector: FaceDetector,
    images: Tensor,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    min_size: float = 0,
    max_size: float = math.inf,
    max_side: int = 2560,
    on_image: OnImage | None = None,
) -> list[Face]:
    """All faces of a batch of images (N, 3, H, W), RGB in [0, 1].

    `threshold` is the least score in [0, 1]; a lower one may add faces, and never moves one or
    changes its score. `min_size` and `max_size` bound the longer side of a face's box, in px; a
    high `min_size` saves time. Faces down to about 16 px are found in images with a long side of up
    to `max_side` / 2. Larger images are seen with a long side of at most `max_side`: raise it to
    find small faces in them, at a cost in time and memory that grows with its square.
    `on_image(done, total)` is called as images are done, and may raise to stop. They are looked at
    few at a time, so that the memory needed does not grow with their number.

    Returns faces image by image, from left to right and so numbered, in image pixels, float32 on
    the CPU. Boxes and landmarks of faces that the border cuts may lie outside the image.
    """
    if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
        raise ValueError(
            f"Expected float images (N, 3, H, W), got {images.dtype} {tuple(images.shape)}."
        )
    if not 0 <= threshold <= 1:
        raise ValueError(f"The threshold must lie in 0..1, got {threshold}.")
    height, width = images.shape[-2:]
    if min(height, width) < 1:
        raise ValueError(f"Expected images of at least 1 x 1 px, got {width} x {height} px.")
    scales = choose_scales(height, width, min_size, max_side)
    pixels = height * width * max(1.0, scales[-1]) ** 2  # of an image where it is largest
    faces: list[Face] = []
    done = 0
    for group in images.split(max(int(PIXELS_PER_CALL / max(pixels, 1)), 1)):
        found = _detect(detector, group, scales, threshold)
        for image, detections in zip(group, found, strict=True):
            detections, reliable = look_again(detector, image, detections)
            sides = detections.sides
            wanted = (sides >= min_size) & (sides <= max_size) & (detections.scores > threshold)
            faces += _faces(detections.select(wanted), reliable[wanted], done)
            done += 1
        if on_image is not None:
            on_image(done, len(images))
    return faces


def _detect(
    detector: FaceDetector, images: Tensor, scales: tuple[float, float, float], threshold: float
) -> list[Detections]:
    """What all scales together show of each image.

    Nothing that scores less decides about a face, except by a fixed share of its score: as a
    witness, by a vote, or by being sure. So all is looked at down to those shares, and the
    threshold only cuts off at the end.
    """
    overview, coarse, fine = scales
    least = min(threshold, LEAST_SCORE) * VOTING_SHARE
    found = _detect_at(detector, images, coarse, min(least * WITNESS_SHARE, HINT_SCORE))
    if fine > coarse:
        finer = [
            _detect_finer(detector, image, seen, coarse, fine, least)
            for image, seen in zip(images, found, strict=True)
        ]
        found = [_join_finer(*pair, coarse, fine) for pair in zip(found, finer, strict=True)]
    if overview < coarse:
        blurred = _detect_at(detector, images, overview, SURE_SCORE)
        found = [_join_overview(*pair, overview) for pair in zip(found, blurred, strict=True)]
    return [_without_parts(detections) for detections in found]


def _faces(detections: Detections, reliable: Tensor, index: int) -> list[Face]:
    """The faces of image `index`, from left to right."""
    rows = detections.boxes[:, [0, 2]].sum(1).argsort(stable=True).tolist()
    return [
        Face(
            detections.boxes[row].clone(),
            detections.landmarks[row].clone(),
            detections.scores[row].item(),
            index,
            number,
            reliable=bool(reliable[row]),
        )
        for number, row in enumerate(rows)
    ]


def choose_scales(
    height: int, width: int, min_size: float, max_side: int = 2560
) -> tuple[float, float, float]:
    """The overview, the coarse and the fine scale (network px per image px).

    The outer ones equal the coarse one where they would add nothing.
    """
    side = max(height, width)
    coarse = min(COARSE_SIDE, max_side) / side
    if coarse > 1:
        coarse = min(coarse, LARGEST_ENLARGEMENT)
    overview = OVERVIEW_SIDE / side
    fine = min(FINE_SCALE, max_side / side, SMALLEST_SEEN / max(min_size, 1))
    return (
        overview if overview * SCALES_DIFFER < coarse else coarse,
        coarse,
        fine if fine > coarse * SCALES_DIFFER else coarse,
    )


def _detect_at(
    detector: FaceDetector, images: Tensor, scale: float, threshold: float
) -> list[Detections]:
    """What the detector sees of each image at a scale, in image pixels."""
    height, width = images.shape[-2:]
    size = (max(round(height * scale), 1), max(round(width * scale), 1))
    # Rounding to whole pixels makes the scales of x and y differ a little.
    back = torch.tensor([width / size[1], height / size[0]])
    result: list[Detections] = []
    for chunk in images.split(max(PIXELS_PER_CALL // (size[0] * size[1]), 1)):
        for found in detector(to_device(_resize(chunk, size), detector.device), threshold):
            boxes, landmarks = found.boxes * back.repeat(2), found.landmarks * back
            result.append(replace(found, boxes=boxes, landmarks=landmarks))
    return result


def _detect_finer(
    detector: FaceDetector,
    image: Tensor,  # (3, H, W)
    seen: Detections,  # at the coarse scale
    coarse: float,
    fine: float,
    threshold: float,
) -> Detections:
    """What the detector sees of an image at the fine scale, around what may be a small face."""
    height, width = image.shape[-2:]
    hints = _hints_in(seen, fine)
    windows = windows_around(hints, fine, height, width)
    if fine * HINT_SHARE > coarse * SCALES_DIFFER and windows != [(0, 0, width, height)]:
        (halfway,) = _detect_at(detector, image[None], fine * HINT_SHARE, HINT_SCORE)
        hints = torch.cat([hints, _hints_in(halfway, fine)])
        windows = windows_around(hints, fine, height, width)
    parts = [seen.select(seen.scores < 0)]
    for left, top, right, bottom in windows:
        part = image[None, :, top:bottom, left:right]
        (found,) = _detect_at(detector, part, fine, threshold)
        corner = torch.tensor([left, top])
        boxes, landmarks = found.boxes + corner.repeat(2), found.landmarks + corner
        found = replace(found, boxes=boxes, landmarks=landmarks)
        parts.append(clear_of_edges(found, (left, top, right, bottom), height, width))
    return _concatenate(*parts)


def _hints_in(seen: Detections, fine: float) -> Tensor:
    """The boxes (K, 4) of what may be a face that the fine scale shows."""
    return seen.boxes[(seen.scores > HINT_SCORE) & (seen.sides * fine < LARGEST_HINT)]


def _resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Antialiased, float32, finite, where the images are."""
    images = finite_pixels(images.float())
    if images.shape[-2:] == size:
        return images
    if images.device.type == "mps":  # lacks the filter before torch 2.7
        images = images.cpu()
    return F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)


def _join_finer(
    coarse: Detections, fine: Detections, coarse_scale: float, fine_scale: float
) -> Detections:
    """The faces of both scales, each once.

    What shows at the fine scale only, though the coarse one would show it too, is not a face. To
    be a witness, the coarse scale may score lower than to find.
    """
    overlap = box_overlaps(fine.boxes, coarse.boxes) > MAX_OVERLAP
    witness = coarse.scores >= WITNESS_SHARE * fine.scores[:, None]
    small = fine.sides * coarse_scale < SURELY_SEEN
    confirmed = small | (overlap & witness).any(1)
    fine = fine.select(confirmed & (fine.sides * fine_scale < LARGEST_FINE))
    return _concatenate(coarse, fine).merge_overlaps()


def _join_overview(found: Detections, overview: Detections, scale: float) -> Detections:
    """The faces found, and the large ones of the overview, all of which are sure.

    A face that both show has the higher of its two scores, and the place that the overview gives
    it unless it is clear without: what blur hides at a face's own size shows in a small picture.
    What is neither clear nor gives way, since the overview shows what another face is known for,
    keeps its own score.
    """
    overview = overview.select(overview.sides * scale > SURELY_SEEN)
    if not len(found) or not len(overview):
        return _concatenate(found, overview)
    same = box_overlaps(overview.boxes, found.boxes) > MAX_OVERLAP
    shared = shared_areas(overview.boxes, found.boxes)
    rivals = same | (shared > MAX_SHARED * overview.areas[:, None])
    known = (rivals & (found.scores > torch.where(same, CLEAR_SCORE, SURE_SCORE))).any(1)
    dropped = (rivals & ~known[:, None]).any(0)

    best = torch.where(same, found.scores, 0).amax(1).maximum(overview.scores)
    clear = same & (found.scores > CLEAR_SCORE)
    raised = torch.where(clear, overview.scores[:, None], 0).amax(0).maximum(found.scores)
    return _concatenate(
        replace(found, scores=raised).select(~dropped),
        replace(overview, scores=best).select(~known),
    )


def _without_parts(faces: Detections) -> Detections:
    """Without boxes that lie in a larger one that scores higher."""
    area, score = faces.areas, faces.scores
    better = (area > area[:, None]) & (score > score[:, None])
    inside = shared_areas(faces.boxes, faces.boxes) > MAX_CONTAINED * area[:, None]
    return faces.select(~(better & inside).any(1))


def _concatenate(*parts: Detections) -> Detections:
    return Detections(
        torch.cat([part.boxes for part in parts]),
        torch.cat([part.landmarks for part in parts]),
        torch.cat([part.scores for part in parts]),
        torch.cat([part.scatter for part in parts]),
    )
