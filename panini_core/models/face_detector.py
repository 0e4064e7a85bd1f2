"""Face detectors behind one protocol.

The detectors are RetinaFace (Deng et al., CVPR 2020): a network that gives, for every prior box of
a dense grid, the offsets of a box and of five landmarks, and a score. The networks are in
`retinaface.py`; prior boxes, decoding and suppression live here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import torch
from einops import rearrange
from torch import Tensor, nn

from .box_overlap import box_areas, box_overlaps, suppress_overlaps
from .transfer import to_device, to_host

MEAN_BGR = (104.0, 117.0, 123.0)  # subtracted from BGR in 0..255
PRIOR_SIZES = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))  # stride, box sides in px
CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2
MAX_OVERLAP = 0.4  # of two boxes that count as different faces (intersection over union)
VOTING_OVERLAP = 0.6  # from which boxes of one face vote on its place
VOTING_SHARE = 0.5  # of the best one's score, which a box needs to have a vote


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The faces of one image, best first, in its pixels; on the CPU, float32."""

    boxes: Tensor  # (K, 4) x0, y0, x1, y1; may reach over the border
    landmarks: Tensor  # (K, 5, 2) left eye, right eye, nose, left and right mouth corner
    scores: Tensor  # (K,) in [0, 1]
    # (K,) how far the boxes that voted on a face disagree about its landmarks, rms, share of the
    # box's side (the root of its area); 0 where a detector does not tell
    scatter: Tensor = field(default_factory=lambda: torch.zeros(()))

    def __post_init__(self) -> None:
        object.__setattr__(self, "scatter", self.scatter.expand_as(self.scores))

    def __len__(self) -> int:
        return self.scores.shape[0]

    @property
    def sides(self) -> Tensor:
        """The longer side of each box (K,), in px."""
        return (self.boxes[:, 2:] - self.boxes[:, :2]).amax(1)

    @property
    def areas(self) -> Tensor:
        """The area of each box (K,), in px²."""
        return box_areas(self.boxes)

    def select(self, chosen: Tensor) -> Detections:
        """The detections at an index or boolean tensor."""
        return Detections(
            self.boxes[chosen], self.landmarks[chosen], self.scores[chosen], self.scatter[chosen]
        )

    def merge_overlaps(self) -> Detections:
        """Non-maximum suppression, best first.

        Boxes that overlap a better one count as the same face. Those that agree closely vote on
        where the box and the landmarks lie, by their scores: the networks' landmarks scatter by
        about 1 % of a face, the mean of several priors by a third less. A face of score s comes
        out the same whatever there is of scores below VOTING_SHARE * s.
        """
        kept = suppress_overlaps(self.boxes, self.scores, MAX_OVERLAP)
        agree = box_overlaps(self.boxes[kept], self.boxes) > VOTING_OVERLAP
        may_vote = self.scores >= VOTING_SHARE * self.scores[kept, None]
        votes = (agree & may_vote) * self.scores
        votes = votes / votes.sum(1, keepdim=True)
        landmarks = torch.einsum("kj,jpc->kpc", votes, self.landmarks)
        boxes = votes @ self.boxes
        away = self.landmarks - landmarks[:, None]  # (K, J, 5, 2)
        spread = away.square().sum(-1).mean(-1) + self.scatter.square() * self.areas
        scatter = ((votes * spread).sum(1) / box_areas(boxes)).sqrt()
        return Detections(boxes, landmarks, self.scores[kept], scatter)


class FaceDetector(Protocol):
    """Finds faces at the scale it is given; `stages.detect` chooses the scales."""

    @property
    def device(self) -> torch.device:
        """Where it wants its images."""
        ...

    def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
        """One Detections per image of `images` (N, 3, H, W), RGB in [0, 1], on `device`.

        Only faces that score above `threshold`, after non-maximum suppression. A lower threshold
        may add faces; those of a higher one stay as they are.
        """
        ...


class RetinaFaceDetector(nn.Module):
    """RetinaFace around a network (N, 3, H, W) -> boxes (N, P, 4), scores, landmarks (N, P, 10).

    The network takes BGR in 0..255 minus the mean, and gives softmaxed scores (N, P, 2).
    """

    def __init__(self, network: nn.Module, name: str) -> None:
        super().__init__()
        self.network = network
        self.name = name
        self.mean_bgr: Tensor
        self.register_buffer("mean_bgr", torch.tensor(MEAN_BGR).view(3, 1, 1), persistent=False)

    @property
    def device(self) -> torch.device:
        return self.mean_bgr.device

    @torch.no_grad()
    def forward(self, images: Tensor, threshold: float) -> list[Detections]:
        if images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(f"Expected images (N, 3, H, W), got {tuple(images.shape)}.")
        bgr = images.flip(1) * 255 - self.mean_bgr
        if bgr.device.type == "cpu":  # a third less time there
            bgr = bgr.contiguous(memory_format=torch.channels_last)
        box_offsets, scores, landmark_offsets = self.network(bgr)

        # Only what may score, or vote on what does, is decoded. The number of faces is data: this
        # waits for the device, and so does what is read of them, all together.
        scores = scores[..., 1].float()
        heard = scores > threshold * VOTING_SHARE
        image, prior = torch.nonzero(heard, as_tuple=True)
        priors = prior_boxes(images.shape[-2], images.shape[-1], scores.device)[prior]
        boxes = decode_boxes(box_offsets[image, prior].float(), priors)
        landmarks = decode_landmarks(landmark_offsets[image, prior].float(), priors)

        image, *values = to_host([image, boxes, landmarks, scores[image, prior]])
        found = Detections(*values)
        merged = [found.select(image == index).merge_overlaps() for index in range(len(images))]
        return [faces.select(faces.scores > threshold) for faces in merged]


def prior_boxes(height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """Prior boxes (P, 3) of an image: centre x, centre y, side, in px; row by row, fine first."""
    levels: list[Tensor] = []
    for stride, sides in PRIOR_SIZES:
        y = (torch.arange(math.ceil(height / stride), device=device) + 0.5) * stride
        x = (torch.arange(math.ceil(width / stride), device=device) + 0.5) * stride
        side = to_device(torch.tensor([float(value) for value in sides]), device)
        y, x, side = torch.meshgrid(y, x, side, indexing="ij")
        levels.append(rearrange([x, y, side], "values h w sides -> (h w sides) values"))
    return torch.cat(levels)


def decode_boxes(offsets: Tensor, priors: Tensor) -> Tensor:
    """Offsets (K, 4) and their priors (K, 3) to boxes (K, 4), x0, y0, x1, y1 in px."""
    centre, side = priors[:, :2], priors[:, 2:]
    centre = centre + offsets[:, :2] * CENTRE_VARIANCE * side
    half = side * torch.exp(offsets[:, 2:] * SIZE_VARIANCE) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def decode_landmarks(offsets: Tensor, priors: Tensor) -> Tensor:
    """Offsets (K, 10) and their priors (K, 3) to landmarks (K, 5, 2) in px."""
    centre, side = priors[:, None, :2], priors[:, None, 2:]
    points = rearrange(offsets, "k (point xy) -> k point xy", xy=2)
    return centre + points * CENTRE_VARIANCE * side
