"""The pairs that a training run measures and shows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from panini_core.images import ImageFile, read_image, write_image
from panini_lab.metrics.vgg_distance import VggFeatures
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


def test_the_figures_are_those_of_the_metrics(tmp_path: Path) -> None:
    """Restored by halving the contrast: every clean face's fine energy falls to a quarter."""
    generator = torch.Generator().manual_seed(0)
    for name in "abc":
        pixels = torch.rand(3, SIZE, SIZE, generator=generator)
        for folder in ("degraded", "clean"):
            (tmp_path / folder).mkdir(exist_ok=True)
            write_image(tmp_path / folder / f"{name}.png", ImageFile(pixels))
    config = ValidationConfig(str(tmp_path / "degraded"), str(tmp_path / "clean"), limit=2)
    pairs = ValidationPairs(config, size=SIZE)
    torch.manual_seed(0)
    vgg = VggFeatures((4, 6, 8, 10))
    device = torch.device("cpu")

    figures, restored = pairs.measure(lambda images: images / 2, None, device)
    assert figures.keys() == {"val_psnr", "val_fine", "val_fine_median"}
    assert figures["val_fine"] == pytest.approx(0.25, rel=1e-4)
    assert figures["val_fine_median"] == pytest.approx(0.25, rel=1e-4)
    torch.testing.assert_close(restored, pairs.clean / 2 + 0.25)

    figures, _ = pairs.measure(lambda images: images / 2, vgg, device)
    assert figures["val_vgg"] > 0
    assert figures["val_texture"] > 0
    same, _ = pairs.measure(lambda images: images, vgg, device)
    assert same["val_vgg"] == pytest.approx(0, abs=1e-6)
    assert same["val_texture"] == pytest.approx(0, abs=1e-6)
    assert same["val_fine"] == pytest.approx(1, abs=1e-5)


def test_fine_energy_has_a_median_beside_its_mean(tmp_path: Path) -> None:
    """Three faces that are restored with a quarter, all, and four times the energy."""
    pixels = torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    for contrast, name in ((0.25, "a"), (0.5, "b"), (1.0, "c")):
        for folder, strength in (("degraded", contrast), ("clean", 0.5)):
            (tmp_path / folder).mkdir(exist_ok=True)
            face = 0.5 + strength * (pixels - 0.5)
            write_image(tmp_path / folder / f"{name}.png", ImageFile(face))
    config = ValidationConfig(str(tmp_path / "degraded"), str(tmp_path / "clean"))
    figures, _ = ValidationPairs(config, size=SIZE).measure(
        lambda images: images, None, torch.device("cpu")
    )
    assert figures["val_fine"] == pytest.approx((0.25 + 1 + 4) / 3, rel=0.01)
    assert figures["val_fine_median"] == pytest.approx(1, rel=0.01)
