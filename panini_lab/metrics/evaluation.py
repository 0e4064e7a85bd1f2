"""Measures folders of degraded and restored faces against their clean originals."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

from panini_core.images import read_image, readable_suffixes

from .backbones import IDENTITY_FILE, VGG_FILE, MetricUnavailable, find_backbone
from .fid import RELIABLE_COUNT, FrechetDistance
from .fine_energy import fine_energy
from .identity import identity_similarity, load_identity_network
from .lpips import load_lpips_network, lpips
from .psnr import EQUAL_PSNR, psnr
from .report import METRICS, EvaluationReport, Measurements
from .ssim import ssim
from .texture import texture_distance
from .vgg_distance import feature_distance, load_vgg_features

Restore = Callable[[Tensor], Tensor]  # (N, 3, S, S) RGB in [0, 1] -> (N, 3, R, R), the same
# (K, 3, S, S), clean (1, 3, S, S) -> (K,) by metric: some metrics share what they compute
Measure = Callable[[Tensor, Tensor], Mapping[str, Tensor]]
KINDS: tuple[str, ...] = ("degraded", "restored")  # what is measured against the clean faces


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredPair:
    """One face of an evaluation and its figures."""

    name: str
    severity: str  # empty if none is known
    clean: Tensor  # (1, 3, S, S) RGB in [0, 1]
    candidates: Mapping[str, Tensor]  # by KINDS, each as `clean`; without `restored` if none are
    figures: Mapping[str, Mapping[str, float]]  # by kind, then by metric


@torch.inference_mode()
def evaluate_folders(
    degraded: str | Path,
    clean: str | Path,
    restored: str | Path | None = None,
    *,
    restore: Restore | None = None,
    backbones: str | Path | None = None,
    device: str | torch.device = "cpu",
    size: int = 512,
    on_progress: Callable[[int, int], None] | None = None,
    on_pair: Callable[[MeasuredPair], None] | None = None,
) -> EvaluationReport:
    """Measures degraded and, if given, restored faces against the clean ones.

    The folders hold aligned faces, paired by file name without its ending. Instead of a folder
    of restored faces a `restore` function may be given; its result is clamped and rounded to
    8 bits, as if it had been written. Faces of another size are brought to `size` px: shrunk by
    Lanczos, enlarged bicubically. `backbones` is the folder of the VGG and identity networks
    (see `find_backbone`). A metric that cannot be had is left out, with a note that says why.
    Severities are read from a `pairs.csv` (columns name, severity) beside the degraded folder,
    unless that is the clean one. The PSNR of equal faces counts as EQUAL_PSNR, with a note.
    `on_progress` is called with the pairs done and their number, `on_pair` with each pair.

    Raises NotADirectoryError for a missing folder, ValueError for folders without a common name,
    for a face that is not square and for both `restored` and `restore`, ImageFileError (a
    ValueError) for an unreadable file.
    """
    if restored is not None and restore is not None:
        raise ValueError("Give restored faces or a function that restores them, not both.")
    if backbones is not None and not Path(backbones).is_dir():
        raise NotADirectoryError(f"No folder of backbones at {backbones}.")
    device = torch.device(device)
    notes: list[str] = []
    folders = [degraded, clean] if restored is None else [degraded, clean, restored]
    names, files = _pair([_faces_by_name(folder) for folder in folders], folders, notes)
    severities = _read_severities(Path(degraded), Path(clean), names, notes)
    measures = _load_measures(backbones, device, notes)
    kinds = KINDS[:1] if restored is None and restore is None else KINDS
    set_distances = _load_set_distances(len(kinds), len(names), device, notes)

    measured: list[dict[str, dict[str, float]]] = []
    for index, name in enumerate(names):
        paths = [by_name[name] for by_name in files]
        clean_face, candidates = _read_pair(paths, size, device, restore)
        measured.append(_measure(measures, candidates, clean_face))
        for distance, face in zip(set_distances, candidates.values(), strict=False):
            distance.add(clean_face, reference=True)
            distance.add(face, reference=False)
        if on_pair is not None:
            severity = severities[index] if severities else ""
            on_pair(MeasuredPair(name, severity, clean_face, candidates, measured[-1]))
        if on_progress is not None:
            on_progress(index + 1, len(names))

    results = [
        _collect(kind, measured, set_distances[row] if set_distances else None)
        for row, kind in enumerate(kinds)
    ]
    for kind, result in zip(kinds, results, strict=True):
        _note_equal(kind, result, notes)
    return EvaluationReport(
        names=tuple(names),
        severities=severities,
        size=size,
        degraded=results[0],
        restored=results[1] if len(results) == 2 else None,
        notes=tuple(notes),
    )


def _measure(
    measures: Sequence[Measure], candidates: Mapping[str, Tensor], clean: Tensor
) -> dict[str, dict[str, float]]:
    """The figures of each kind of candidate by metric, in the order of METRICS."""
    images = torch.cat(list(candidates.values()))
    values: dict[str, list[float]] = {}
    for measure in measures:
        values |= {metric: found.tolist() for metric, found in measure(images, clean).items()}
    return {
        kind: {metric: values[metric][row] for metric in METRICS if metric in values}
        for row, kind in enumerate(candidates)
    }


def _collect(
    kind: str,
    measured: Sequence[Mapping[str, Mapping[str, float]]],
    set_distance: FrechetDistance | None,
) -> Measurements:
    """The figures of one kind of candidate over all faces."""
    return Measurements(
        per_image={
            metric: tuple(figures[kind][metric] for figures in measured)
            for metric in measured[0][kind]
        },
        over_set={} if set_distance is None else {"fid": set_distance.distance()},
    )


def _note_equal(kind: str, result: Measurements, notes: list[str]) -> None:
    """Says how many faces' PSNR is not what was measured but the value for equal ones."""
    ratios = result.per_image["psnr"]
    if equal := sum(ratio >= EQUAL_PSNR for ratio in ratios):
        notes.append(
            f"{equal} of {len(ratios)} {kind} faces equal the clean ones: the PSNR of each, "
            f"which would be infinite, counts as {EQUAL_PSNR:.0f} dB"
        )


