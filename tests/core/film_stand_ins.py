"""Networks that need no weights, and a small one, for films; also as a program.

`python film_stand_ins.py FILM RESULT` restores a film with them and prints the most memory that
the process held, in kilobytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from panini_core.models.face_detector import Detections
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.stages.align import template


class BrightSquare:
    """Takes what is bright in a picture for its one face."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.images = 0  # that it was shown

    def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
        self.images += len(images)
        return [self._find(image) for image in images]

    def _find(self, image: Tensor) -> Detections:
        rows, columns = torch.nonzero(image.mean(dim=0) > 0.45, as_tuple=True)
        if len(rows) == 0:
            return Detections(torch.empty(0, 4), torch.empty(0, 5, 2), torch.empty(0))
        corner = torch.stack([columns.min(), rows.min()]).float()
        size = torch.stack([columns.max(), rows.max()]).float() + 1 - corner
        landmarks = corner + template(512).float() / 512 * size
        return Detections(torch.cat([corner, corner + size])[None], landmarks[None], torch.ones(1))


class Blur(nn.Module):
    """A restorer's network that gives back a smooth face."""

    def __init__(self) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.ones(()))  # a network has some parameter, on its device

    def forward(self, images: Tensor) -> Tensor:
        smooth = F.avg_pool2d(images, 15, stride=1, padding=7, count_include_pad=False)
        return self.share * smooth


class SkinAbove(nn.Module):
    """A parsing network that takes the upper half of every face for skin."""

    def forward(self, images: Tensor) -> tuple[Tensor]:
        logits = images.new_zeros(len(images), 19, *images.shape[-2:])
        logits[:, 1, : images.shape[-2] // 2] = 30
        return (logits,)


def small_model() -> PaniniNet:
    """The smallest network, with random weights that change what they are given."""
    torch.manual_seed(0)
    model = PaniniNet(PaniniConfig.preset("tiny")).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
        model.mean_latent.normal_()
    return model


def main(source: str, target: str) -> None:
    import resource

    from panini_core.film import restore_film
    from panini_core.options import RestoreOptions

    torch.set_num_threads(1)
    options = RestoreOptions(smoothing=1, batch=4)
    report = restore_film(BrightSquare(), small_model(), Path(source), Path(target), options)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(f"{report.frames} {report.restored} {most}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
