"""Describing degradations by known ones, and the atlas that ships."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_core import load_panini
from panini_core.atlas import (
    DegradationAtlas,
    atlas_path,
    describe_degradation,
    load_atlas,
    preset_degradation,
    save_atlas,
)
from panini_core.checkpoints import CheckpointError, find_weights, save_panini
from panini_core.checkpoints.fingerprint import encoder_fingerprint
from panini_core.faces import DegradationRepresentation, FaceSet
from panini_core.models.panini import PaniniNet
from panini_core.options import BUNDLED_NETWORKS
from panini_core.stages.alpha import weigh_features
from panini_core.stages.represent import represent_degradation

NAMES = ("sharp", "blur", "heavy")


def make_atlas(fingerprint: str = "", size: int = 16) -> DegradationAtlas:
    """Twenty samples of each class around its own axis; severity 0, 0.4 and 0.8."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(3).repeat_interleave(20)
    vectors = 10 * torch.eye(size)[labels] + torch.randn(60, size, generator=generator)
    corners = torch.tensor([[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]])
    return DegradationAtlas(
        names=NAMES,
        vectors=vectors.half().float(),
        labels=labels,
        severity=labels * 0.4,
        positions=corners[labels],
        centre=torch.zeros(size),
        projection=torch.eye(size)[:4],
        reach=4.0,
        fingerprint=fingerprint,
    )


def of_axis(*shares: float) -> DegradationRepresentation:
    vector = torch.zeros(1, 16)
    vector[0, : len(shares)] = 10 * torch.tensor(shares)
    return DegradationRepresentation(vector)


def test_a_known_degradation_is_recognised() -> None:
    atlas = make_atlas()
    for label, name in enumerate(NAMES):
        (found,) = describe_degradation(atlas, of_axis(*(float(i == label) for i in range(3))))
        assert found.nearest == ((name, pytest.approx(1)),)
        assert found.severity == pytest.approx(0.4 * label, abs=1e-5)
        assert found.position == pytest.approx(atlas.positions[20 * label].tolist(), abs=1e-5)
        assert found.distance < 1


def test_what_lies_between_is_a_mixture() -> None:
    (found,) = describe_degradation(make_atlas(), of_axis(0, 0.5, 0.5))
    assert {name for name, _ in found.nearest} == {"blur", "heavy"}
    assert sum(share for _, share in found.nearest) == pytest.approx(1)
    assert found.nearest[0][1] >= found.nearest[1][1]
    assert 0.4 < found.severity < 0.8
    assert 0.5 < found.position[0] < 0.9


def test_the_sentence_names_severity_kind_and_strangeness() -> None:
    atlas = make_atlas()
    texts = {
        (1, 0, 0): "hardly degraded (0.00): mostly sharp",
        (0, 1, 0): "moderate (0.40): mostly blur",
        (0, 0, 1): "heavy (0.80): mostly heavy mix",
        (0, 0, 5): "unlike all known degradations; nearest is heavy (0.80): mostly heavy mix",
    }
    for axis, text in texts.items():
        (found,) = describe_degradation(atlas, of_axis(*axis))
        assert found.text == text
        assert (found.distance > 1) == text.startswith("unlike")
    (found,) = describe_degradation(atlas, of_axis(0, 0.5, 0.5))
    assert ": mostly" in found.text and ", some " in found.text


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000), count=st.integers(0, 4), loudness=st.floats(0, 1000))
def test_every_vector_gets_a_description_by_itself(seed: int, count: int, loudness: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    vectors = loudness * torch.randn(count, 16, generator=generator)
    atlas = make_atlas()
    together = describe_degradation(atlas, DegradationRepresentation(vectors))
    assert len(together) == count
    for vector, found in zip(vectors, together, strict=True):
        assert 0 <= found.severity <= 1.0001
        assert all(0 <= value <= 1.0001 for value in found.position)
        (alone,) = describe_degradation(atlas, DegradationRepresentation(vector[None]))
        assert alone.severity == pytest.approx(found.severity, abs=1e-3)


def test_vectors_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="16 numbers, got 8"):
        describe_degradation(make_atlas(), DegradationRepresentation(torch.zeros(1, 8)))


def test_a_preset_is_a_typical_sample_of_its_class() -> None:
    atlas = make_atlas()
    for label, name in enumerate(NAMES):
        preset = preset_degradation(atlas, name)
        assert preset.vectors.shape == (1, 16)
        assert (atlas.vectors[atlas.labels == label] == preset.vectors).all(1).any()
    with pytest.raises(ValueError, match=r"No degradation 'fog'.*sharp, blur, heavy"):
        preset_degradation(atlas, "fog")


