"""The evaluation of folders: pairing, sizes, notes, errors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from panini_core.images import ImageFileError, read_image
from panini_lab.metrics.backbones import VGG_FILE
from panini_lab.metrics.evaluation import MeasuredPair, evaluate_folders
from panini_lab.metrics.fine_energy import fine_energy
from panini_lab.metrics.psnr import EQUAL_PSNR
from panini_lab.metrics.report import EvaluationReport
from panini_lab.metrics.texture import texture_distance
from panini_lab.metrics.vgg_distance import load_vgg_features, vgg_distance

SIZE = 32


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Folders `degraded` (png) and `clean` (webp) with faces a, b, c; no backbones."""
    generator = torch.Generator().manual_seed(0)
    for name in ("backbones", "degraded", "clean"):
        (tmp_path / name).mkdir()
    for name in "abc":
        clean = torch.rand(3, SIZE, SIZE, generator=generator)
        noise = torch.randn(3, SIZE, SIZE, generator=generator)
        _save(tmp_path / "clean" / f"{name}.webp", clean)
        _save(tmp_path / "degraded" / f"{name}.png", clean + 0.1 * noise)
    return tmp_path


def _save(path: Path, pixels: Tensor) -> None:
    image = to_pil_image((pixels.clamp(0, 1) * 255).round().byte())
    path.parent.mkdir(exist_ok=True)
    image.save(path, lossless=True) if path.suffix == ".webp" else image.save(path)


def _evaluate(folder: Path, *arguments: Path, **options: Any) -> EvaluationReport:
    options = {"backbones": folder / "backbones", "size": SIZE, **options}
    return evaluate_folders(folder / "degraded", folder / "clean", *arguments, **options)


def test_pairs_go_by_name_and_the_rest_is_noted(faces: Path) -> None:
    _save(faces / "degraded" / "d.png", torch.rand(3, SIZE, SIZE))
    (faces / "clean" / "notes.txt").write_text("not a picture")
    report = _evaluate(faces)
    assert report.names == ("a", "b", "c")
    assert report.restored is None
    assert any("without a counterpart: d" in note for note in report.notes)
    assert all(15 < value < 25 for value in report.degraded.per_image["psnr"])


