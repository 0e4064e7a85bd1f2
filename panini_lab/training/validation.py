"""Pairs that a run measures and shows from time to time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean, median

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from panini_core.drawing.contact_sheet import ContactSheet, Tile, draw_entry
from panini_core.drawing.faces import to_pillow
from panini_core.images import save_image
from panini_core.models.value_range import from_network, to_network

from ..metrics.fine_energy import fine_energy
from ..metrics.psnr import psnr
from ..metrics.texture import texture_distance
from ..metrics.vgg_distance import VggFeatures, feature_distance
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
        """The validation figures, and the restored faces in [0, 1], on the CPU.

        Means over the faces: `val_psnr`, `val_fine` (with `val_fine_median`) and, with `vgg`,
        `val_vgg` and `val_texture`.
        """
        restored: list[Tensor] = []
        measured: list[dict[str, Tensor]] = []  # of each face, (1,) by metric
        for degraded, clean in zip(self.degraded.split(1), self.clean.split(1), strict=True):
            clean = clean.to(device)
            result = from_network(restore(to_network(degraded.to(device))).float())
            found = {"psnr": psnr(result, clean), "fine": fine_energy(result, clean)}
            if vgg is not None:
                features, expected = vgg(result), vgg(clean)
                found["vgg"] = feature_distance(features, expected)
                found["texture"] = texture_distance(features, expected)
            measured.append(found)
            restored.append(result.cpu())
        values = {metric: [float(found[metric]) for found in measured] for metric in measured[0]}
        figures = {f"val_{metric}": fmean(values[metric]) for metric in values}
        return {**figures, "val_fine_median": median(values["fine"])}, torch.cat(restored)

    def write_sheet(self, path: Path, restored: Mapping[str, Tensor], *, rows: int = 6) -> None:
        """A picture with the degraded faces, `restored` ones by caption, and the clean ones.

        The rows are spread over the pairs.
        """
        columns = {"degraded": self.degraded, **restored, "clean": self.clean}
        sheet = ContactSheet()
        count = len(self.clean)
        for row in sorted({index * count // rows for index in range(rows)}):
            tiles = [Tile(to_pillow(faces[row]), label) for label, faces in columns.items()]
            sheet.add(draw_entry([], tiles))
        save_image(path, sheet.finish([]))


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
