"""Grain of the photograph, put back into pasted faces."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from panini_core.faces import Face, FaceSet, RestoredFaces
from panini_core.stages.align import align_faces, template
from panini_core.stages.paste import paste_faces, paste_faces_with_mask

SIDE = 288


def scene(channels: int = 3) -> Tensor:
    coarse = torch.rand(1, channels, 4, 4, generator=torch.Generator().manual_seed(1))
    wide = F.interpolate(coarse, (SIDE, SIDE), mode="bicubic", align_corners=False)
    return (0.3 + 0.4 * wide).clamp(0.2, 0.8)


def grain(seed: int = 0, channels: int = 1, std: float = 0.04) -> Tensor:
    """(1, C, SIDE, SIDE): noise that is correlated over neighbours."""
    generator = torch.Generator().manual_seed(seed)
    white = torch.randn(1, channels, SIDE, SIDE, generator=generator)
    soft = F.avg_pool2d(F.pad(white, (1, 1, 1, 1), mode="circular"), 3, 1) + white / 3
    return soft / soft.std() * std


def place(x: float = 80, y: float = 70, side: float = 140, image_index: int = 0) -> Face:
    landmarks = template(1).float() * side + torch.tensor([x, y])
    box = torch.cat([landmarks.amin(0), landmarks.amax(0)])
    return Face(box, landmarks, 0.9, image_index)


def cleaned(images: Tensor, faces: list[Face], size: int = 128) -> tuple[RestoredFaces, FaceSet]:
    """What a restorer gives: the faces without their grain."""
    found = align_faces(images, faces, size=size)
    kernel = size // 8 * 2 + 1
    soft = F.avg_pool2d(F.pad(found.crops, (kernel // 2,) * 4, mode="reflect"), kernel, 1)
    return RestoredFaces(found, soft), found


def fine(picture: Tensor) -> Tensor:
    """What is left of (1, C, H, W) without its coarse parts."""
    return picture - F.avg_pool2d(F.pad(picture, (4, 4, 4, 4), mode="reflect"), 9, 1)


def statistics(picture: Tensor, where: Tensor) -> tuple[float, float, Tensor]:
    """Std, correlation of neighbours and covariance of the colours, where a mask (H, W) is."""
    left = fine(picture)[0]
    std = left[:, where].std().item()
    both = where[:, 1:] & where[:, :-1]
    product = (left[:, :, 1:] * left[:, :, :-1])[:, both].mean() / left[:, where].square().mean()
    return std, product.item(), left[:, where].cov()


@pytest.mark.parametrize("strength", [1.0, 0.6])
@pytest.mark.parametrize("channels", [1, 3])
def test_inside_and_outside_have_the_same_grain(channels: int, strength: float) -> None:
    images = (scene() + grain(channels=channels)).clamp(0, 1)
    restored, _ = cleaned(images, [place()])
    result, mask = paste_faces_with_mask(images, restored, strength=strength)
    clean = paste_faces(images, restored, strength=strength, match_grain=False)
    inside, outside = mask[0, 0] > 0.99, mask[0, 0] == 0
    wanted, found = statistics(images, outside), statistics(result, inside)
    assert found[0] == pytest.approx(wanted[0], rel=0.12)
    assert found[1] == pytest.approx(wanted[1], abs=0.1)
    torch.testing.assert_close(
        found[2], wanted[2], atol=0.2 * float(wanted[2].diagonal().max()), rtol=0
    )
    assert statistics(clean, inside)[0] < (1 - strength + 0.2) * wanted[0]
    border = (mask[0, 0] > 0.3) & (mask[0, 0] < 0.7)  # no clean ring either
    assert statistics(result, border)[0] == pytest.approx(wanted[0], rel=0.15)
    assert torch.equal(result[:, :, outside], images[:, :, outside])
    assert 0 <= result.min() <= result.max() <= 1


@pytest.mark.parametrize("upscale", [1.5, 2.0])
def test_enlarged_pictures_have_enlarged_grain(upscale: float) -> None:
    images = (scene() + grain()).clamp(0, 1)
    restored, _ = cleaned(images, [place()])
    result, mask = paste_faces_with_mask(images, restored, upscale=upscale)
    wanted = statistics(result, mask[0, 0] == 0)
    found = statistics(result, mask[0, 0] > 0.99)
    assert found[0] == pytest.approx(wanted[0], rel=0.15)
    assert found[1] == pytest.approx(wanted[1], abs=0.1)


def test_without_grain_the_option_changes_nothing() -> None:
    for images in (scene(), (scene() * 255).round() / 255, scene(1).expand(-1, 3, -1, -1)):
        restored, _ = cleaned(images, [place()])
        off, on = (paste_faces(images, restored, match_grain=match) for match in (False, True))
        assert torch.equal(off, on)


def test_a_grey_photograph_gets_grey_grain() -> None:
    images = (scene(1) + grain()).clamp(0, 1).repeat(1, 3, 1, 1)
    restored, _ = cleaned(images, [place()])
    result = paste_faces(images, restored)
    assert torch.equal(result[:, 0], result[:, 1])
    assert torch.equal(result[:, 0], result[:, 2])
    assert not torch.equal(result, paste_faces(images, restored, match_grain=False))


def test_a_picture_always_gets_the_same_and_each_frame_its_own() -> None:
    frames = torch.cat([(scene() + grain(seed)).clamp(0, 1) for seed in (0, 1, 0)])
    restored, _ = cleaned(frames, [place(image_index=index) for index in range(3)])
    result = paste_faces(frames, restored)
    assert torch.equal(result, paste_faces(frames, restored))
    assert torch.equal(result[0], result[2])  # the same picture
    added = result - paste_faces(frames, restored, match_grain=False)
    assert added[0].std() > 0.01
    alike = (added[0] * added[1]).mean() / (added[0].std() * added[1].std())
    assert abs(alike) < 0.05


def test_a_face_that_has_the_grain_already_gets_what_it_lacks() -> None:
    images = (scene() + grain()).clamp(0, 1)
    found = align_faces(images, [place(side=256, x=16, y=16)], size=512)
    kept = RestoredFaces(found, found.crops)
    result, mask = paste_faces_with_mask(images, kept)
    inside, outside = mask[0, 0] > 0.99, mask[0, 0] == 0
    wanted = statistics(images, outside)[0]
    assert statistics(result, inside)[0] == pytest.approx(wanted, rel=0.12)
    added = result - paste_faces(images, kept, match_grain=False)
    assert added.std() < 0.6 * wanted  # only what sampling took away


def test_faces_that_overlap_share_one_grain() -> None:
    images = (scene() + grain()).clamp(0, 1)
    restored, _ = cleaned(images, [place(x=40, side=130), place(x=110, side=130)])
    result, mask = paste_faces_with_mask(images, restored)
    wanted = statistics(images, mask[0, 0] == 0)[0]
    between = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    between[105:165, 130:150] = True  # where each is half of the other
    assert statistics(result, between & (mask[0, 0] > 0.95))[0] == pytest.approx(wanted, rel=0.2)


def test_a_crop_that_is_the_picture_has_no_surroundings() -> None:
    images = (scene() + grain()).clamp(0, 1)
    restored, _ = cleaned(images, [place(x=0, y=0, side=SIDE)], size=SIDE)
    whole = torch.ones(1, 1, 1, 1)
    on, off = (
        paste_faces(images, restored, masks=whole, match_grain=match) for match in (True, False)
    )
    assert torch.equal(on, off)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_any_precision_and_gradients(dtype: torch.dtype) -> None:
    images = (scene() + grain()).clamp(0, 1).to(dtype)
    restored, found = cleaned(images, [place()])
    crops = restored.crops.clone().requires_grad_()
    masks = torch.full((1, 1, 64, 64), 0.5, requires_grad=True)
    result = paste_faces(images, RestoredFaces(found, crops), masks=masks)
    assert result.dtype == dtype
    result.float().sum().backward()
    for leaf in (crops, masks):
        assert leaf.grad is not None
        assert leaf.grad.isfinite().all()
        assert leaf.grad.abs().sum() > 0
