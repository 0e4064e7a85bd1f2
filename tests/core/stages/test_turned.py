"""Faces at every angle: found, placed, restored as upright ones are, or left alone."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from panini_core.checkpoints.detector import load_detector
from panini_core.checkpoints.loading import load_panini
from panini_core.faces import Face
from panini_core.images import read_image
from panini_core.models.face_detector import Detections, FaceDetector
from panini_core.options import BUNDLED_NETWORKS
from panini_core.pipeline import restore_images_with_report
from panini_core.stages.align import template
from panini_core.stages.clip import detect_in_clip
from panini_core.stages.detect import detect_faces
from panini_core.stages.turned import look_again
from panini_core.stages.warp import Pyramid, invert_affine, transform_points

ANGLES = range(0, 360, 30)
NEAR = 0.12  # mean distance of landmarks, in distances between eyes and mouth


@pytest.fixture(scope="module")
def bundled() -> FaceDetector:
    return load_detector("bundled")


def turn_map(height: int, width: int, degrees: float) -> tuple[Tensor, int]:
    """The map (2, 3) that turns an image clockwise about its middle, onto a square canvas."""
    side = math.ceil(math.hypot(height, width))
    angle = math.radians(degrees)
    linear = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    middle = torch.tensor([width / 2, height / 2])
    shift = torch.tensor([side / 2, side / 2]) - linear @ middle
    return torch.cat([linear, shift[:, None]], dim=1).double(), side


def turn(image: Tensor, degrees: float) -> tuple[Tensor, Tensor]:
    """An image (3, H, W) turned clockwise, mirrored where it ends, and the map that turned it."""
    forth, side = turn_map(image.shape[-2], image.shape[-1], degrees)
    turned = Pyramid(image).sample(invert_affine(forth)[None], (side, side), "reflection")
    return turned[0].clamp(0, 1), forth


def astronaut() -> Tensor:
    """One face of 85 px in a picture of 256 px, of scikit-image's astronaut; public domain."""
    data = pytest.importorskip("skimage.data", reason="needs scikit-image's photographs")
    pixels = torch.from_numpy(data.astronaut()[:256, 96:352].copy())
    return pixels.movedim(-1, 0) / 255


def blurred_astronaut() -> Tensor:
    """The same picture with four tenths of its pixels."""
    image = astronaut()[None]
    small = interpolate(image, scale_factor=0.4, antialias=True, mode="bicubic")
    return interpolate(small, image.shape[-2:], mode="bicubic")[0].clamp(0, 1)


def distance(face: Face, landmarks: Tensor) -> float:
    """Of a face's landmarks from others, in distances between eyes and mouth."""
    unit = (landmarks[:2].mean(0) - landmarks[3:].mean(0)).norm()
    return ((face.landmarks - landmarks).norm(dim=1).mean() / unit).item()


# --- with a detector that knows upright faces only --------------------------------------------


