"""Pairs that a run measures and shows from time to time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from panini_core.drawing.contact_sheet import ContactSheet, Tile, draw_entry
from panini_core.drawing.faces import to_pillow
from panini_core.images import ImageFile, write_image
from panini_core.models.value_range import from_network, to_network

from ..metrics.psnr import psnr
from ..metrics.vgg_distance import VggFeatures, vgg_distance
from .config import ValidationConfig
from .data import IMAGE_SUFFIXES

Restore = Callable[[Tensor], Tensor]  # (N, 3, S, S) in [-1, 1] -> the same


class ValidationPairs:
    """Degraded and clean faces, paired by file name without its ending."""

    def __init__(self, config: ValidationConfig, *, size: int) -> None:
        clean = {file.stem: file for file in _images(config.clean)}
        pairs = [(f, clean[f.stem]) for f in _images(config.degraded) if f.stem in clean]
        pairs = pairs[: config.limit]
        if not pairs:
            raise ValueError(f"No names in common in {config.degraded} and {config.clean}.")
        self.degraded = torch.stack([_read(degraded, size) for degraded, _ in pairs])
        self.clean = torch.stack([_read(clean, size) for _, clean in pairs])

    @torch.no_grad()
    def measure(
        self, restore: Restore, vgg: VggFeatures | None, device: torch.device
    ) -> tuple[dict[str, float], Tensor]:
        """Mean PSNR and, with `vgg`, VGG distance; and the restored faces in [0, 1], on the CPU."""
        restored: list[Tensor] = []
        psnrs: list[Tensor] = []
        distances: list[Tensor] = []
        for degraded, clean in zip(self.degraded.split(1), self.clean.split(1), strict=True):
            clean = clean.to(device)
            result = from_network(restore(to_network(degraded.to(device))).float())
            psnrs.append(psnr(result, clean))
            if vgg is not None:
                distances.append(vgg_distance(vgg, result, clean))
            restored.append(result.cpu())
        figures = {"val_psnr": float(torch.cat(psnrs).mean())}
        if distances:
            figures["val_vgg"] = float(torch.cat(distances).mean())
        return figures, torch.cat(restored)

    def write_sheet(self, path: Path, restored: Tensor, *, rows: int = 6) -> None:
        """A picture with degraded, restored and clean side by side."""
        sheet = ContactSheet()
        for faces in zip(self.degraded[:rows], restored[:rows], self.clean[:rows], strict=True):
            labels = ("degraded", "restored", "clean")
            tiles = [
                Tile(to_pillow(face), label) for face, label in zip(faces, labels, strict=True)
            ]
            sheet.add(draw_entry([], tiles))
        write_image(path, ImageFile(sheet.finish([])))


def _images(folder: str) -> list[Path]:
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"No folder of validation faces at {folder}.")
    return sorted(f for f in Path(folder).iterdir() if f.suffix.lower() in IMAGE_SUFFIXES)


def _read(path: Path, size: int) -> Tensor:
    with Image.open(path) as image:
        image = image.convert("RGB")
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
