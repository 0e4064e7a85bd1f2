"""Face parsing: which pixels of an aligned face are skin and facial features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

# What counts as the face. Hair, hats, glasses, earrings, necks, clothes and whatever else is in
# front of a face (hands are background to both networks) do not.
FACE = frozenset(
    {
        "skin",
        "nose",
        "mouth",
        "upper lip",
        "lower lip",
        "left eye",
        "right eye",
        "left brow",
        "right brow",
        "left ear",
        "right ear",
    }
)


@dataclass(frozen=True, slots=True)
class ParserKind:
    """What is known of a parsing network: its input's normalisation and its classes in order."""

    name: str
    mean: tuple[float, float, float]  # subtracted from RGB in [0, 1]
    std: tuple[float, float, float]  # then divided by
    classes: tuple[str, ...]  # of CelebAMask-HQ, which both were trained on


PARSENET = ParserKind(
    name="ParseNet",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    classes=(
        "background",
        "skin",
        "nose",
        "glasses",
        "left eye",
        "right eye",
        "left brow",
        "right brow",
        "left ear",
        "right ear",
        "mouth",
        "upper lip",
        "lower lip",
        "hair",
        "hat",
        "earring",
        "necklace",
        "neck",
        "clothes",
    ),
)
BISENET = ParserKind(
    name="BiSeNet",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    classes=(
        "background",
        "skin",
        "left brow",
        "right brow",
        "left eye",
        "right eye",
        "glasses",
        "left ear",
        "right ear",
        "earring",
        "nose",
        "mouth",
        "upper lip",
        "lower lip",
        "neck",
        "necklace",
        "clothes",
        "hair",
        "hat",
    ),
)


class FaceParser(nn.Module):
    """A parsing network (N, 3, 512, 512) -> logits (N, classes, 512, 512), and what it means.

    Of several outputs, as both networks have them, the first is the parsing.
    """

    input_size = 512

    def __init__(self, network: nn.Module, kind: ParserKind) -> None:
        super().__init__()
        self.network = network
        self.kind = kind
        self.mean: Tensor
        self.std: Tensor
        for name, values in (("mean", kind.mean), ("std", kind.std)):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)
        self._face = [index for index, name in enumerate(kind.classes) if name in FACE]

    @property
    def device(self) -> torch.device:
        return self.mean.device

    def forward(self, faces: Tensor) -> Tensor:
        """Aligned faces (N, 3, 512, 512), RGB in [0, 1] -> the face's share (N, 1, 512, 512)."""
        size = self.input_size
        if faces.ndim != 4 or faces.shape[1:] != (3, size, size):
            raise ValueError(f"Expected faces (N, 3, {size}, {size}), got {tuple(faces.shape)}.")
        logits: Tensor = self.network((faces - self.mean) / self.std)[0]
        return logits.float().softmax(1)[:, self._face].sum(1, keepdim=True).clamp(0, 1)
