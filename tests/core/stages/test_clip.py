"""Detection in a clip: sure faces begin tracks, weak ones go on with them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.faces import Face
from panini_core.models.face_detector import Detections
from panini_core.stages.align import template
from panini_core.stages.clip import (
    SHARE_TO_GO_ON,
    detect_in_clip,
    detect_in_passing,
    finder,
)

HEIGHT, WIDTH = 60, 100
SURE, WEAK, UNLIKELY = 0.9, 0.6 * SHARE_TO_GO_ON + 0.05, 0.6 * SHARE_TO_GO_ON - 0.05

Seen = tuple[float, float, float]  # x of the crop's left side, its side, the score


class Script:
    """Finds in each frame what is written; keeps the number of every frame that it was shown.

    Closer looks, which are square, show it nothing.
    """

    device = torch.device("cpu")

    def __init__(self, *frames: Sequence[Seen]) -> None:
        self.frames = frames
        self.shown: list[int] = []

    def play(self) -> Tensor:
        """The frames, each of its own brightness, which tells which one it is."""
        brightness = torch.arange(len(self.frames)) / 50
        return brightness.view(-1, 1, 1, 1).expand(-1, 3, HEIGHT, WIDTH).contiguous()

    def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
        if images.shape[-1] == images.shape[-2]:
            return [Detections(torch.empty(0, 4), torch.empty(0, 5, 2), torch.empty(0))] * len(
                images
            )
        return [self._find(image, threshold) for image in images]

    def _find(self, image: Tensor, threshold: float) -> Detections:
        frame = round(image.mean().item() * 50)
        self.shown.append(frame)
        scale = image.shape[-1] / WIDTH
        written = torch.tensor(self.frames[frame]).view(-1, 3)
        left, side, scores = written[:, :1, None], written[:, 1:2, None], written[:, 2]
        landmarks = template(512).float() / 512 * side + torch.tensor([1.0, 0.0]) * left
        landmarks = landmarks * scale
        boxes = torch.cat([landmarks.amin(1) - 5 * scale, landmarks.amax(1) + 5 * scale], dim=1)
        return Detections(boxes, landmarks, scores).select(scores > threshold)


def one_face(*scores: float) -> Script:
    """A face that stands, and how sure the detector is of it."""
    return Script(*([(20.0, 50.0, score)] for score in scores))


def frames_of(faces: Sequence[Face]) -> list[int]:
    return [face.image_index for face in faces]


def test_a_weak_face_goes_on_with_a_track_before_and_after() -> None:
    script = one_face(WEAK, SURE, WEAK, WEAK)
    faces = detect_in_clip(script, script.play())
    assert frames_of(faces) == [0, 1, 2, 3]
    assert [face.score for face in faces] == pytest.approx([WEAK, SURE, WEAK, WEAK])
    assert {face.track for face in faces} == {0}
    assert not any(face.filled for face in faces)


def test_weak_faces_alone_are_none() -> None:
    script = one_face(WEAK, WEAK, WEAK)
    assert detect_in_clip(script, script.play()) == []


def test_what_is_weaker_than_the_share_ends_a_track() -> None:
    script = one_face(UNLIKELY, SURE, SURE, UNLIKELY)
    assert frames_of(detect_in_clip(script, script.play())) == [1, 2]


def test_a_gap_is_filled_in() -> None:
    script = one_face(SURE, UNLIKELY, SURE)
    faces = detect_in_clip(script, script.play())
    assert [(face.filled, face.score) for face in faces] == [
        (False, pytest.approx(SURE)),
        (True, 0),
        (False, pytest.approx(SURE)),
    ]
    torch.testing.assert_close(faces[1].box, faces[0].box, atol=1e-3, rtol=0)


def test_a_gap_in_which_the_picture_is_another_stays_empty() -> None:
    """A flash, a cut to something else: what is there is not the face that was followed."""
    script = one_face(SURE, UNLIKELY, SURE)
    frames = script.play()
    pattern = torch.rand(1, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0)) - 0.5
    pattern = torch.nn.functional.avg_pool2d(pattern, 9, stride=1, padding=4)
    pattern = 0.02 * (pattern - pattern.mean()) / pattern.std()
    assert frames_of(detect_in_clip(script, frames + pattern)) == [0, 1, 2]
    frames = frames + torch.stack([pattern, pattern.flip(1), pattern])
    assert frames_of(detect_in_clip(script, frames)) == [0, 2]


def test_the_threshold_moves_both_what_begins_and_what_goes_on() -> None:
    script = one_face(0.5, 0.22, 0.18)
    assert frames_of(detect_in_clip(script, script.play(), threshold=0.4)) == [0, 1]
    assert frames_of(detect_in_clip(script, script.play(), threshold=0.3)) == [0, 1, 2]
    assert detect_in_clip(script, script.play(), threshold=0.6) == []


def test_sizes_bound_the_second_look_too() -> None:
    script = Script(*([(20.0, side, score)] for side, score in [(60, SURE), (52, WEAK)]))
    first, second = (face.size for face in detect_in_clip(script, script.play()))
    middle = (first + second) / 2
    assert frames_of(detect_in_clip(script, script.play(), min_size=middle)) == [0]
    script = Script(*([(20.0, side, score)] for side, score in [(52, SURE), (60, WEAK)]))
    assert frames_of(detect_in_clip(script, script.play(), max_size=middle)) == [0]


def test_tracks_are_numbered_as_they_appear_and_keep_their_numbers() -> None:
    """A face at the right is there first; one at the left comes later and is number 1."""
    right, left = (55.0, 40.0, SURE), (0.0, 40.0, SURE)
    script = Script([right], [left, right], [right, left])
    faces = detect_in_clip(script, script.play())
    assert [(face.image_index, face.track) for face in faces] == [
        *((0, 0), (1, 0), (1, 1), (2, 0), (2, 1))
    ]
    assert [face.number for face in faces] == [face.track for face in faces]
    for face in faces:
        assert (face.box[0] > WIDTH / 2) == (face.track == 0)


def test_only_frames_in_which_a_track_misses_its_face_are_looked_at_again() -> None:
    script = one_face(SURE, SURE, WEAK, SURE)
    steps: list[tuple[int, int]] = []
    detect_in_clip(script, script.play(), on_image=lambda *step: steps.append(step))
    looks = {frame: script.shown.count(frame) for frame in range(4)}
    assert looks[0] == looks[1] == looks[3]
    assert looks[2] == 2 * looks[0]
    assert steps[-2:] == [(4, 4), (4, 4)]  # the last of all frames, and the second look
    assert all(done <= total == 4 for done, total in steps)


def test_a_callback_may_stop_the_second_look() -> None:
    script = one_face(SURE, WEAK, WEAK)
    finished: list[int] = []

    def stop(done: int, total: int) -> None:
        finished.append(done)
        if finished.count(total) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_in_clip(script, script.play(), on_image=stop)
    assert script.shown.count(1) == script.shown.count(2) == script.shown.count(0)


@settings(max_examples=20)
@given(scores=st.lists(st.sampled_from([SURE, WEAK, UNLIKELY]), min_size=1, max_size=8))
def test_a_standing_face_is_followed_from_its_first_to_its_last_sight(scores: list[float]) -> None:
    """Weak sights count where a sure one is near enough; what lies between is seen or filled."""
    script = one_face(*scores)
    faces = detect_in_clip(script, script.play())
    assert all(scores[face.image_index] != UNLIKELY or face.filled for face in faces)
    sure = {frame for frame, score in enumerate(scores) if score == SURE}
    assert sure <= set(frames_of(faces))
    if not sure:
        assert faces == []
    for track in {face.track for face in faces}:
        frames = frames_of([face for face in faces if face.track == track])
        assert frames == list(range(frames[0], frames[-1] + 1))
        assert sure & set(frames)


# --- clips that come frame by frame --------------------------------------------------------------


def in_passing(script: Script, frames: Tensor) -> list[Face]:
    looks = [(lambda image=image: image) for image in frames]
    stretches = detect_in_passing(looks, (HEIGHT, WIDTH), finder(script, script.device))
    return [face for stretch in stretches for face in stretch.faces]


@settings(max_examples=8)
@given(scores=st.lists(st.sampled_from([SURE, WEAK, UNLIKELY]), min_size=1, max_size=40))
def test_in_passing_the_same_faces_are_found(scores: list[float]) -> None:
    whole, passing = one_face(*scores), one_face(*scores)
    expected = detect_in_clip(whole, whole.play())
    found = in_passing(passing, passing.play())
    keys = [(face.image_index, face.number, face.filled, face.score) for face in expected]
    assert [(face.image_index, face.number, face.filled, face.score) for face in found] == keys
    assert sorted(passing.shown) == sorted(whole.shown)


def test_frames_are_let_go() -> None:
    """Of a long clip few frames are held, whatever its length."""
    alive: set[int] = set()
    most: list[int] = []

    class Frame:
        def __init__(self, number: int) -> None:
            self.number = number
            alive.add(number)

        def __del__(self) -> None:
            alive.discard(self.number)

        def __call__(self) -> Tensor:
            most.append(len(alive))
            return torch.full((3, HEIGHT, WIDTH), 0.02)

    script = one_face(UNLIKELY, SURE)
    looks = (Frame(number) for number in range(120))
    for _ in detect_in_passing(looks, (HEIGHT, WIDTH), finder(script, script.device)):
        pass
    assert max(most) < 80


def test_a_cut_to_another_face_at_the_same_place_begins_a_track() -> None:
    script = one_face(*[SURE] * 12)
    frames = script.play()
    stripes = torch.ones(1, HEIGHT, WIDTH)
    stripes[:, :, : WIDTH // 2] = -1
    frames[6:] += 0.1 * stripes  # another picture of the same brightness, by which the script goes
    expected = [0] * 6 + [1] * 6
    assert [face.track for face in detect_in_clip(script, frames)] == expected
    assert [face.track for face in in_passing(one_face(*[SURE] * 12), frames)] == expected
