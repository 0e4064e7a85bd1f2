"""The usual pipeline does all of its work, and gives a picture back."""

from __future__ import annotations

import pytest

from benchmarks.scenes import scene
from benchmarks.usual import UsualPipeline
from panini_core import detect_faces, load_detector

pytest.importorskip("facexlib")
pytest.importorskip("spandrel")


def test_every_face_is_cut_out_and_pasted_back() -> None:
    usual = UsualPipeline("mobile0.25")
    picture = scene(2, 512)
    faces = detect_faces(load_detector(), picture[None])
    result = usual(picture, faces, network=False)
    assert result.shape == (512, 512, 3)
    assert len(usual.helper.cropped_faces) == len(faces) == 2
    before = (picture.permute(1, 2, 0) * 255).numpy()[..., ::-1]
    assert abs(result - before).mean() < 8  # its crops are not sharper than before
