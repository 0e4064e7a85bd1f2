from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.checkpoints.detector import load_detector
from panini_core.faces import Face
from panini_core.images import read_image
from panini_core.stages.align import FFHQ_TEMPLATE, align_faces, estimate_similarity, template
from panini_core.stages.detect import detect_faces
from panini_core.stages.warp import Pyramid, invert_affine, transform_points


@pytest.fixture(autouse=True)
def _same_numbers_each_run() -> None:
    torch.manual_seed(0)


def place_face(
    scale: float, angle: float, x: float, y: float, image_index: int = 0, size: int = 512
) -> Face:
    """A face whose landmarks fit the template exactly: its crop of `size` px is drawn `scale`
    times as large, turned by `angle`, its corner at (x, y)."""
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    matrix = torch.tensor([[cosine, -sine, x], [sine, cosine, y]], dtype=torch.float64)
    landmarks = transform_points(matrix, template(size))
    box = torch.cat([landmarks.amin(0), landmarks.amax(0)])
    return Face(box.float(), landmarks.float(), 0.9, image_index)


scales = st.floats(0.02, 20)
angles = st.floats(-math.pi, math.pi)
shifts = st.floats(-5000, 5000)


@settings(deadline=None, max_examples=60)
@given(scales, angles, shifts, shifts)
def test_an_exact_similarity_is_found_again(scale: float, angle: float, x: float, y: float) -> None:
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    expected = torch.tensor([[[cosine, -sine, x], [sine, cosine, y]]], dtype=torch.float64)
    landmarks = transform_points(invert_affine(expected), template(512))
    found = estimate_similarity(landmarks, template(512))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31))
