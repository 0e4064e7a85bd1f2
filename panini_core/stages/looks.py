"""Closer looks: a place of an image cut out, turned upright, and shown to the detector again."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ..models.box_overlap import box_overlaps
from ..models.face_detector import Detections, FaceDetector
from ..models.transfer import to_device
from ..models.value_range import finite_pixels
from .align import template
from .warp import Pyramid, transform_points

LOOK_SIDE = 256  # px; the face has 112 of them, where the networks see best
FACE_SHARE = 112 / 256  # of a look's side
LOOKS_PER_CALL = 64
SEEN_SCORE = 0.1  # from which a look shows anything
LEAST_OVERLAP = 0.2  # of the face in the middle of a look with what the detector finds there

# What a look must show, so that its landmarks are those of the face. Seen upright and at this size,
# 99 in 100 faces pass, also badly degraded ones; seen turned by 60 degrees or more, 1 in 100.
FITTING_SCORE = 0.97
FITTING_SCATTER = 0.03  # see `Detections.scatter`
FITTING_MISFIT = 0.15
FITTING_ROLL = 20.0  # degrees


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where faces are thought to be, in image px."""

    centres: Tensor  # (K, 2)
    sides: Tensor  # (K,) the longer one of the face
    rolls: Tensor  # (K,) degrees by which it is turned clockwise

    def __len__(self) -> int:
        return len(self.sides)

    @staticmethod
    def of_boxes(boxes: Tensor, rolls: Tensor) -> Places:
        """The places of boxes (K, 4), x0, y0, x1, y1 in px, and of rolls (K,) in degrees."""
        sides = (boxes[:, 2:] - boxes[:, :2]).amax(1).clamp(min=1)
        return Places((boxes[:, :2] + boxes[:, 2:]) / 2, sides, rolls)

    def at_angles(self, count: int) -> Places:
        """Each of the places at `count` angles in turn, (K * count)."""
        angles = torch.arange(count) * (360 / count)
        return Places(
            self.centres.repeat_interleave(count, 0),
            self.sides.repeat_interleave(count),
            (self.rolls[:, None] + angles).flatten(),
        )

    def maps(self, side: int) -> Tensor:
        """The maps (K, 2, 3), float64, that take px of looks of `side` px to px of the image."""
        scales = self.sides.double() / (FACE_SHARE * side)
        angles = self.rolls.double().deg2rad()
        cosine, sine = angles.cos() * scales, angles.sin() * scales
        linear = torch.stack([cosine, -sine, sine, cosine], dim=1).view(-1, 2, 2)
        shift = self.centres.double() - linear.sum(2) * (side / 2)
        return torch.cat([linear, shift[..., None]], dim=2)


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What looks at K places show, in image px; a score of 0 where one shows nothing."""

    centres: Tensor  # (K, 2) of the face's box
    sizes: Tensor  # (K, 2) of the box along the face's own axes
    landmarks: Tensor  # (K, 5, 2)
    scores: Tensor  # (K,)
    scatter: Tensor  # (K,)
    rolls: Tensor  # (K,) degrees by which the face is turned clockwise, -180 to 180
    tilts: Tensor  # (K,) degrees by which it is turned in its look
    fit: Tensor  # (K,) whether it is surely a face, and upright in its look

    def select(self, chosen: Tensor) -> Looks:
        """The looks at an index or boolean tensor."""
        return Looks(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def with_others(self, rows: Tensor, others: Looks) -> Looks:
        """Others in place of those at `rows`."""
        pairs = ((getattr(self, field.name), getattr(others, field.name)) for field in fields(self))
        return Looks(*(own.index_copy(0, rows, other) for own, other in pairs))

    def places(self) -> Places:
        """Where to look to see the same faces upright and in the middle."""
        return Places(self.centres, self.sizes.amax(1).clamp(min=1), self.rolls)

    def boxes(self) -> Tensor:
        """Boxes (K, 4) around the ellipses that the turned boxes enclose."""
        angles = self.rolls.deg2rad()
        turn = torch.stack([angles.cos(), -angles.sin(), angles.sin(), angles.cos()], dim=1)
        half = (turn.view(-1, 2, 2) * self.sizes[:, None] / 2).norm(dim=2)
        return torch.cat([self.centres - half, self.centres + half], dim=1)


def look(detector: FaceDetector, image: Tensor, places: Places, side: int = LOOK_SIDE) -> Looks:
    """What the detector sees at some places of an image (3, H, W), RGB in [0, 1].

    side: of the looks, px; smaller ones show less, and cost less.
    """
    maps = places.maps(side)
    seen: list[Detections] = []
    for chunk in maps.split(LOOKS_PER_CALL):
        crops = torch.stack([_cut(image, one, side) for one in chunk])
        shown = detector(to_device(crops, detector.device), SEEN_SCORE)
        seen += [_in_the_middle(one, side) for one in shown]
    found = Detections(
        torch.cat([one.boxes for one in seen]),
        torch.cat([one.landmarks for one in seen]),
        torch.cat([one.scores for one in seen]),
        torch.cat([one.scatter for one in seen]),
    )
    corners, tilts = found.boxes.view(-1, 2, 2), rolls_of(found.landmarks)
    fit = (
        (found.scores > FITTING_SCORE)
        & (found.scatter < FITTING_SCATTER)
        & (tilts.abs() < FITTING_ROLL)
        & (misfits_of(found.landmarks) < FITTING_MISFIT)
    )
    return Looks(
        centres=transform_points(maps, corners.mean(1, True).double())[:, 0].float(),
        sizes=(corners[:, 1] - corners[:, 0]) * (places.sides / (FACE_SHARE * side))[:, None],
        landmarks=transform_points(maps, found.landmarks.double()).float(),
        scores=found.scores,
        scatter=found.scatter,
        rolls=(places.rolls + tilts + 180) % 360 - 180,
        tilts=tilts,
        fit=fit,
    )


def rolls_of(landmarks: Tensor) -> Tensor:
    """The degrees (K,) by which landmarks (K, 5, 2) are turned clockwise against upright ones."""
    sine, cosine, _ = _compare_with_template(landmarks)
    return torch.atan2(sine, cosine).rad2deg().float()


def misfits_of(landmarks: Tensor) -> Tensor:
    """How far landmarks (K, 5, 2) are from those of a face, whatever its place, size and roll.

    The rms distance (K,) from the template, laid over them as well as it fits, in shares of the
    distance between its eyes; the template's own extent if the landmarks coincide.
    """
    sine, cosine, spread = _compare_with_template(landmarks)
    target = template(1)
    extent = (target - target.mean(0)).square().sum()
    explained = (sine.square() + cosine.square()) / spread.clamp(min=1e-12)
    eyes = (target[1] - target[0]).norm()
    return (((extent - explained).clamp(min=0) / len(target)).sqrt() / eyes).float()


def _compare_with_template(landmarks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What tells the similarity between landmarks and the template: the parts of their product
    across and along it, and the landmarks' own extent, each (K,)."""
    target = template(1)
    u, v = (target - target.mean(0)).unbind(-1)
    points = landmarks.double()
    x, y = (points - points.mean(1, keepdim=True)).unbind(-1)
    return (u * y - v * x).sum(1), (u * x + v * y).sum(1), (x * x + y * y).sum(1)


