"""One picture restored, with and without a detector."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from panini_core.checkpoints import load_panini
from panini_core.cli import opening
from panini_core.cli.restore_picture import restore_picture
from panini_core.models.face_detector import FaceDetector
from panini_core.models.panini import PaniniNet
from panini_core.options import RestoreOptions
from panini_core.pipeline import restore_images

HEIGHT, WIDTH = 96, 128
FACE = (30, 20, 78, 68)  # the bright square that the fake detector takes for a face


@pytest.fixture
def model(tiny_model: Path) -> PaniniNet:
    return load_panini(tiny_model)


@pytest.fixture
def detector(fake_detector: None) -> FaceDetector:
    return opening.load_detector()


def noise(height: int, width: int) -> Tensor:
    """(3, height, width) in [0, 0.25]: nothing that the fake detector takes for a face."""
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(0)) / 4


def photograph() -> Tensor:
    pixels = noise(HEIGHT, WIDTH)
    x0, y0, x1, y1 = FACE
    pixels[:, y0:y1, x0:x1] += 0.5
    return pixels


@pytest.mark.parametrize("keep", [False, True])
def test_the_faces_of_a_photograph_are_restored(
    model: PaniniNet, detector: FaceDetector, keep: bool
) -> None:
    pixels = photograph()
    before = pixels.clone()
    chosen = RestoreOptions(upscale=1.5, fidelity=0.25)
    result, restored, report = restore_picture(model, detector, pixels, chosen, keep_faces=keep)
    assert torch.equal(pixels, before)
    assert result.shape == (3, HEIGHT * 3 // 2, WIDTH * 3 // 2)
    assert torch.equal(result, restore_images(detector, model, pixels[None], chosen)[0])
    assert (len(report.found), report.selected) == (1, (True,))
    assert (restored is not None) == keep
    if restored is not None:
        assert len(restored.face_set) == 1


def test_a_photograph_without_a_face_stays_as_it_is(
    model: PaniniNet, detector: FaceDetector
) -> None:
    pixels = noise(HEIGHT, WIDTH)
    result, restored, report = restore_picture(
        model, detector, pixels, RestoreOptions(), keep_faces=True
    )
    assert torch.equal(result, pixels)
    assert report.found == ()
    assert "No face was found" in report.note
    assert restored is not None
    assert len(restored.face_set) == 0


def test_an_aligned_face_is_the_network_s_result_up_to_the_border(model: PaniniNet) -> None:
    side = model.config.input_size
    assert model.config.output_size == side
    plain = RestoreOptions(match_colour=False, keep_detail=0)
    result, restored, report = restore_picture(
        model, None, noise(side, side), plain, keep_faces=False
    )
    assert restored is not None  # they are the picture itself
    torch.testing.assert_close(result, restored.crops[0], atol=1e-4, rtol=0)
    (face,) = report.found
    assert face.box.tolist() == [0, 0, side, side]
    assert report.selected == (True,)
    assert report.note == "The whole picture is one face."


def test_options_reach_an_aligned_face(model: PaniniNet) -> None:
    pixels = noise(80, 80)
    unchanged, _, _ = restore_picture(
        model, None, pixels, RestoreOptions(strength=0), keep_faces=False
    )
    assert torch.equal(unchanged, pixels)
    results = [
        restore_picture(model, None, pixels, RestoreOptions(**choice), keep_faces=False)[0]
        for choice in ({"upscale": 2.0}, {"upscale": 2.0, "fidelity": 1.0})
    ]
    assert all(result.shape == (3, 160, 160) for result in results)
    assert not torch.equal(*results)


@pytest.mark.parametrize("size", [(64, 65), (65, 64)])
def test_an_aligned_face_must_be_square(model: PaniniNet, size: tuple[int, int]) -> None:
    height, width = size
    with pytest.raises(ValueError, match=f"square picture, got {width}x{height} px"):
        restore_picture(model, None, noise(*size), RestoreOptions(), keep_faces=True)
