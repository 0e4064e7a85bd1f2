"""The reference figures of the 36 measured faces and of the six published pairs.

The VGG distance of all of the former takes minutes on a CPU, so there it is measured on one face,
against its value in a run that gave the reference figure over all.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from panini_core.images import read_image
from panini_lab.metrics.backbones import VGG_FILE
from panini_lab.metrics.evaluation import evaluate_folders
from panini_lab.metrics.vgg_distance import load_vgg_features, vgg_distance


@pytest.fixture
def eval_faces(shared: Path) -> Path:
    folder = shared / "data" / "eval"
    if not folder.is_dir():
        pytest.skip(f"needs the measured faces: no folder {folder}")
    return folder


def test_figures_of_all_faces(eval_faces: Path, shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the package onnx")
    shutil.copy(shared / "data" / "weights" / "mobilefacenet.onnx", tmp_path)
    report = evaluate_folders(eval_faces / "degraded", eval_faces / "clean", backbones=tmp_path)
    averages = report.degraded.averages()
    assert len(report.names) == 36
    assert averages["psnr"] == pytest.approx(25.08, abs=0.005)
    assert averages["ssim"] == pytest.approx(0.647, abs=0.0005)
    assert averages["identity"] == pytest.approx(0.630, abs=0.0005)
    severities = report.to_dict()["by_severity"]
    assert {name: group["pairs"] for name, group in severities.items()} == {
        "mild": 12,
        "medium": 12,
        "heavy": 12,
    }


def test_vgg_distance_of_one_face(eval_faces: Path, shared: Path) -> None:
    vgg = load_vgg_features(shared / "data" / "weights" / "vgg19_features.safetensors")
    degraded = read_image(eval_faces / "degraded" / "034.png").pixels[None]
    clean = read_image(eval_faces / "clean" / "034.webp").pixels[None]
    with torch.inference_mode():
        distance = vgg_distance(vgg, degraded, clean)
    assert distance.item() == pytest.approx(0.7864, abs=0.0005)


def test_texture_and_fine_energy_of_the_published_pairs(shared: Path, tmp_path: Path) -> None:
    pairs = shared / "data" / "official"
    if not pairs.is_dir():
        pytest.skip(f"needs the published pairs: no folder {pairs}")
    shutil.copy(shared / "data" / "weights" / VGG_FILE, tmp_path)
    report = evaluate_folders(pairs / "MFR", pairs / "GT", pairs / "MFR_result", backbones=tmp_path)
    assert len(report.names) == 6
    degraded = report.degraded.averages()
    assert degraded["texture"] == pytest.approx(0.448, abs=0.0005)
    assert degraded["fine_median"] == pytest.approx(0.10, abs=0.005)
    assert report.restored is not None
    restored = report.restored.averages()
    assert restored["texture"] == pytest.approx(0.197, abs=0.0005)
    assert restored["fine_median"] == pytest.approx(0.76, abs=0.005)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="takes minutes without a GPU")
def test_vgg_distance_of_all_faces(eval_faces: Path, shared: Path) -> None:
    report = evaluate_folders(
        eval_faces / "degraded",
        eval_faces / "clean",
        backbones=shared / "data" / "weights",
        device="cuda",
    )
    assert report.degraded.averages()["vgg"] == pytest.approx(0.736, abs=0.0005)