def test_a_preset_has_middling_severity() -> None:
    atlas = make_atlas()
    severity = atlas.severity.clone()
    severity[:20] = torch.linspace(0, 1, 20)
    atlas = dataclasses.replace(atlas, severity=severity)
    chosen = (atlas.vectors == preset_degradation(atlas, "sharp").vectors).all(1)
    assert 0.25 <= float(severity[chosen]) <= 0.75


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"severity must be \(60,\)"):
        dataclasses.replace(make_atlas(), severity=torch.zeros(59))
    with pytest.raises(ValueError, match="Every class needs samples"):
        dataclasses.replace(make_atlas(), names=(*NAMES, "fog"))


def test_the_atlas_lies_beside_its_model(tmp_path: Path, either_model: PaniniNet) -> None:
    weights = tmp_path / "mine.v2.safetensors"
    assert load_atlas(either_model, weights) is None
    written = make_atlas(encoder_fingerprint(either_model))
    save_atlas(tmp_path / "mine.v2.atlas.safetensors", written)
    read = load_atlas(either_model, weights)
    assert read is not None
    assert (read.names, read.reach, read.fingerprint) == (NAMES, 4.0, written.fingerprint)
    for name in ("vectors", "labels", "severity", "positions", "centre", "projection"):
        before, after = getattr(written, name), getattr(read, name)
        assert after.dtype == before.dtype
        assert torch.allclose(after, before, atol=1e-3)


def test_a_models_own_degradations_are_described(
    either_model: PaniniNet, random_faces: Callable[..., FaceSet]
) -> None:
    degradation = represent_degradation(either_model, random_faces(3))
    found = describe_degradation(make_atlas(), degradation)
    assert len(found) == 3
    preset = preset_degradation(make_atlas(), "blur")
    assert weigh_features(either_model, preset).alpha.shape[0] == 1


def test_another_encoders_atlas_is_not_taken(tmp_path: Path, tiny_model: PaniniNet) -> None:
    save_atlas(tmp_path / "mine.atlas.safetensors", make_atlas("another"))
    assert load_atlas(tiny_model, tmp_path / "mine.safetensors") is None


def test_files_that_are_no_atlas_are_errors(tmp_path: Path, tiny_model: PaniniNet) -> None:
    path = tmp_path / "mine.atlas.safetensors"
    save_panini(path, tiny_model)
    with pytest.raises(CheckpointError, match="expected a saved atlas"):
        load_atlas(tiny_model, tmp_path / "mine.safetensors")
    save_atlas(path, make_atlas(encoder_fingerprint(tiny_model)))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'\\"blur\\"', b'"blur\\"  '.ljust(8)[:8]))
    with pytest.raises(CheckpointError, match=r"mine\.atlas\.safetensors"):
        load_atlas(tiny_model, tmp_path / "mine.safetensors")


@pytest.fixture(scope="module", params=BUNDLED_NETWORKS)
def bundled(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def default_model(bundled: str) -> PaniniNet:
    return load_panini(bundled)


@pytest.fixture(scope="module")
def default_atlas(default_model: PaniniNet) -> DegradationAtlas:
    atlas = load_atlas(default_model)
    assert atlas is not None, "run `panini atlas` for the default weights"
    return atlas


def test_the_default_atlas_is_small_and_found_from_anywhere(
    bundled: str, default_atlas: DegradationAtlas, tmp_path: Path
) -> None:
    shipped = [atlas_path(find_weights(name)) for name in BUNDLED_NETWORKS]
    assert sum(path.stat().st_size for path in shipped if path.is_file()) <= 300_000
    copied = tmp_path / "renamed.safetensors"
    shutil.copy(find_weights(bundled), copied)
    for dtype in (torch.bfloat16, torch.float16):
        atlas = load_atlas(load_panini(copied, dtype=dtype), copied)
        assert atlas is not None
        assert torch.equal(atlas.vectors, default_atlas.vectors)


def test_every_preset_of_the_default_atlas_is_what_it_says(
    default_atlas: DegradationAtlas,
) -> None:
    for name in default_atlas.names:
        (found,) = describe_degradation(default_atlas, preset_degradation(default_atlas, name))
        assert found.nearest[0][0] == name