def test_metrics_that_cannot_be_had_are_notes_and_not_numbers(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    report = _evaluate(faces)
    assert set(report.to_dict()["degraded"]) == {"psnr", "ssim", "fine", "fine_median"}
    for metric in ("VGG", "texture", "identity", "LPIPS", "FID"):
        assert any(note.startswith(f"{metric} was not measured: ") for note in report.notes)
    assert str(faces / "backbones") in report.to_text()


def test_vgg_features_give_two_figures(faces: Path, shared: Path) -> None:
    """The same as the metrics alone, from one pass of each face through the network."""
    shutil.copy(shared / "data" / "weights" / VGG_FILE, faces / "backbones")
    pairs: list[MeasuredPair] = []
    report = _evaluate(faces, restore=lambda images: images * 0.5, on_pair=pairs.append)
    assert not any(note.startswith(("VGG", "texture")) for note in report.notes)
    features = load_vgg_features(faces / "backbones" / VGG_FILE)
    for pair in pairs:
        assert list(pair.figures["restored"]) == ["psnr", "ssim", "vgg", "texture", "fine"]
        with torch.inference_mode():
            clean = features(pair.clean)
            for kind, face in pair.candidates.items():
                texture = texture_distance(features(face), clean).item()
                assert pair.figures[kind]["texture"] == pytest.approx(texture, rel=1e-4)
                distance = vgg_distance(features, face, pair.clean).item()
                assert pair.figures[kind]["vgg"] == pytest.approx(distance, rel=1e-4)
                fine = fine_energy(face, pair.clean).item()
                assert pair.figures[kind]["fine"] == pytest.approx(fine)


def test_restored_faces_of_a_folder(faces: Path) -> None:
    for file in (faces / "clean").iterdir():
        with Image.open(file) as image:
            (faces / "restored").mkdir(exist_ok=True)
            image.save(faces / "restored" / f"{file.stem}.png")
    values = _evaluate(faces, faces / "restored").to_dict()
    assert values["restored"]["psnr"] == 100
    assert values["restored"]["ssim"] == pytest.approx(1)
    assert values["restored"]["fine"] == values["restored"]["fine_median"] == 1
    assert values["change"]["psnr"] == pytest.approx(100 - values["degraded"]["psnr"])
    json.dumps(values, allow_nan=False)


def test_clean_faces_against_themselves(faces: Path) -> None:
    """What a restorer does to faces that need none: all figures stay finite and mean something."""
    (faces / "pairs.csv").write_text("name,severity\na,mild\nb,heavy\nc,mild\n")
    report = evaluate_folders(
        faces / "clean",
        faces / "clean",
        restore=lambda images: (images + 0.01).clamp(0, 1),
        backbones=faces / "backbones",
        size=SIZE,
    )
    values = report.to_dict()
    assert values["degraded"]["psnr"] == EQUAL_PSNR
    assert 35 < values["restored"]["psnr"] < 45
    assert report.severities == ()  # those are of the degraded faces
    assert any(note.startswith("3 of 3 degraded faces equal") for note in report.notes)
    assert not any("restored faces equal" in note for note in report.notes)
    json.dumps(values, allow_nan=False)


def test_one_restored_face_that_equals_its_clean_one_is_counted(faces: Path) -> None:
    for file in (faces / "clean").iterdir():
        clean = read_image(file).pixels
        _save(faces / "restored" / f"{file.stem}.png", clean if file.stem == "b" else clean * 0.9)
    report = _evaluate(faces, faces / "restored")
    assert report.restored is not None
    ratios = report.restored.per_image["psnr"]
    assert ratios[1] == EQUAL_PSNR
    assert max(ratios[0], ratios[2]) < 40
    assert report.restored.averages()["psnr"] == pytest.approx(sum(ratios) / 3)
    (note,) = [note for note in report.notes if "equal" in note]
    assert note.startswith("1 of 3 restored faces")
    assert "100 dB" in note


def test_every_pair_is_shown_with_its_figures(faces: Path) -> None:
    (faces / "pairs.csv").write_text("name,severity\na,mild\nb,heavy\n")
    pairs: list[MeasuredPair] = []
    report = _evaluate(faces, restore=lambda images: images * 0.5, on_pair=pairs.append)
    assert [(pair.name, pair.severity) for pair in pairs] == [
        ("a", "mild"),
        ("b", "heavy"),
        ("c", "unknown"),
    ]
    for index, pair in enumerate(pairs):
        clean = read_image(faces / "clean" / f"{pair.name}.webp").pixels[None]
        degraded = read_image(faces / "degraded" / f"{pair.name}.png").pixels[None]
        assert torch.equal(pair.clean, clean)
        assert torch.equal(pair.candidates["degraded"], degraded)
        halves = (pair.candidates["restored"] - degraded * 0.5).abs()
        assert halves.max() <= 0.5 / 255 + 1e-6
        assert pair.figures == {
            kind: report.to_dict()["images"][index][kind] for kind in ("degraded", "restored")
        }


def test_a_restoring_function_counts_as_the_files_it_would_write(faces: Path) -> None:
    def restore(images: Tensor) -> Tensor:
        assert images.shape == (1, 3, SIZE, SIZE)
        return images * 1.2 - 0.1

    report = _evaluate(faces, restore=restore)
    for name in "abc":
        pixels = read_image(faces / "degraded" / f"{name}.png").pixels
        _save(faces / "restored" / f"{name}.png", restore(pixels[None])[0])
    written = _evaluate(faces, faces / "restored")
    assert report.restored is not None
    assert written.restored is not None
    for metric, values in report.restored.per_image.items():
        assert values == pytest.approx(written.restored.per_image[metric], abs=1e-4)


def test_a_larger_restoration_is_brought_to_size(faces: Path) -> None:
    def enlarge(images: Tensor) -> Tensor:
        return torch.nn.functional.interpolate(images, scale_factor=2, mode="nearest")

    change = _evaluate(faces, restore=enlarge).to_dict()["change"]
    assert abs(change["psnr"]) < 3


def test_a_restoration_that_is_not_finite_is_an_error(faces: Path) -> None:
    with pytest.raises(ValueError, match="Restoring a must give finite"):
        _evaluate(faces, restore=lambda images: images / 0 * 0)


def test_other_sizes_are_brought_to_size(faces: Path) -> None:
    smooth = torch.linspace(0, 1, 4 * SIZE).expand(3, 4 * SIZE, -1)
    _save(faces / "clean" / "a.webp", smooth)
    small = torch.nn.functional.avg_pool2d(smooth[None], 8)[0]
    _save(faces / "degraded" / "a.png", small)
    report = _evaluate(faces)
    assert report.degraded.per_image["psnr"][0] > 35


def test_severities_are_read_beside_the_degraded_folder(faces: Path) -> None:
    (faces / "pairs.csv").write_text("name,severity,down\na,mild,1\nb,heavy,9\nz,mild,2\n")
    report = _evaluate(faces)
    assert report.severities == ("mild", "heavy", "unknown")
    assert list(report.to_dict()["by_severity"]) == ["mild", "heavy", "unknown"]
    (faces / "pairs.csv").write_text("file,level\na,1\n")
    report = _evaluate(faces)
    assert report.severities == ()
    assert any("severity" in note for note in report.notes)


def test_progress_is_told(faces: Path) -> None:
    seen: list[tuple[int, int]] = []
    _evaluate(faces, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_missing_folders_are_named(faces: Path) -> None:
    with pytest.raises(NotADirectoryError, match="nowhere"):
        evaluate_folders(faces / "nowhere", faces / "clean")
    with pytest.raises(NotADirectoryError, match="nowhere"):
        _evaluate(faces, faces / "nowhere")
    with pytest.raises(NotADirectoryError, match="nothing"):
        _evaluate(faces, backbones=faces / "nothing")


def test_folders_without_common_names_give_examples(faces: Path) -> None:
    for file in list((faces / "degraded").iterdir()):
        file.rename(file.with_stem(f"face_{file.stem}"))
    with pytest.raises(ValueError, match="no file names in common") as failure:
        _evaluate(faces)
    assert "face_a, face_b, face_c" in str(failure.value)
    assert "a, b, c" in str(failure.value)


def test_bad_folders_and_files_are_refused(faces: Path) -> None:
    with pytest.raises(ValueError, match="holds no images"):
        evaluate_folders(faces / "backbones", faces / "clean")
    with pytest.raises(ValueError, match="not both"):
        _evaluate(faces, faces / "clean", restore=lambda images: images)

    _save(faces / "clean" / "a.png", torch.rand(3, SIZE, SIZE))
    with pytest.raises(ValueError, match=r"a\.png and a\.webp"):
        _evaluate(faces)
    (faces / "clean" / "a.png").unlink()

    _save(faces / "degraded" / "a.png", torch.rand(3, SIZE, SIZE // 2))
    with pytest.raises(ValueError, match=r"a\.png is 16x32 px"):
        _evaluate(faces)
    (faces / "degraded" / "a.png").write_bytes(b"not a picture")
    with pytest.raises(ImageFileError, match=r"a\.png"):
        _evaluate(faces)
