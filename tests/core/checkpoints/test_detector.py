"""Files of face detectors."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from panini_core.checkpoints import CheckpointError
from panini_core.checkpoints.detector import (
    BUNDLED_DETECTOR,
    find_detector,
    load_detector,
)
from panini_core.models.retinaface import RetinaFace
from panini_core.options import BEST_DETECTOR


@pytest.fixture(autouse=True)
def _same_numbers_each_run() -> None:
    torch.manual_seed(0)


def test_resnet50_is_loaded_from_a_folder(tmp_path: Path) -> None:
    network = RetinaFace("resnet50").eval()
    state = {
        f"module.{name}": value.half() if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    torch.save(state, tmp_path / "detection_Resnet50_Final.pth")
    (tmp_path / "detection_mobilenet0.25_Final.pth").write_bytes(b"not this one")
    detector = load_detector(tmp_path)
    assert detector.name == "RetinaFace resnet50"  # type: ignore[attr-defined]
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        for found, expected in zip(detector.network(images), network(images), strict=True):  # type: ignore[attr-defined]
            torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)
    detector(images, 0.5)


def test_auto_is_the_more_accurate_detector_where_a_folder_holds_it(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("not there", "empty", "first", "second")]
    assert find_detector() == find_detector("bundled") == BUNDLED_DETECTOR
    assert find_detector("auto", folders=folders) == BUNDLED_DETECTOR
    for folder in folders[1:]:
        folder.mkdir()
    for folder in folders[2:]:
        (folder / BEST_DETECTOR).write_bytes(b"not read yet")
    assert find_detector("auto", folders=folders) == folders[2] / BEST_DETECTOR
    assert find_detector("bundled", folders=folders) == BUNDLED_DETECTOR
    with pytest.raises(CheckpointError, match="first"):  # and loading reads what was found
        load_detector("auto", folders=folders)


def test_missing_and_wrong_files_say_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="auto, bundled, a RetinaFace file"):
        load_detector(tmp_path / "nothing.pth")
    with pytest.raises(FileNotFoundError, match="detection_Resnet50_Final"):
        load_detector(tmp_path)
    other = tmp_path / "other.safetensors"
    save_file({"generator.weight": torch.zeros(3)}, other)
    with pytest.raises(CheckpointError, match=r"facexlib's layout.*generator\.weight"):
        load_detector(other)


def test_an_incomplete_checkpoint_is_refused(tmp_path: Path) -> None:
    state = RetinaFace("mobile0.25").state_dict()
    state.pop("LandmarkHead.2.conv1x1.bias")
    path = tmp_path / "cut.pth"
    torch.save(state, path)
    with pytest.raises(CheckpointError, match=r"missing.*LandmarkHead\.2"):
        load_detector(path)