class Compass:
    """A face is a red spot for the eyes and a green one for the mouth. Seen turned by more than
    25 degrees it scores less, its votes disagree, and its landmarks are upright."""

    device = torch.device("cpu")

    def __init__(self, blind: bool = False) -> None:
        self.blind = blind  # to what an upright face looks like
        self.looks = 0

    def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
        self.looks += len(images)
        return [self._find(image, threshold) for image in images]

    def _find(self, image: Tensor, threshold: float) -> Detections:
        eyes, mouth = _middle(image[0]), _middle(image[1])
        if eyes is None or mouth is None:
            return Detections(torch.empty(0, 4), torch.empty(0, 5, 2), torch.empty(0))
        down = mouth - eyes
        roll = math.degrees(math.atan2(-down[0], down[1]))
        points = template(1).float()
        side = down.norm() / (points[3:].mean(0) - points[:2].mean(0)).norm()
        upright = abs(roll) < 25 and not self.blind
        angle = math.radians(roll if upright else 0)
        back = torch.tensor(
            [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
        )
        shape = (points - points.mean(0)) @ back * side
        landmarks = shape + (eyes + mouth) / 2
        half = torch.tensor([0.21, 0.29]) * side
        box = torch.cat([(eyes + mouth) / 2 - half, (eyes + mouth) / 2 + half])
        score = torch.tensor([0.999 if upright else 0.9])
        scatter = torch.tensor([0.01 if upright else 0.1])
        found = Detections(box[None], landmarks[None], score, scatter)
        return found.select(found.scores > threshold)


def _middle(channel: Tensor) -> Tensor | None:
    weights = (channel - 0.3).clamp(min=0)
    if weights.sum() < 0.1:
        return None
    x, y = torch.arange(channel.shape[1]) + 0.5, torch.arange(channel.shape[0]) + 0.5
    return torch.stack([weights.sum(0) @ x, weights.sum(1) @ y]) / weights.sum()


def spots(roll: float, size: int = 640) -> tuple[Tensor, Tensor]:
    """A picture (3, H, W) of such a face, and where its landmarks are."""
    points = template(1).float()
    angle = math.radians(roll)
    back = torch.tensor([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    middle = torch.tensor([size * 0.4, size * 0.55])
    shape = (points - points.mean(0)) @ back * 150
    spots_at = [shape[:2].mean(0), shape[3:].mean(0)]
    away = (spots_at[0] + spots_at[1]) / 2
    y, x = torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")
    image = torch.zeros(3, size, size)
    for channel, at in enumerate(spots_at):
        x0, y0 = (middle + at - away).tolist()
        image[channel] = torch.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 50)
    return image, shape + middle


@pytest.mark.parametrize("roll", ANGLES)
def test_the_look_that_shows_a_face_upright_places_it(roll: int) -> None:
    image, landmarks = spots(roll)
    (face,) = detect_faces(Compass(), image[None])
    assert face.reliable
    assert face.score == pytest.approx(0.999)
    assert distance(face, landmarks) < NEAR
    wide = 75 < face.box[2] - face.box[0]  # 63 px, or 87 px on its side
    assert wide == (roll not in (0, 180, 30, 330, 150, 210))


def test_clearly_upright_faces_cost_no_look_and_stay_to_the_bit() -> None:
    image, _ = spots(5)
    compass = Compass()
    found = compass(image[None], 0.5)[0]
    same, reliable = look_again(compass, image, found)
    assert compass.looks == 1
    assert same is found
    assert reliable.tolist() == [True]


def test_a_doubtful_face_that_is_upright_stays_to_the_bit() -> None:
    image, _ = spots(5)
    found = replace(Compass()(image[None], 0.5)[0], scatter=torch.tensor([0.1]))
    same, reliable = look_again(Compass(), image, found)
    assert torch.equal(same.landmarks, found.landmarks)
    assert torch.equal(same.boxes, found.boxes) and torch.equal(same.scores, found.scores)
    assert reliable.tolist() == [True]


def test_where_no_look_shows_a_face_it_stays_and_cannot_be_relied_on() -> None:
    image, _ = spots(90)
    (face,) = detect_faces(Compass(blind=True), image[None])
    assert not face.reliable
    assert face.score == pytest.approx(0.9)


def test_a_face_that_only_scores_low_can_be_relied_on_as_before() -> None:
    image, _ = spots(0)
    found = Compass()(image[None], 0.5)[0]
    found = replace(found, scores=torch.tensor([0.7]))
    same, reliable = look_again(Compass(blind=True), image, found)
    assert torch.equal(same.landmarks, found.landmarks)
    assert reliable.tolist() == [True]


def test_a_turned_face_that_was_found_twice_is_one() -> None:
    image, landmarks = spots(90)
    found = Compass()(image[None], 0.5)[0]
    twice = found.select(torch.tensor([0, 0]))
    twice = replace(twice, boxes=twice.boxes + torch.tensor([[0.0], [25.0]]))
    faces, reliable = look_again(Compass(), image, twice)
    assert len(faces) == 1 and reliable.tolist() == [True]
    torch.testing.assert_close(faces.landmarks[0], landmarks, atol=12, rtol=0)


def test_in_a_clip_a_face_that_turns_over_is_one_track() -> None:
    frames = torch.stack([spots(roll, 200)[0] for roll in range(0, 200, 20)])
    faces = detect_in_clip(Compass(), frames)
    assert [face.image_index for face in faces] == list(range(10))
    assert {face.track for face in faces} == {0}
    assert all(face.reliable for face in faces)


def test_in_a_clip_what_cannot_be_relied_on_is_told_and_followed_apart() -> None:
    class FlickeringCompass(Compass):
        def _find(self, image: Tensor, threshold: float) -> Detections:
            self.blind = image[2].max().item() > 0.5
            return super()._find(image, threshold)

    frames = torch.stack([spots(90, 200)[0] for _ in range(4)])
    frames[3, 2] = 1.0  # in the last frame no look helps
    faces = detect_in_clip(FlickeringCompass(), frames)
    assert [(face.image_index, face.reliable) for face in faces] == [
        (0, True),
        (1, True),
        (2, True),
        (3, False),
    ]
    assert [face.track for face in faces] == [0, 0, 0, 1]
    assert [face.number for face in faces] == [0, 0, 0, 1]


# --- with the bundled networks ----------------------------------------------------------------


@pytest.mark.parametrize("degrees", ANGLES)
def test_a_photograph_shows_its_face_at_every_angle(degrees: int, bundled: FaceDetector) -> None:
    image = astronaut()
    (upright,) = detect_faces(bundled, image[None])
    turned, forth = turn(image, degrees)
    faces = [face for face in detect_faces(bundled, turned[None]) if face.reliable]
    landmarks = transform_points(forth, upright.landmarks.double()).float()
    assert min(distance(face, landmarks) for face in faces) < NEAR
    assert len(faces) == 1


def test_a_turned_face_is_placed_alike_at_every_angle(bundled: FaceDetector) -> None:
    """So that a network which knows how faces lie draws the same one."""
    image = blurred_astronaut()
    places: list[Tensor] = []
    for degrees in ANGLES[1:]:
        turned, forth = turn(image, degrees)
        (face,) = (face for face in detect_faces(bundled, turned[None]) if face.reliable)
        places.append(transform_points(invert_affine(forth), face.landmarks.double()).float())
    eyes = torch.stack([place[1] - place[0] for place in places])
    lengths, rolls = eyes.norm(dim=1), torch.atan2(eyes[:, 1], eyes[:, 0]).rad2deg()
    assert lengths.max() / lengths.min() < 1.025
    assert rolls.max() - rolls.min() < 1.5


def psnr(image: Tensor, other: Tensor, mask: Tensor) -> float:
    error = ((image - other).square().mean(0) * mask).sum() / mask.sum()
    return -10 * math.log10(error.item())


@pytest.mark.parametrize("network", BUNDLED_NETWORKS)
def test_a_face_is_restored_at_every_angle_as_well_as_upright(
    bundled: FaceDetector, network: str
) -> None:
    clean, blurred = astronaut(), blurred_astronaut()
    (face,) = detect_faces(bundled, clean[None])
    x, y = face.landmarks.mean(0).tolist()
    across, down = torch.arange(256) + 0.5 - x, torch.arange(256)[:, None] + 0.5 - y
    mask = ((across**2 + down**2).sqrt() < 45).float()

    model = load_panini(network)
    values: dict[int, float] = {}
    for degrees in ANGLES:
        turned, forth = turn(blurred, degrees)
        result = restore_images_with_report(bundled, model, turned[None])
        assert sum(result.reports[0].selected) == 1
        back = Pyramid(result.images[0]).sample(forth[None], (256, 256), "reflection")[0]
        values[degrees] = psnr(back, clean, mask)
    assert min(values.values()) > values[0] - 0.3, values


def test_an_upside_down_portrait_is_restored_as_it_is_upright(
    shared: Path, bundled: FaceDetector
) -> None:
    upside_down = read_image(shared / "cases/upside_down_portrait.png").pixels
    model = load_panini()
    results = [
        restore_images_with_report(bundled, model, image[None])
        for image in (upside_down, upside_down.flip(1, 2))
    ]
    for result in results:
        assert result.reports[0].selected == (True,)
    mask = results[1].masks[0, 0]
    turned_back = results[0].images[0].flip(1, 2)
    same = psnr(turned_back, results[1].images[0], mask)
    assert same > psnr(upside_down.flip(1, 2), results[1].images[0], mask) + 3