def pair_files(degraded: str | Path, clean: str | Path) -> list[tuple[Path, Path]]:
    """The files of degraded faces and of the same ones clean, by name without its ending.

    Raises NotADirectoryError and ValueError as `evaluate_folders` does.
    """
    folders = [degraded, clean]
    names, files = _pair([_faces_by_name(folder) for folder in folders], folders, [])
    return [(files[0][name], files[1][name]) for name in names]


def _faces_by_name(folder: str | Path) -> dict[str, Path]:
    """The image files of a folder by their names without endings."""
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"No folder at {folder}.")
    faces: dict[str, Path] = {}
    readable = readable_suffixes()
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in readable or file.name.startswith("."):
            continue
        if file.stem in faces:
            raise ValueError(
                f"{folder} has two files for one face, {faces[file.stem].name} and {file.name}. "
                "Keep one of them."
            )
        faces[file.stem] = file
    if not faces:
        raise ValueError(f"{folder} holds no images ({', '.join(sorted(readable))}).")
    return faces


def _pair(
    files: list[dict[str, Path]], folders: Sequence[str | Path], notes: list[str]
) -> tuple[list[str], list[dict[str, Path]]]:
    """The names that all folders have, sorted; what only some have is told in a note."""
    names = sorted(set.intersection(*[set(by_name) for by_name in files]))
    if not names:
        examples = "; ".join(
            f"{folder}: {', '.join(sorted(by_name)[:3])}"
            for folder, by_name in zip(folders, files, strict=True)
        )
        raise ValueError(f"The folders have no file names in common (without endings). {examples}.")
    for folder, by_name in zip(folders, files, strict=True):
        if alone := sorted(by_name.keys() - set(names)):
            notes.append(
                f"{len(alone)} of {folder} left out, without a counterpart: "
                f"{', '.join(alone[:3])}{', …' if len(alone) > 3 else ''}"
            )
    return names, files


def _read_severities(
    degraded: Path, clean: Path, names: Iterable[str], notes: list[str]
) -> tuple[str, ...]:
    path = degraded.parent / "pairs.csv"
    if not path.is_file() or degraded.samefile(clean):  # clean faces have no severity
        return ()
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if not {"name", "severity"} <= set(rows.fieldnames or ()):
            notes.append(f"{path} was ignored: it lacks a column name or severity")
            return ()
        severity_of = {Path(row["name"]).stem: row["severity"] for row in rows}
    return tuple(severity_of.get(name) or "unknown" for name in names)


