"""Restores pictures of one size and says what that took: run by test_memory.

Prints the most bytes that the process held after the networks were made and a first picture was
restored, without what the caller holds: the pictures before and after.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor

from panini_core.models.face_detector import Detections
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.options import RestoreOptions
from panini_core.pipeline import restore_images
from panini_core.stages.align import template


class OneFace:
    """Finds one upright face in every picture; its crop is a share of the picture's side."""

    device = torch.device("cpu")

    def __init__(self, share: float) -> None:
        self.share = share

    def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
        side = min(images.shape[-2:]) * self.share
        landmarks = (template(1) * side).float()[None]
        box = torch.cat([landmarks.amin(1) - side / 8, landmarks.amax(1) + side / 8], dim=1)
        return [Detections(box, landmarks, torch.ones(1)) for _ in images]


def held(name: str) -> int:
    """Bytes of the process, now (VmRSS) or at most so far (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/self/status knows no {name}.")


def main() -> None:
    count, height, width, smoothing = map(int, sys.argv[1:5])
    detector = OneFace(share=float(sys.argv[5]))
    torch.manual_seed(0)
    model = PaniniNet(PaniniConfig.preset("tiny")).eval()
    options = RestoreOptions(smoothing=smoothing)
    restore_images(detector, model, torch.rand(1, 3, 64, 64), options)
    before = held("VmRSS")
    images = torch.rand(1, 3, height, width).expand(count, -1, -1, -1).contiguous()
    restored = restore_images(detector, model, images, options)
    own = sum(pictures.numel() * pictures.element_size() for pictures in (images, restored))
    sys.stdout.write(f"{held('VmHWM') - before - own} {before} {own}")


if __name__ == "__main__":
    main()
