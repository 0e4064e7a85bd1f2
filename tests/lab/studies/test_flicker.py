"""How steady a restored face is from frame to frame."""

from __future__ import annotations

import pytest
import torch

from panini_core import load_detector, load_panini
from panini_core.sample_photo import sample_photo
from panini_lab.studies.flicker import study_flicker
from panini_lab.studies.reports import report_flicker


def test_smoothing_makes_a_standing_face_steadier_and_keeps_its_detail() -> None:
    photograph = sample_photo()[..., :320, 80:400]
    progress: list[tuple[int, int]] = []
    study, picture = study_flicker(
        load_panini(),
        load_detector(),
        photograph,
        frames=14,
        on_progress=lambda *state: progress.append(state),
    )
    assert study.reduction >= 3
    assert study.flicker_with < study.flicker_without
    assert 0.95 <= study.texture_kept <= 1.05
    assert study.ghost < 0.03
    assert picture.shape[0] == 3 and picture.min() >= 0 and picture.max() <= 1
    assert progress == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert f"{study.reduction:.1f}" in report_flicker(study)


def test_a_picture_without_a_face_is_refused() -> None:
    with pytest.raises(ValueError, match="choose another"):
        study_flicker(load_panini(), load_detector(), torch.zeros(1, 3, 96, 96), frames=2)
