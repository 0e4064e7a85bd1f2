"""Pictures and faces as values for JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from panini_core.cli.report import LANDMARKS, describe_face, describe_image, note_left_alone
from panini_core.faces import Face
from panini_core.images import ImageFile, read_image, write_image

POINTS = ((10.123, 20.0), (30.0, 20.556), (20.0, 30.0), (12.0, 40.0), (28.0, 40.0))


@pytest.fixture
def face() -> Face:
    box = torch.tensor([1.234, 2.0, 50.0, 60.999])
    return Face(box, torch.tensor(POINTS), 0.987654, number=7)


def test_a_picture_is_described_as_its_file_is(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_image(path, ImageFile(torch.zeros(3, 20, 30), bit_depth=16, grey=True))
    described = describe_image(path, read_image(path))
    assert json.loads(json.dumps(described)) == {
        "source": str(path),
        "width": 30,
        "height": 20,
        "format": "TIFF",
        "bit_depth": 16,
    }


def test_a_face_is_described_in_rounded_pixels(face: Face) -> None:
    assert json.loads(json.dumps(describe_face(3, face))) == {
        "index": 3,
        "box": [1.23, 2.0, 50.0, 61.0],
        "landmarks": {
            "left_eye": [10.12, 20.0],
            "right_eye": [30.0, 20.56],
            "nose": [20.0, 30.0],
            "left_mouth_corner": [12.0, 40.0],
            "right_mouth_corner": [28.0, 40.0],
        },
        "score": 0.9877,
        "reliable": True,
    }


def test_landmarks_keep_the_order_of_a_face(face: Face) -> None:
    assert tuple(describe_face(0, face)["landmarks"]) == LANDMARKS


def test_faces_that_are_left_alone_are_counted_in_a_note(face: Face) -> None:
    wrong = replace(face, reliable=False)
    assert note_left_alone([describe_face(0, face)]) == ()
    described = [describe_face(0, wrong), describe_face(1, face), describe_face(2, wrong)]
    assert note_left_alone(described) == ("left alone, since no landmarks fit: 2",)


def test_landmarks_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        describe_face(0, Face(torch.zeros(4), torch.zeros(4, 2), 1.0))
