from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from panini_core.checkpoints.detector import load_detector
from panini_core.faces import Face, FaceSet, RestoredFaces
from panini_core.images import read_image
from panini_core.options import PasteOptions, RestoreOptions
from panini_core.stages.align import align_faces, template
from panini_core.stages.detect import detect_faces
from panini_core.stages.paste import paste_faces, paste_faces_with_mask
from panini_core.stages.warp import transform_points


@pytest.fixture(autouse=True)
def _same_numbers_each_run() -> None:
    torch.manual_seed(0)


DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def place_face(scale: float, angle: float, x: float, y: float, image_index: int = 0) -> Face:
    """A face whose 512 px crop is drawn `scale` times as large, turned, its corner at (x, y)."""
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    matrix = torch.tensor([[cosine, -sine, x], [sine, cosine, y]], dtype=torch.float64)
    landmarks = transform_points(matrix, template(512))
    box = torch.cat([landmarks.amin(0), landmarks.amax(0)])
    return Face(box.float(), landmarks.float(), 0.9, image_index)


def photograph(height: int, width: int, count: int = 1, cell: int = 8) -> Tensor:
    coarse = torch.rand(count, 3, max(height // cell, 2), max(width // cell, 2))
    return F.interpolate(coarse, (height, width), mode="bilinear")


def unchanged(faces: FaceSet) -> RestoredFaces:
    return RestoredFaces(faces, faces.crops)


def inverted(faces: FaceSet) -> RestoredFaces:
    return RestoredFaces(faces, 1 - faces.crops)


def flat(faces: FaceSet, *values: float, size: int = 64) -> RestoredFaces:
    crops = torch.tensor(values).view(-1, 1, 1, 1).expand(len(faces), 3, size, size)
    return RestoredFaces(faces, crops.contiguous())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("upscale", [1, 2])
def test_pixels_outside_the_mask_are_the_inputs_to_the_bit(
    dtype: torch.dtype, upscale: int
) -> None:
    images = photograph(150, 210, 2).to(dtype)
    before = images.clone()
    faces = align_faces(images, [place_face(0.15, 0.4, 60, 30), place_face(0.1, 0, 150, 90, 1)])
    result, mask = paste_faces_with_mask(images, inverted(faces), upscale=upscale)
    background = paste_faces(images, inverted(faces), upscale=upscale, strength=0)
    if upscale == 1:
        assert torch.equal(background, images)
    assert result.dtype == mask.dtype == dtype
    outside = (mask == 0).expand_as(result)
    assert 0.5 < outside.float().mean() < 0.97
    assert torch.equal(result[outside], background[outside])
    inside = (mask == 1).expand_as(result)
    assert (result[inside] - background[inside]).abs().float().mean() > 0.05
    assert torch.equal(images, before)


@pytest.mark.parametrize(
    "face",
    [
        place_face(0.08, 0.3, 60, 30),  # small: the crop is shrunk twelve times
        place_face(0.5, -0.7, 10, 150),
        place_face(1.0, 0.0, -200.5, -150.25),  # beyond every border
        place_face(2.5, 0.2, -300, -400),  # larger than the image
    ],
)
def test_an_unchanged_crop_is_nearly_invisible(face: Face) -> None:
    images = photograph(200, 260, cell=20)
    faces = align_faces(images, [face])
    result, mask = paste_faces_with_mask(images, unchanged(faces))
    assert mask.max() == 1
    assert (result - images).abs().max() < 0.02
    assert (result - images).pow(2).mean().sqrt() < 0.004


def test_an_unchanged_crop_is_nearly_invisible_in_photographs(shared: Path) -> None:
    image = read_image(shared / "data/photos/old_two.png").pixels[None]
    faces = align_faces(image, detect_faces(load_detector("bundled"), image))
    result, mask = paste_faces_with_mask(image, unchanged(faces))
    inside = (mask > 0).expand_as(image)
    assert (result - image)[inside].pow(2).mean().sqrt() < 0.003
    assert torch.equal(result[~inside], image[~inside])


def test_each_face_has_its_own_strength() -> None:
    images = photograph(150, 210)
    places = [place_face(0.12, 0.4, 20, 20), place_face(0.1, 0, 130, 80)]
    numbered = [replace(face, number=number) for face, number in zip(places, (3, 7), strict=True)]
    restored = inverted(align_faces(images, numbered))
    mixed, mask = paste_faces_with_mask(images, restored, strength="0.6; 7: 0; 0-2: 0.1")
    usual, usual_mask = paste_faces_with_mask(images, restored, strength=0.6)
    assert torch.equal(mask, usual_mask)
    left, right = slice(None, 110), slice(110, None)
    assert torch.equal(mixed[..., left], usual[..., left])
    assert torch.equal(mixed[..., right], images[..., right])
    assert not torch.equal(usual[..., right], images[..., right])
    assert torch.equal(paste_faces(images, restored, strength="0.6"), usual)
    with pytest.raises(ValueError, match=r"strength must lie in 0\.\.1, got 1\.5"):
        paste_faces(images, restored, strength="0.6; 7: 1.5")


def test_eight_bits_survive_outside_the_mask() -> None:
    stored = torch.randint(0, 256, (1, 3, 120, 120), dtype=torch.uint8)
    images = stored.float() / 255
    faces = align_faces(images, [place_face(0.1, 0.2, 40, 30)])
    result, mask = paste_faces_with_mask(images, inverted(faces))
    again = (result * 255).round().to(torch.uint8)
    outside = (mask == 0).expand_as(again)
    assert torch.equal(again[outside], stored[outside])


def test_strength_blends_and_zero_changes_nothing() -> None:
    images = photograph(100, 100)
    faces = align_faces(images, [place_face(0.15, 0, 10, 10)])
    full, half, none = (
        paste_faces(images, inverted(faces), strength=strength) for strength in (1, 0.5, 0)
    )
    assert torch.equal(none, images)
    torch.testing.assert_close(half, (full + images) / 2, atol=1e-5, rtol=0)


def test_restored_detail_arrives_at_its_own_resolution() -> None:
    """Stripes of 2 px in a 1024 crop are as fine as pixels of the doubled picture: they show."""
    images = torch.full((1, 3, 512, 512), 0.5)
    faces = align_faces(images, [place_face(1, 0, 0, 0)])
    stripes = ((torch.arange(1024) // 2) % 2).float().expand(1, 3, 1024, 1024).contiguous()
    result = paste_faces(images, RestoredFaces(faces, stripes), upscale=2)
    assert result.shape == (1, 3, 1024, 1024)
    middle = slice(400, 600)
    torch.testing.assert_close(
        result[0, :, middle, middle], stripes[0, :, middle, middle], atol=0.02, rtol=0
    )


def test_fine_detail_is_filtered_where_the_crop_shrinks() -> None:
    images = torch.full((1, 3, 128, 128), 0.5)
    faces = align_faces(images, [place_face(0.2, 0.1, 12, 12)])
    checks = (torch.arange(1024) % 2 + torch.arange(1024)[:, None] % 2) % 2
    crops = checks.float().expand(1, 3, 1024, 1024).contiguous()
    result = paste_faces(images, RestoredFaces(faces, crops))
    assert (result - 0.5).abs().max() < 0.01


@pytest.mark.parametrize("upscale", [1.5, 2, 3])
def test_the_background_is_enlarged_without_shift(upscale: float) -> None:
    images = photograph(60, 80)
    faces = align_faces(images, [])
    result = paste_faces(images, unchanged(faces), upscale=upscale)
    assert result.shape == (1, 3, round(60 * upscale), round(80 * upscale))
    assert 0 <= result.min() <= result.max() <= 1
    back = F.interpolate(result, (60, 80), mode="bicubic", antialias=True)
    assert (back - images).abs().mean() < 0.01


def test_an_upscaled_face_lies_where_its_face_was() -> None:
    images = photograph(160, 200)
    faces = align_faces(images, [place_face(0.25, 0.3, 40, 20)])
    result = paste_faces(images, unchanged(faces), upscale=2)
    plain = paste_faces(images, unchanged(faces), upscale=2, strength=0)
    assert (result - plain).abs().mean() < 0.002


def test_overlapping_faces_blend_without_a_seam_and_each_keeps_its_own() -> None:
    images = torch.full((1, 3, 160, 240), 0.5)
    places = [place_face(0.25, 0, 10, 10), place_face(0.25, 0, 80, 10)]
    faces = align_faces(images, places)
    result, mask = paste_faces_with_mask(images, flat(faces, 0.0, 1.0), match_colour=False)
    row = result[0, 0, 74]
    assert row[74] < 0.02  # the centres are 70 px apart, the crops 128 px wide
    assert row[144] > 0.98
    assert row[108:110].mean() == pytest.approx(0.5, abs=0.01)  # half way
    assert row.diff().abs().max() < 0.1
    assert mask[0, 0, 74, 74:145].min() > 0.99

    swapped = FaceSet(faces.faces[::-1], faces.crops.flip(0), faces.to_crop.flip(0))
    other = paste_faces(images, flat(swapped, 1.0, 0.0), match_colour=False)
    torch.testing.assert_close(other, result)  # the order of faces does not matter


def test_two_equal_overlapping_crops_look_like_one_surface() -> None:
    images = torch.full((1, 3, 160, 240), 0.2)
    faces = align_faces(images, [place_face(0.25, 0, 10, 10), place_face(0.25, 0.3, 80, 10)])
    result, mask = paste_faces_with_mask(images, flat(faces, 0.8, 0.8), match_colour=False)
    torch.testing.assert_close(result[:, :1], 0.2 + 0.6 * mask, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_grey_photograph_stays_grey(dtype: torch.dtype) -> None:
    grey = photograph(120, 130)[:, :1].repeat(1, 3, 1, 1).to(dtype)
    images = torch.cat([grey, photograph(120, 130).to(dtype)])
    faces = align_faces(images, [place_face(0.15, 0.2, 20, 10, index) for index in range(2)])
    for upscale in (1, 1.7):
        restored = RestoredFaces(faces, torch.rand(2, 3, 100, 100))
        result = paste_faces(images, restored, upscale=upscale, match_colour=False)
        assert torch.equal(result[0, 0], result[0, 1])
        assert torch.equal(result[0, 0], result[0, 2])
        assert not torch.equal(result[1, 0], result[1, 1])


@pytest.mark.parametrize("match_colour", [True, False])
@pytest.mark.parametrize("side", [20, 100])  # of the crops: with detail of the image, and without
def test_a_grey_photograph_with_a_coloured_stamp_stays_grey(side: int, match_colour: bool) -> None:
    images = photograph(120, 130)[:, :1].repeat(1, 3, 1, 1)
    images[0, :, 110:, 100:] = torch.tensor([1.0, 0.2, 0.1]).view(3, 1, 1)
    faces = align_faces(images, [place_face(0.15, 0.2, 20, 10)], size=side)
    restored = RestoredFaces(faces, torch.rand(1, 3, side, side))
    result, mask = paste_faces_with_mask(images, restored, match_colour=match_colour)
    drawn = result[:, :, mask[0, 0] > 0]
    assert torch.equal(drawn[:, 0], drawn[:, 1])
    assert torch.equal(drawn[:, 0], drawn[:, 2])
    assert not torch.equal(result, images)


@pytest.mark.parametrize("match_colour", [True, False])
def test_sepia_keeps_its_tone(match_colour: bool) -> None:
    grey = photograph(120, 130)[:, :1] * 0.5 + 0.2
    tone = torch.tensor([0.1, 0.0, -0.1]).view(1, 3, 1, 1)
    images = grey + tone
    images[0, :, 110:, 100:] = torch.tensor([0.1, 0.2, 1.0]).view(3, 1, 1)
    faces = align_faces(images, [place_face(0.15, 0.2, 20, 10)], size=64)
    tinted = faces.crops.mean(1, keepdim=True).repeat(1, 3, 1, 1)
    tinted[:, 2] += 0.2
    result, mask = paste_faces_with_mask(
        images, RestoredFaces(faces, tinted.clamp(0, 1)), match_colour=match_colour
    )
    drawn = result[0, :, mask[0, 0] > 0]
    assert (drawn[0] - drawn[1] - 0.1).abs().max() < 0.01
    assert (drawn[2] - drawn[1] + 0.1).abs().max() < 0.01


def test_matching_colour_keeps_the_mean_inside_the_mask() -> None:
    images = photograph(200, 200) * 0.4 + 0.3
    faces = align_faces(images, [place_face(0.3, 0.2, 40, 10)])
    tinted = faces.crops + torch.tensor([0.15, -0.1, 0.05]).view(1, 3, 1, 1)
    restored = RestoredFaces(faces, tinted.clamp(0, 1))
    inside = paste_faces_with_mask(images, restored)[1][0, 0] > 0.99
    before = images[0, :, inside].mean(1)
    matched = paste_faces(images, restored)[0, :, inside].mean(1)
    unmatched = paste_faces(images, restored, match_colour=False)[0, :, inside].mean(1)
    assert (matched - before).abs().max() < 0.005
    assert (unmatched - before).abs().max() > 0.1


def test_masks_from_outside_replace_the_usual_one() -> None:
    images = torch.full((1, 3, 100, 100), 0.5)
    faces = align_faces(images, [place_face(0.125, 0, 20, 20)])  # the crop covers 64 px from 20
    masks = torch.zeros(1, 1, 32, 32)
    masks[..., :16] = 1  # the left half
    restored = flat(faces, 1.0)
    result, mask = paste_faces_with_mask(images, restored, match_colour=False, masks=masks)
    assert result[0, 0, 52, 36].item() == pytest.approx(1, abs=1e-3)
    assert result[0, 0, 52, 68].item() == 0.5
    assert mask[0, 0, 52, 22:48].min() > 0.98
    assert mask[0, 0, 52, 60:].max() == 0
    none = paste_faces(images, restored, masks=torch.zeros(1, 1, 8, 8))
    assert torch.equal(none, images)


def test_the_mask_is_the_one_that_was_used() -> None:
    images = torch.zeros(2, 3, 90, 90)
    faces = align_faces(images, [place_face(0.1, 0.5, 50, 30, 1)])
    restored = flat(faces, 1.0)
    _, mask = paste_faces_with_mask(images, restored, feather=0.2, strength=0.5)
    result = paste_faces(images, restored, feather=0.2, match_colour=False)
    torch.testing.assert_close(result[:, :1], mask, atol=1e-6, rtol=0)
    assert mask[0].eq(0).all()


def test_a_face_across_many_tiles_has_no_joints(monkeypatch: pytest.MonkeyPatch) -> None:
    images = photograph(700, 900)
    faces = align_faces(images, [place_face(1.1, 0.2, 200, 20), place_face(0.2, 0, 230, 220)])
    restored = RestoredFaces(faces, torch.rand(2, 3, 256, 256))
    result, mask = paste_faces_with_mask(images, restored)
    monkeypatch.setattr("panini_core.stages.layers.TILE", 2000)
    whole, whole_mask = paste_faces_with_mask(images, restored)
    torch.testing.assert_close(result, whole, atol=2e-4, rtol=0)
    torch.testing.assert_close(mask, whole_mask, atol=2e-4, rtol=0)


def test_no_face_returns_the_images() -> None:
    images = photograph(20, 30, 2)
    faces = align_faces(images, [])
    result, mask = paste_faces_with_mask(images, unchanged(faces))
    assert torch.equal(result, images)
    assert result.data_ptr() != images.data_ptr()
    assert mask.shape == (2, 1, 20, 30)
    assert mask.eq(0).all()


def test_a_face_wholly_outside_its_image_changes_nothing() -> None:
    images = photograph(40, 40)
    faces = align_faces(images, [place_face(0.1, 0, 500, 500), place_face(0.1, 0, -500, 0)])
    assert torch.equal(paste_faces(images, inverted(faces)), images)


def test_works_in_inference_mode() -> None:
    with torch.inference_mode():
        images = photograph(60, 60)
        faces = align_faces(images, [place_face(0.1, 0, 5, 5)])
        assert paste_faces(images, inverted(faces)).shape == images.shape


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("column", [5, 50, 98])  # beside the crop, through the face, at its border
@pytest.mark.parametrize("side", [20, 100])
def test_what_is_not_finite_stays_where_it_is(side: int, column: int, bad: float) -> None:
    for images in (photograph(120, 130), photograph(120, 130)[:, :1].repeat(1, 3, 1, 1)):
        images[..., column : column + 2] = bad
        faces = align_faces(images, [place_face(0.15, 0.2, 20, 10)], size=side)
        assert faces.crops.isfinite().all()
        result = paste_faces(images, RestoredFaces(faces, torch.rand(1, 3, side, side)))
        assert torch.equal(result.isfinite(), images.isfinite())


def test_wrong_values_say_what_was_expected() -> None:
    images = photograph(20, 20)
    faces = align_faces(images, [place_face(0.02, 0, 5, 5)])
    restored = unchanged(faces)
    with pytest.raises(ValueError, match="feather"):
        paste_faces(images, restored, feather=3)
    with pytest.raises(ValueError, match="strength"):
        paste_faces(images, restored, strength=1.5)
    with pytest.raises(ValueError, match="upscale"):
        paste_faces(images, restored, upscale=0.5)
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        paste_faces(images[0], restored)
    with pytest.raises(ValueError, match=r"masks \(1, 1, M, M\).*\(2, 1, 8, 8\)"):
        paste_faces(images, restored, masks=torch.zeros(2, 1, 8, 8))
    with pytest.raises(ValueError, match="images 0 to 0, but there are 0"):
        paste_faces(images[:0], restored)


def test_options_are_passed_whole_or_by_name() -> None:
    images = photograph(60, 60)
    restored = inverted(align_faces(images, [place_face(0.1, 0, 5, 5)]))
    options = PasteOptions(strength=0.5, feather=0.3, match_colour=False, upscale=1.5)
    whole = paste_faces(images, restored, options)
    named = paste_faces(
        images, restored, strength=0.5, feather=0.3, match_colour=False, upscale=1.5
    )
    assert torch.equal(whole, named)
    assert not torch.equal(whole, paste_faces(images, restored, options, strength=0.6))
    of_a_restoration = RestoreOptions(**asdict(options), fidelity=0.1)
    assert torch.equal(whole, paste_faces(images, restored, of_a_restoration))
    with pytest.raises(TypeError, match="fether"):
        paste_faces(images, restored, fether=0.2)


def test_each_image_is_reported_and_the_callback_may_stop_the_work() -> None:
    images = photograph(60, 60, 3)
    faces = align_faces(images, [place_face(0.1, 0, 0, 0, 1)])
    seen: list[tuple[int, int]] = []
    paste_faces(images, inverted(faces), on_image=lambda *done: seen.append(done))
    assert seen == [(1, 3), (2, 3), (3, 3)]

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        paste_faces(images, inverted(faces), on_image=stop)


# Detail that a crop cannot hold


def test_a_large_sharp_face_keeps_its_detail() -> None:
    images = photograph(300, 300, cell=3)
    faces = align_faces(images, [place_face(0.5, 0.3, 60, 0)], size=64)  # 4 px per crop px
    kept, mask = paste_faces_with_mask(images, unchanged(faces))
    half, lost = (paste_faces(images, unchanged(faces), keep_detail=keep) for keep in (0.5, 0))
    inside = (mask == 1).expand_as(images)
    errors = [(result - images)[inside].abs().mean().item() for result in (kept, half, lost)]
    assert errors[0] < 0.002
    assert errors[2] > 0.05
    assert errors[1] == pytest.approx(errors[2] / 2, rel=0.1)
    darker = RestoredFaces(faces, 0.5 * faces.crops)  # the restored face itself still prevails
    result = paste_faces(images, darker, match_colour=False)
    assert (images - result)[inside].mean() == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("upscale", [1, 2])
@pytest.mark.parametrize(("scale", "size"), [(0.12, 64), (0.4, 256)])
def test_a_face_with_no_more_pixels_than_its_crop_does_not_change(
    scale: float, size: int, upscale: int
) -> None:
    images = photograph(220, 220, cell=2)
    faces = align_faces(images, [place_face(scale, 0.2, 30, 10)], size=size)
    kept, lost = (
        paste_faces(images, inverted(faces), keep_detail=keep, upscale=upscale) for keep in (1, 0)
    )
    assert torch.equal(kept, lost)


def test_detail_comes_back_gradually_as_faces_grow() -> None:
    images = photograph(200, 200, cell=2)
    gains: list[float] = []
    for pixels in (0.999, 1.001, 1.05, 1.3):
        faces = align_faces(images, [place_face(64 * pixels / 512, 0, 40, 40)], size=64)
        kept, lost = (paste_faces(images, unchanged(faces), keep_detail=keep) for keep in (1, 0))
        gains.append((kept - lost).abs().mean().item())
    assert gains[0] == 0
    assert gains == sorted(gains)
    assert gains[1] < 0.05 * gains[3]


def test_detail_of_the_restored_crop_is_not_doubled() -> None:
    images = photograph(200, 200, cell=2)
    faces = align_faces(images, [place_face(0.25, 0, 30, 30)], size=32)  # 4 px per crop px
    large = RestoredFaces(faces, torch.rand(1, 3, 128, 128))  # but only 1 per restored px
    kept, lost = (paste_faces(images, large, keep_detail=keep) for keep in (1, 0))
    assert torch.equal(kept, lost)


def test_a_large_grey_face_stays_grey_and_stays_within_range() -> None:
    images = photograph(200, 200, cell=2)[:, :1].expand(-1, 3, -1, -1).contiguous()
    faces = align_faces(images, [place_face(0.5, 0.3, 40, -30)], size=32)
    result = paste_faces(images, RestoredFaces(faces, torch.rand(1, 3, 32, 32)))
    assert torch.equal(result[:, 0], result[:, 1])
    assert torch.equal(result[:, 0], result[:, 2])
    assert 0 <= result.min() <= result.max() <= 1


def test_detail_out_of_range_is_refused() -> None:
    images = photograph(60, 60)
    with pytest.raises(ValueError, match="detail"):
        paste_faces(images, unchanged(align_faces(images, [])), keep_detail=1.5)
