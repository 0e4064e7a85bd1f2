from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from panini_core.checkpoints.detector import load_detector
from panini_core.images import read_image
from panini_core.models.face_detector import (
    CENTRE_VARIANCE,
    Detections,
    RetinaFaceDetector,
    decode_boxes,
    decode_landmarks,
    prior_boxes,
)


def detections(boxes: list[list[float]], scores: list[float]) -> Detections:
    corners = torch.tensor(boxes, dtype=torch.float32)
    landmarks = corners[:, None, :2].repeat(1, 5, 1)
    return Detections(corners, landmarks, torch.tensor(scores))


@pytest.mark.parametrize(("height", "width"), [(64, 96), (65, 97), (1, 1), (310, 491)])
def test_prior_boxes_cover_every_cell_of_three_grids(height: int, width: int) -> None:
    expected = sum(2 * -(-height // stride) * -(-width // stride) for stride in (8, 16, 32))
    priors = prior_boxes(height, width)
    assert priors.shape == (expected, 3)
    assert priors[0].tolist() == [4, 4, 16]
    assert priors[1].tolist() == [4, 4, 32]
    assert priors[-1].tolist() == [
        (-(-width // 32) - 0.5) * 32,
        (-(-height // 32) - 0.5) * 32,
        512,
    ]


def test_offsets_of_zero_decode_to_the_prior_itself() -> None:
    priors = torch.tensor([[100.0, 50.0, 32.0]])
    assert decode_boxes(torch.zeros(1, 4), priors).tolist() == [[84, 34, 116, 66]]
    assert decode_landmarks(torch.zeros(1, 10), priors).tolist() == [[[100, 50]] * 5]


def test_decoding_moves_by_shares_of_the_prior() -> None:
    priors = torch.tensor([[100.0, 50.0, 32.0]])
    moved = decode_boxes(torch.tensor([[1.0, -1.0, 0.0, 0.0]]), priors)
    step = 32 * CENTRE_VARIANCE
    torch.testing.assert_close(moved, torch.tensor([[84 + step, 34 - step, 116 + step, 66 - step]]))


def test_overlapping_boxes_count_once_and_those_that_agree_vote() -> None:
    merged = detections(
        [[0, 0, 100, 100], [4, 0, 104, 100], [40, 0, 140, 100], [300, 0, 400, 100]],
        [0.9, 0.6, 0.7, 0.95],
    ).merge_overlaps()
    assert merged.scores.tolist() == pytest.approx([0.95, 0.9])
    expected = 4 * 0.6 / (0.9 + 0.6)  # the third overlaps the first too little to have a vote
    torch.testing.assert_close(merged.boxes[1], torch.tensor([expected, 0, 100 + expected, 100]))
    assert merged.landmarks[1, 0, 0].item() == pytest.approx(expected)


def test_merging_nothing_gives_nothing() -> None:
    empty = Detections(torch.zeros(0, 4), torch.zeros(0, 5, 2), torch.zeros(0))
    merged = empty.merge_overlaps()
    assert merged.boxes.shape == (0, 4)
    assert merged.landmarks.shape == (0, 5, 2)


class Recorder(nn.Module):
    """A network that finds one face at one prior of each image, and keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = torch.empty(0)

    def forward(self, bgr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.seen = bgr
        count, priors = bgr.shape[0], prior_boxes(bgr.shape[-2], bgr.shape[-1]).shape[0]
        scores = torch.zeros(count, priors, 2)
        for image in range(count):
            scores[image, 2 * image, 1] = 0.8
        return torch.zeros(count, priors, 4), scores, torch.zeros(count, priors, 10)


def test_the_network_is_given_bgr_in_255_steps_minus_the_mean() -> None:
    network = Recorder()
    image = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    RetinaFaceDetector(network, "stub")(image, 0.5)
    assert network.seen[0, :, 0, 0].tolist() == [0 - 104, 127.5 - 117, 255 - 123]


def test_every_image_of_a_batch_gets_its_own_faces() -> None:
    found = RetinaFaceDetector(Recorder(), "stub")(torch.zeros(3, 3, 32, 64), 0.5)
    assert [len(one) for one in found] == [1, 1, 1]
    centres = [one.landmarks[0, 0].tolist() for one in found]
    assert centres == [[4, 4], [12, 4], [20, 4]]
    assert [
        len(one) for one in RetinaFaceDetector(Recorder(), "stub")(torch.zeros(2, 3, 32, 32), 0.9)
    ] == [0, 0]


class Guesser(nn.Module):
    """Finds faces of random scores that lie near one another."""

    def forward(self, bgr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        priors = prior_boxes(bgr.shape[-2], bgr.shape[-1]).shape[0]
        generator = torch.Generator().manual_seed(3)
        scores = torch.rand(1, priors, 2, generator=generator)
        boxes = torch.randn(1, priors, 4, generator=generator)
        return boxes, scores, torch.randn(1, priors, 10, generator=generator)


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95])
def test_a_lower_threshold_adds_faces_and_moves_none(threshold: float) -> None:
    detector = RetinaFaceDetector(Guesser(), "stub")
    image = torch.zeros(1, 3, 64, 96)
    (every,) = detector(image, 0.1)
    (sure,) = detector(image, threshold)
    kept = every.select(every.scores > threshold)
    assert 0 < len(sure) < len(every)
    torch.testing.assert_close(kept.scores, sure.scores)
    torch.testing.assert_close(kept.boxes, sure.boxes)
    torch.testing.assert_close(kept.landmarks, sure.landmarks)


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\).*\(3, 32, 32\)"):
        RetinaFaceDetector(Recorder(), "stub")(torch.zeros(3, 32, 32), 0.5)


def test_the_bundled_detector_needs_no_package_beyond_torch() -> None:
    code = """
import sys
absent = ("facexlib", "onnxruntime", "onnx", "retinaface", "cv2", "torchvision")
sys.modules.update(dict.fromkeys(absent))
import torch
from panini_core import detect_faces, load_detector
print(detect_faces(load_detector(), torch.zeros(1, 3, 64, 64)))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout.decode().strip() == "[]"


def test_loading_leaves_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    assert load_detector().device == torch.device("cpu")
    assert torch.equal(torch.get_rng_state(), before)


def test_the_bundled_detector_agrees_with_its_package_which_rounds(shared: Path) -> None:
    retinaface = pytest.importorskip("retinaface")
    image = read_image(shared / "data/photos/group_four_small.jpg").pixels
    theirs = retinaface.detect_faces((image.permute(1, 2, 0) * 255).round().byte().numpy())
    ours = load_detector("bundled")(image[None], 0.9)[0]
    assert len(ours) == len(theirs) == 4
    for score, landmarks in zip(ours.scores, ours.landmarks, strict=True):
        # Ours is the mean of several priors, theirs the best one, with another mean for red.
        best = min(theirs, key=lambda face: abs(face.landmarks[2].x - landmarks[2, 0].item()))
        points = torch.tensor([[point.x, point.y] for point in best.landmarks])
        assert (points + 0.5 - landmarks).abs().max() < 2.5
        assert best.score == pytest.approx(score.item(), abs=0.02)
        assert (landmarks != landmarks.round()).any()


def test_both_mobile_detectors_see_the_same_faces(shared: Path) -> None:
    """Two trainings of one architecture: the same faces, landmarks within a few percent."""
    image = read_image(shared / "data/photos/group_four_small.jpg").pixels[None]
    bundled = load_detector("bundled")(image, 0.6)[0]
    facexlib = load_detector(shared / "data/weights/retinaface_mobile0.25.pth")(image, 0.6)[0]
    assert len(bundled) == len(facexlib) == 4
    left_to_right = (bundled.boxes[:, 0].argsort(), facexlib.boxes[:, 0].argsort())
    difference = bundled.landmarks[left_to_right[0]] - facexlib.landmarks[left_to_right[1]]
    side = bundled.boxes[left_to_right[0], 3] - bundled.boxes[left_to_right[0], 1]
    assert (difference.abs().amax((1, 2)) / side).max() < 0.06


def test_mirroring_mirrors_landmarks_in_continuous_coordinates(shared: Path) -> None:
    detector = load_detector("bundled")
    image = read_image(shared / "data/photos/group_four_small.jpg").pixels[None]
    found, mirrored = detector(image, 0.6)[0], detector(image.flip(-1), 0.6)[0]
    found = found.select(found.boxes[:, 0].argsort())
    mirrored = mirrored.select(mirrored.boxes[:, 0].argsort(descending=True))
    back = mirrored.landmarks[:, [1, 0, 2, 4, 3]] * torch.tensor([-1, 1])
    back = back + torch.tensor([image.shape[-1], 0])
    assert (back - found.landmarks).mean((0, 1)).abs().max() < 0.5
