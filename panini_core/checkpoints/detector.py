"""Files of face detectors: the bundled one, and RetinaFace in facexlib's layout."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

import torch

from ..models.face_detector import FaceDetector, RetinaFaceDetector
from ..models.retinaface import (
    FOLDED_KEY,
    KEY_OF_BACKBONE,
    RetinaFace,
    fold_batch_norms,
    recognise_backbone,
)
from ..options import AUTO, BEST_DETECTOR
from .files import CheckpointError, read_file
from .matching import match_tensors

BUNDLED_DETECTOR = Path(__file__).parent.parent / "weights" / "retinaface_mobile025.safetensors"

# What facexlib and the packs built on it call their files; the first is the more accurate one.
FACEXLIB_FILES = (BEST_DETECTOR, "detection_mobilenet0.25_Final.pth")

Folders = Iterable[str | PathLike[str]]


def load_detector(
    name_or_path: str | PathLike[str] = AUTO,
    *,
    folders: Folders = (),
    device: str | torch.device = "cpu",
) -> FaceDetector:
    """A face detector on `device`: RetinaFace resnet50 or mobile0.25, recognised by its keys.

    Which file is read `find_detector` says. Nothing in it is executed; torch's random state is
    not touched. Raises FileNotFoundError if there is no such file, and CheckpointError (a
    ValueError) if it is not such a checkpoint.
    """
    return _load_retinaface(find_detector(name_or_path, folders=folders)).to(device)


def find_detector(name_or_path: str | PathLike[str] = AUTO, *, folders: Folders = ()) -> Path:
    """The file of a face detector.

    `bundled`: RetinaFace mobile0.25 with the weights that come with this package. `auto`: the
    more accurate (and slower) `detection_Resnet50_Final.pth` of the first of `folders` that holds
    it, else the bundled one. A path: a file in facexlib's layout, or a folder that holds one under
    facexlib's file name.

    Raises FileNotFoundError if there is no such file.
    """
    path = Path(name_or_path)
    if str(path) == AUTO:
        files = (Path(folder) / BEST_DETECTOR for folder in folders)
        path = next((file for file in files if file.is_file()), Path("bundled"))
    if str(path) == "bundled":
        if not BUNDLED_DETECTOR.is_file():
            raise FileNotFoundError(
                f"{BUNDLED_DETECTOR} is missing, the face detector of this package: reinstall it, "
                f"or name a RetinaFace file in facexlib's layout (such as {FACEXLIB_FILES[0]})."
            )
        return BUNDLED_DETECTOR
    if path.is_dir():
        for name in FACEXLIB_FILES:
            if (path / name).is_file():
                return path / name
        raise FileNotFoundError(
            f"{path} holds no face detector: expected {' or '.join(FACEXLIB_FILES)}."
        )
    if not path.is_file():
        raise FileNotFoundError(
            f"No face detector {str(path)!r}: expected auto, bundled, a RetinaFace file in "
            "facexlib's layout, or a folder that holds one."
        )
    return path


def _load_retinaface(path: Path) -> RetinaFaceDetector:
    file = read_file(path)
    backbone = recognise_backbone(file.tensors)
    if backbone is None:
        keys = " or ".join(f"{key} ({name})" for name, key in KEY_OF_BACKBONE.items())
        raise CheckpointError(
            path,
            f"is not RetinaFace in facexlib's layout: expected a tensor {keys}, found "
            f"{len(file.tensors)} others such as {', '.join(sorted(file.tensors)[:3])}.",
        )
    with torch.random.fork_rng(devices=[]):  # the initial numbers are all replaced
        network = RetinaFace(backbone).eval()
    if FOLDED_KEY in file.tensors:  # as in the bundled file; facexlib's are not folded
        fold_batch_norms(network)
    network.load_state_dict(match_tensors(file, file.tensors, network))
    fold_batch_norms(network)
    return RetinaFaceDetector(network, f"RetinaFace {backbone}").eval()
