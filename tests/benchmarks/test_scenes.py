"""Pictures with as many faces as asked for."""

from __future__ import annotations

import pytest

from benchmarks.scenes import scene
from panini_core import detect_faces, load_detector


@pytest.mark.parametrize("faces", [1, 4, 5])
def test_the_detector_finds_the_faces_that_are_drawn(faces: int) -> None:
    picture = scene(faces, 640)
    assert picture.shape == (3, 640, 640)
    assert 0 <= picture.min() and picture.max() <= 1
    assert len(detect_faces(load_detector(), picture[None])) == faces
