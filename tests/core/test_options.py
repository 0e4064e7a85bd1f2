"""What may be chosen about a restoration: ranges, defaults, and what is refused."""

from __future__ import annotations

import inspect
import math
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panini_core.options import (
    FIDELITY_PRESETS,
    LARGEST_SEED,
    FaceRegions,
    NetworkOptions,
    PasteOptions,
    RestoreOptions,
    parse_regions,
)
from panini_core.stages.detect import detect_faces
from panini_core.stages.selection import select_faces


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", 60.0),
        ("fidelity", -0.1),
        ("strength", 2.0),
        ("feather", 0.7),
        ("upscale", 0.5),
        ("batch", 0),
        ("min_size", -1),
        ("max_size", -1),
        ("max_faces", -1),
        ("smoothing", float("inf")),
        ("noise_seed", -1),
        ("noise_amount", 1.1),
        ("latent_pull", -0.1),
        ("keep_detail", 2),
        ("sort", "by name"),
        ("mask_source", "square"),
        ("upscale", float("nan")),
    ],
)
def test_options_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must .*got"):
        RestoreOptions(**{name: value})  # type: ignore[arg-type]


def test_an_unreadable_rule_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="Cannot select faces by 'some'"):
        RestoreOptions(faces="some")


@pytest.mark.parametrize("kind", [NetworkOptions, PasteOptions, FaceRegions])
def test_the_options_of_the_stages_are_checked_alike(kind: type) -> None:
    for item in fields(kind):
        if item.type != "bool" and item.name != "regions":
            with pytest.raises(ValueError, match=f"{item.name} must .*got -1"):
                kind(**{item.name: -1})
    with pytest.raises(TypeError, match="threshold"):
        kind(threshold=0.5)


def test_defaults_are_those_of_the_stages() -> None:
    options = RestoreOptions()
    for stage, names in (
        (detect_faces, ["threshold", "min_size"]),
        (select_faces, ["max_faces"]),
    ):
        parameters = inspect.signature(stage).parameters
        for name in names:
            assert parameters[name].default == getattr(options, name), name


RATIOS = ["threshold", "fidelity", "noise_amount", "latent_pull", "strength", "keep_detail"]


@given(name=st.sampled_from(RATIOS), value=st.floats(allow_nan=True, allow_infinity=True))
def test_a_ratio_is_taken_from_nought_to_one_and_nowhere_else(name: str, value: float) -> None:
    if 0 <= value <= 1:
        assert getattr(RestoreOptions(**{name: value}), name) == value  # type: ignore[arg-type]
    else:
        with pytest.raises(ValueError, match=rf"{name} must lie in 0\.\.1, got "):
            RestoreOptions(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "end"),
    [
        *((name, end) for name in RATIOS for end in (0, 1)),
        *(("feather", end) for end in (0, 0.5)),
        *(("noise_seed", end) for end in (0, LARGEST_SEED)),
        *((name, 0) for name in ("min_size", "max_size", "max_faces", "smoothing")),
        *((name, 1) for name in ("upscale", "batch")),
    ],
)
def test_both_ends_of_a_range_belong_to_it(name: str, end: float) -> None:
    assert getattr(RestoreOptions(**{name: end}), name) == end  # type: ignore[arg-type]


def test_only_the_largest_size_may_be_without_end() -> None:
    assert RestoreOptions(max_size=math.inf).max_size == math.inf
    for name in ("min_size", "upscale", "smoothing"):
        with pytest.raises(ValueError, match=f"{name} must be at least .*got inf"):
            RestoreOptions(**{name: math.inf})  # type: ignore[arg-type]


def test_a_seed_beyond_64_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="noise_seed must lie in"):
        NetworkOptions(noise_seed=LARGEST_SEED + 1)


def test_options_are_named_and_do_not_change() -> None:
    with pytest.raises(TypeError, match="positional"):
        RestoreOptions(0.5)  # type: ignore[misc]
    options = RestoreOptions()
    with pytest.raises(FrozenInstanceError):
        options.fidelity = 0.9  # type: ignore[misc]
    assert options == RestoreOptions(fidelity=0.5)


def test_a_whole_restoration_chooses_all_that_its_stages_do() -> None:
    whole = {item.name: item.default for item in fields(RestoreOptions)}
    for kind in (NetworkOptions, PasteOptions):
        assert {item.name: item.default for item in fields(kind)}.items() <= whole.items()


def test_the_balanced_fidelity_is_the_usual_one_between_the_others() -> None:
    assert FIDELITY_PRESETS["balanced"] == NetworkOptions().fidelity
    assert FIDELITY_PRESETS["beautiful"] < FIDELITY_PRESETS["balanced"]
    assert FIDELITY_PRESETS["balanced"] < FIDELITY_PRESETS["faithful"]


def test_faces_may_have_values_of_their_own() -> None:
    options = RestoreOptions(strength="0.8; 2: 0.5", fidelity="0.5; 0-3: 1")
    assert options.strength == "0.8; 2: 0.5"
    for name in ("strength", "fidelity"):
        with pytest.raises(ValueError, match=rf"{name} must lie in 0..1, got 1.2"):
            RestoreOptions(**{name: "0.8; 2: 1.2"})  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="is missing"):
            RestoreOptions(**{name: "2: 0.5"})  # type: ignore[arg-type]


def test_regions_are_read_from_a_text() -> None:
    assert parse_regions("") == parse_regions(" ; ") == FaceRegions()
    assert parse_regions("eyes: 0; Mouth:0.5;") == FaceRegions(eyes=0, mouth=0.5)
    assert parse_regions("eyes\uff1a 0\uff1b skin\uff1a 0.3") == FaceRegions(eyes=0, skin=0.3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ears: 0", "'ears: 0' is no part and its strength. Expected eyes, brows, nose, mouth, sk"),
        ("eyes", "'eyes' is no part"),
        ("0.5", "'0.5' is no part"),
        ("eyes: much", "'eyes: much' is no part"),
        ("eyes: nan", "'eyes: nan' is no part"),
        ("eyes: 0; eyes: 1", "'eyes: 1' names a part twice"),
        ("eyes: 2", r"eyes must lie in 0\.\.1, got 2"),
        ("skin: -0.1", r"skin must lie in 0\.\.1, got -0\.1"),
    ],
)
def test_regions_that_cannot_be_read_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_regions(text)
    with pytest.raises(ValueError, match=message):
        RestoreOptions(regions=text)
