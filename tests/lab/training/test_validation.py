"""The pairs that a training run measures and shows."""

from __future__ import annotations

from pathlib import Path

import torch

from panini_core.images import ImageFile, read_image, write_image
from panini_lab.training.config import ValidationConfig
from panini_lab.training.validation import ValidationPairs

SIZE = 64


def test_the_sheet_shows_degraded_restored_and_clean_side_by_side(tmp_path: Path) -> None:
    for folder, grey in (("degraded", 0.2), ("clean", 0.8)):
        (tmp_path / folder).mkdir()
        for name in "abc":
            pixels = torch.full((3, SIZE, SIZE), grey)
            write_image(tmp_path / folder / f"{name}.png", ImageFile(pixels))
    config = ValidationConfig(str(tmp_path / "degraded"), str(tmp_path / "clean"))
    pairs = ValidationPairs(config, size=SIZE)

    restored = {"restored": torch.full((3, 3, SIZE, SIZE), 0.5)}
    pairs.write_sheet(tmp_path / "sheet.png", restored, rows=2)
    pixels = read_image(tmp_path / "sheet.png").pixels[0]
    row = pixels[-16 - SIZE // 2]  # through the middle of the last faces
    tiles = [row[start + SIZE // 2].item() for start in (16, 16 + SIZE + 4, 16 + 2 * (SIZE + 4))]
    assert [round(value, 1) for value in tiles] == [0.2, 0.5, 0.8]
    assert 2 * SIZE < pixels.shape[0] < 2 * (SIZE + 20) + 5 * 16  # two of the three pairs