def test_no_similarity_nearby_fits_better(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    landmarks = torch.rand(3, 5, 2, generator=generator, dtype=torch.float64) * 300
    target = template(512)
    best = estimate_similarity(landmarks, target)
    error = (transform_points(best, landmarks) - target).pow(2).sum((1, 2))
    # A similarity keeps its shape under these four changes: two of the linear part, two shifts.
    for linear in ([[1.0, 0], [0, 1]], [[0.0, -1], [1, 0]]):
        for step in (1e-3, -1e-3):
            other = best.clone()
            other[:, :, :2] += step * torch.tensor(linear, dtype=torch.float64)
            worse = (transform_points(other, landmarks) - target).pow(2).sum((1, 2))
            assert (worse >= error).all()
    for axis in (0, 1):
        other = best.clone()
        other[:, axis, 2] += 0.01
        assert ((transform_points(other, landmarks) - target).pow(2).sum((1, 2)) >= error).all()


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    mirrored = template(512).flip(0)[None] * torch.tensor([-1.0, 1.0])
    matrix = estimate_similarity(mirrored.double(), template(512))
    assert (torch.linalg.det(matrix[..., :2]) >= 0).all()


def test_landmarks_without_extent_are_refused() -> None:
    with pytest.raises(ValueError, match="coincide"):
        estimate_similarity(torch.full((2, 5, 2), 7.0), template(512).float())
    with pytest.raises(ValueError, match="not finite"):
        estimate_similarity(torch.full((1, 5, 2), torch.nan), template(512).float())
    with pytest.raises(ValueError, match=r"\(F, 5, 2\).*\(5, 2\)"):
        estimate_similarity(torch.zeros(5, 2), template(512).float())


def test_a_face_already_in_place_is_returned_as_it_is() -> None:
    image = torch.rand(1, 3, 512, 512)
    faces = align_faces(image, [place_face(1, 0, 0, 0)])
    torch.testing.assert_close(faces.crops, image, atol=1e-3, rtol=0)
    assert faces.to_crop.dtype == torch.float64
    torch.testing.assert_close(faces.to_crop[0], torch.eye(3).double()[:2], atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [64, 100, 512, 1024])
def test_landmarks_arrive_at_the_template_of_any_size(size: int) -> None:
    placed = [place_face(0.3, 0.5, 40, -20), place_face(1.7, -2, 300, 500)]
    faces = align_faces(torch.rand(1, 3, 60, 80), placed, size=size)
    assert faces.crops.shape == (2, 3, size, size)
    landmarks = torch.stack([face.landmarks for face in placed]).double()
    arrived = transform_points(faces.to_crop, landmarks)
    expected = torch.tensor(FFHQ_TEMPLATE).double() * size / 512
    torch.testing.assert_close(arrived, expected.expand(2, 5, 2), atol=0.01, rtol=0)


def test_crop_sizes_differ_by_one_multiplication() -> None:
    face = place_face(0.4, 0.3, 20, 10)
    image = F.interpolate(torch.rand(1, 3, 30, 30), (300, 300), mode="bicubic").clamp(0, 1)
    small, large = (align_faces(image, [face], size=size) for size in (256, 512))
    torch.testing.assert_close(small.to_crop * 2, large.to_crop)
    halved = F.interpolate(large.crops, (256, 256), mode="bicubic", antialias=True)
    assert (halved - small.crops).abs().mean() < 0.002


def test_faces_of_a_batch_come_from_their_own_images() -> None:
    images = torch.stack([torch.full((3, 64, 64), value) for value in (0.1, 0.5, 0.9)])
    faces = [place_face(0.1, 0, 5, 5, index) for index in (2, 0, 1, 2)]
    crops = align_faces(images, faces, size=32).crops
    expected = torch.tensor([0.9, 0.1, 0.5, 0.9])
    torch.testing.assert_close(crops.mean((1, 2, 3)), expected, atol=1e-4, rtol=0)


def test_a_batch_gives_what_single_faces_give() -> None:
    images = torch.rand(2, 3, 200, 160)
    faces = [place_face(scale, 0.2, 30, 20, index % 2) for index, scale in enumerate((0.1, 3, 1))]
    together = align_faces(images, faces, size=64)
    for row, face in enumerate(faces):
        alone = align_faces(images, [face], size=64)
        torch.testing.assert_close(together.crops[row], alone.crops[0], atol=1e-5, rtol=0)


def test_faces_beyond_the_border_are_mirrored() -> None:
    image = torch.rand(1, 3, 128, 128)
    inside = align_faces(image, [place_face(0.25, 0, 0, 0)], size=128).crops[0]
    outside = align_faces(image, [place_face(0.25, 0, -128, 0)], size=128).crops[0]
    far = align_faces(image, [place_face(0.25, 0, -128 * 5, 128 * 2)], size=128).crops[0]
    torch.testing.assert_close(outside, inside.flip(-1), atol=2e-3, rtol=0)
    torch.testing.assert_close(far, inside.flip(-1), atol=1e-2, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_crops_are_in_range_for_every_float_type(dtype: torch.dtype) -> None:
    images = (torch.rand(1, 3, 64, 64) > 0.5).to(dtype)  # hard edges: bicubic overshoots
    before = images.clone()
    crops = align_faces(images, [place_face(0.05, 0.3, 10, 10)]).crops
    assert crops.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert crops.min() >= 0
    assert crops.max() <= 1
    assert torch.equal(images, before)


def test_no_face_gives_an_empty_set() -> None:
    faces = align_faces(torch.rand(2, 3, 8, 8), [], size=64)
    assert len(faces) == 0
    assert faces.crops.shape == (0, 3, 64, 64)
    assert faces.to_crop.shape == (0, 2, 3)


def test_faces_that_no_landmarks_fit_are_left_out() -> None:
    right, wrong = place_face(1, 0, 0, 0), replace(place_face(1, 0, 0, 0), reliable=False)
    images = torch.rand(1, 3, 8, 8)
    assert align_faces(images, [wrong, right], size=16).faces == (right,)
    assert len(align_faces(images, [wrong], size=16)) == 0


def test_a_face_of_a_missing_image_is_refused() -> None:
    with pytest.raises(ValueError, match="images 3 to 3, but there are 2"):
        align_faces(torch.rand(2, 3, 8, 8), [place_face(1, 0, 0, 0, image_index=3)])
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        align_faces(torch.rand(3, 8, 8), [])


def warp_back(crop: Tensor, to_crop: Tensor, size: tuple[int, int]) -> Tensor:
    return Pyramid(crop).sample(to_crop[None], size, "zeros")[0]


def test_warping_a_crop_back_returns_the_photograph(shared: Path) -> None:
    image = read_image(shared / "data/photos/group_four_small.jpg").pixels[None]
    faces = align_faces(image, detect_faces(load_detector("bundled"), image))
    for face, crop, to_crop in zip(faces.faces, faces.crops, faces.to_crop, strict=True):
        back = warp_back(crop, to_crop, (image.shape[-2], image.shape[-1]))
        x0, y0, x1, y1 = face.box.round().int().tolist()
        difference = (back - image[0])[:, y0:y1, x0:x1]
        assert difference.pow(2).mean().sqrt() < 0.01  # 40 dB in a small, sharp and noisy picture


def test_real_faces_are_aligned_as_ffhq_is(shared: Path) -> None:
    """FFHQ's own pictures are hardly moved: the mean map over some of them is the identity."""
    detector = load_detector("bundled")
    paths = sorted((shared / "data/eval/clean").glob("*.webp"))[:12]
    images = torch.cat([read_image(path).pixels[None] for path in paths])
    found = detect_faces(detector, images)
    largest = [
        max((face for face in found if face.image_index == index), key=lambda face: face.size)
        for index in range(len(images))
    ]
    to_crop = align_faces(images, largest).to_crop
    centre = transform_points(to_crop, torch.full((len(images), 1, 2), 256.0).double()).mean(0)
    assert (centre - 256).abs().max() < 8
    scale = torch.linalg.det(to_crop[..., :2]).sqrt()
    assert scale.mean().item() == pytest.approx(1, abs=0.04)