def _load_measures(
    backbones: str | Path | None, device: torch.device, notes: list[str]
) -> list[Measure]:
    """What measures single images here; a note for each metric that cannot be had."""

    def measure_pixels(images: Tensor, clean: Tensor) -> Mapping[str, Tensor]:
        return {
            "psnr": psnr(images, clean),
            "ssim": ssim(images, clean),
            "fine": fine_energy(images, clean),
        }

    def load_vgg() -> Measure:
        network = load_vgg_features(find_backbone(VGG_FILE, backbones)).to(device)

        def measure(images: Tensor, clean: Tensor) -> Mapping[str, Tensor]:
            found, expected = network(images), network(clean)
            return {
                "vgg": feature_distance(found, expected),
                "texture": texture_distance(found, expected),
            }

        return measure

    def load_identity() -> Measure:
        network = load_identity_network(find_backbone(IDENTITY_FILE, backbones)).to(device)
        return lambda images, clean: {"identity": identity_similarity(network, images, clean)}

    def load_lpips() -> Measure:
        network = load_lpips_network().to(device)
        return lambda images, clean: {"lpips": lpips(network, images, clean)}

    measures: list[Measure] = [measure_pixels]
    optional = {("vgg", "texture"): load_vgg, ("identity",): load_identity, ("lpips",): load_lpips}
    for metrics, load in optional.items():
        try:
            measures.append(load())
        except MetricUnavailable as reason:
            notes += [f"{METRICS[metric].title} was not measured: {reason}" for metric in metrics]
    return measures


def _load_set_distances(
    kinds: int, count: int, device: torch.device, notes: list[str]
) -> list[FrechetDistance]:
    """One FID for each kind of candidates; none where it cannot be had."""
    try:
        if count < 2:
            raise MetricUnavailable("it needs at least two pairs.")
        if device.type == "mps":
            raise MetricUnavailable("it needs float64, which MPS lacks. Use the device cpu.")
        distances = [FrechetDistance().to(device) for _ in range(kinds)]
    except MetricUnavailable as reason:
        notes.append(f"FID was not measured: {reason}")
        return []
    if count < RELIABLE_COUNT:
        notes.append(f"FID over {count} faces: compare it only with figures over the same faces")
    return distances


def _read_pair(
    paths: Sequence[Path], size: int, device: torch.device, restore: Restore | None
) -> tuple[Tensor, dict[str, Tensor]]:
    """The clean face (1, 3, size, size) of a pair, and its candidates by KINDS.

    paths: the degraded face, the clean one, and the restored one if that exists already.
    """
    degraded, clean, *restored = (_read_face(path, size).to(device) for path in paths)
    if restore is not None:
        restored.append(_restore_face(restore, degraded, size, paths[0].stem))
    return clean, dict(zip(KINDS, [degraded, *restored], strict=False))


def _read_face(path: Path, size: int) -> Tensor:
    """(1, 3, size, size)"""
    pixels = read_image(path).pixels
    if pixels.shape[1] != pixels.shape[2]:
        raise ValueError(
            f"{path} is {pixels.shape[2]}x{pixels.shape[1]} px; an aligned face is square."
        )
    return _resize(pixels, size)[None]


def _restore_face(restore: Restore, degraded: Tensor, size: int, name: str) -> Tensor:
    restored = restore(degraded).float()
    if restored.ndim != 4 or restored.shape[:2] != (1, 3) or not bool(restored.isfinite().all()):
        raise ValueError(
            f"Restoring {name} must give finite values of shape (1, 3, R, R), "
            f"got {tuple(restored.shape)} between {restored.min():.3g} and {restored.max():.3g}."
        )
    restored = (restored.clamp(0, 1) * 255).round() / 255
    return _resize(restored[0].cpu(), size)[None].to(degraded.device)


def _resize(pixels: Tensor, size: int) -> Tensor:
    """(3, H, W) -> (3, size, size), in 8 bits: Lanczos to shrink, bicubic to enlarge."""
    if pixels.shape[1:] == (size, size):
        return pixels
    shrinks = size < pixels.shape[1]
    kernel = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
    image = to_pil_image((pixels * 255).round().byte())  # of floats it would cut the fraction
    return pil_to_tensor(image.resize((size, size), kernel)).float() / 255
