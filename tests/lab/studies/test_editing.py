"""Sheets and figures of edited restorations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from panini_core.atlas import DegradationAtlas
from panini_core.models.panini import PaniniNet
from panini_core.options import SINGLE_DEGRADATIONS
from panini_core.stages.align import whole_picture_faces
from panini_core.stages.restore import restore_faces
from panini_lab.studies.editing import FIDELITIES, EditingStudy, study_editing
from panini_lab.training.atlas_builder import build_atlas


@pytest.fixture(scope="module")
def atlas(either_model: PaniniNet, study_faces: Tensor) -> DegradationAtlas:
    return build_atlas(either_model, study_faces)


@pytest.fixture(scope="module")
def study(either_model: PaniniNet, atlas: DegradationAtlas, study_faces: Tensor) -> EditingStudy:
    clean = study_faces[:3].float() / 255
    return study_editing(either_model, atlas, whole_picture_faces(clean), clean, tile=64)


def test_every_edit_has_its_settings(study: EditingStudy) -> None:
    settings = {
        edit: [result.setting for result in study.results if result.edit == edit]
        for edit in study.sheets
    }
    assert settings["degradation"] == list(SINGLE_DEGRADATIONS)
    assert settings["fidelity"] == [f"{value:g}" for value in FIDELITIES]
    levels = ["4 px", "8 px", "16 px", "picture"]
    sides = [f"{level}: {side}" for side in ("image", "prior") for level in levels]
    assert settings["levels"] == sides
    assert all(result.change >= 0 for result in study.results)
    assert any(result.change > 0.1 for result in study.results)


def test_the_neutral_setting_changes_nothing(
    either_model: PaniniNet, study: EditingStudy, study_faces: Tensor
) -> None:
    (neutral,) = [r for r in study.results if (r.edit, r.setting) == ("fidelity", "0.5")]
    assert neutral.change == 0
    clean = study_faces[:3].float() / 255
    restored = restore_faces(either_model, whole_picture_faces(clean)).crops
    error = (restored - clean).square().mean((1, 2, 3))
    assert neutral.psnr == pytest.approx(float((-10 * error.log10()).mean()), abs=1e-3)


def test_sheets_show_every_face_and_setting(study: EditingStudy) -> None:
    for edit, columns, rows in (("degradation", 7, 1), ("levels", 5, 2), ("fidelity", 7, 1)):
        sheet = study.sheets[edit]
        assert sheet.shape[2] >= columns * 64
        assert sheet.shape[1] >= 3 * rows * 64
        assert 0 <= sheet.min() and sheet.max() <= 1
    assert not torch.equal(study.sheets["degradation"], study.sheets["fidelity"])
