"""What may be chosen about a restoration: ranges, defaults, and what is refused."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pytest

from panini_core.options import NetworkOptions, PasteOptions, RestoreOptions
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
        ("upscale", float("nan")),
    ],
)
def test_options_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must .*got"):
        RestoreOptions(**{name: value})  # type: ignore[arg-type]


def test_an_unreadable_rule_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="Cannot select faces by 'some'"):
        RestoreOptions(faces="some")


@pytest.mark.parametrize("kind", [NetworkOptions, PasteOptions])
def test_the_options_of_the_stages_are_checked_alike(kind: type) -> None:
    for item in fields(kind):
        if item.type != "bool":
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