def _cut(image: Tensor, to_image: Tensor, side: int) -> Tensor:
    """What a look (3, side, side) shows; beyond the image's border it is mirrored."""
    ends = torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1]], dtype=torch.float64) * side
    corners = transform_points(to_image, ends)
    size = torch.tensor([image.shape[-1], image.shape[-2]])
    # Only the part that shows: the image may be large.
    low = (corners.amin(0).floor().long() - 2).clamp(min=0).minimum(size - 1)
    high = (corners.amax(0).ceil().long() + 2).minimum(size).maximum(low + 1)
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    part = finite_pixels(image[:, top:bottom, left:right].float())
    moved = torch.cat([to_image[:, :2], (to_image[:, 2] - low)[:, None]], dim=1)
    return Pyramid(part).sample(moved[None], (side, side), "reflection")[0].clamp_(0, 1)


def _in_the_middle(seen: Detections, side: int) -> Detections:
    """The best face in the middle of a look; if there is none, one that scores 0."""
    middle, half = side / 2, FACE_SHARE * side / 2
    box = torch.tensor([[middle - half] * 2 + [middle + half] * 2])
    ranks = seen.scores * (box_overlaps(box, seen.boxes)[0] > LEAST_OVERLAP)
    if len(seen) and bool(ranks.max() > 0):
        return seen.select(ranks.argmax()[None])
    return Detections(box, template(1)[None].float() * FACE_SHARE * side, torch.zeros(1))
