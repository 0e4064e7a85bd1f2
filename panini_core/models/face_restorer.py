"""Face restorers behind one type: Panini, and other methods' networks in its place.

What all of them do: an aligned face in FFHQ's framing in, the same face restored out. A degradation
representation and interpolation weights are Panini's alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn

from .panini import PaniniNet
from .spandrel_descriptor import FACE_PURPOSE, SpandrelDescriptor


@dataclass(frozen=True, slots=True)
class RestorerKind:
    """What is known of another method's network beside its weights."""

    name: str
    # The network, faces (N, 3, S, S) RGB in [-1, 1] and the fidelity -> restored, the same range.
    call: Callable[[nn.Module, Tensor, float], Tensor]
    has_fidelity: bool = False  # whether there is a choice between the picture and the prior
    size: int = 512  # px, of the faces that it was trained on and gives back


# All were trained on RGB in [-1, 1], FFHQ's framing, and give a tuple whose first item is the face.
KINDS = {
    # Wang et al., CVPR 2021. The noise in its GAN prior is the stored one, as in Panini: the same
    # face each time, and one that stands still in a clip.
    "GFPGAN": RestorerKind(
        "GFPGAN",
        lambda network, faces, _: network(faces, return_rgb=False, randomize_noise=False)[0],
    ),
    # Wang et al., CVPR 2022.
    "RestoreFormer": RestorerKind("RestoreFormer", lambda network, faces, _: network(faces)[0]),
    # Zhou et al., NeurIPS 2022. Its w, 0 for quality to 1 for fidelity, 0.5 in the middle, is the
    # fidelity as it is.
    "CodeFormer": RestorerKind(
        "CodeFormer",
        lambda network, faces, fidelity: network(faces, weight=fidelity)[0],
        has_fidelity=True,
    ),
}


class CropRestorer(nn.Module):
    """Another method's network, with what is known of it."""

    def __init__(self, network: nn.Module, kind: RestorerKind) -> None:
        super().__init__()
        self.network = network
        self.kind = kind

    @property
    def name(self) -> str:
        return self.kind.name

    @property
    def input_size(self) -> int:
        """Side of the aligned faces that it takes, px."""
        return self.kind.size

    @property
    def output_size(self) -> int:
        """Side of the restored faces, px."""
        return self.kind.size

    @property
    def device(self) -> torch.device:
        return self._number.device

    @property
    def dtype(self) -> torch.dtype:
        return self._number.dtype

    @property
    def _number(self) -> Tensor:
        """One of the network's numbers, to ask where and how they are."""
        return next(chain(self.network.parameters(), self.network.buffers()))

    def forward(self, faces: Tensor, fidelity: float = 0.5) -> Tensor:
        """Aligned faces (N, 3, S, S), RGB in [-1, 1] -> restored (N, 3, S, S), float32, nominally
        in [-1, 1], not clamped. fidelity: 0..1, see `RestorerKind.has_fidelity`."""
        size = self.kind.size
        if faces.ndim != 4 or faces.shape[1:] != (3, size, size):
            raise ValueError(
                f"{self.name} expects aligned faces (N, 3, {size}, {size}) in [-1, 1], got "
                f"{tuple(faces.shape)}; align or resize them first."
            )
        return self.kind.call(self.network, faces.to(self.dtype), fidelity).float()


FaceRestorer = PaniniNet | CropRestorer


def restorer_of(descriptor: SpandrelDescriptor) -> CropRestorer:
    """The face restorer that spandrel has read, on its device, in eval mode.

    spandrel's own call is passed over: some of its face models take [0, 1] and some [-1, 1].
    Raises ValueError if the model is none that restores faces.
    """
    name: str = descriptor.architecture.name
    if descriptor.purpose != FACE_PURPOSE:
        raise ValueError(
            f"expected a face restorer, found an image model ({name}): it enlarges backgrounds, "
            "as an upscale model."
        )
    unknown = RestorerKind(name, lambda network, faces, _: _first(network(faces)))
    kind = KINDS.get(str(descriptor.architecture.id), unknown)
    return CropRestorer(descriptor.model, kind).eval()


def _first(output: Tensor | tuple[Tensor, ...] | list[Tensor]) -> Tensor:
    return output if isinstance(output, Tensor) else output[0]
