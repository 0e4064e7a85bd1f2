"""The arguments of a restoration, and the options that they become."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_core.cli.options import add_detector_arguments
from panini_core.cli.restore_arguments import (
    add_aligned_argument,
    add_restore_arguments,
    read_options,
)
from panini_core.options import LARGEST_SEED, MASK_SOURCES, RestoreOptions
from panini_core.stages.selection import SORT_ORDERS

SHARES = st.floats(0, 1)
PER_FACE = SHARES | st.sampled_from(["0.8; 2: 0.5", "2-4,7: 0; 1"])
CHOICES: dict[str, st.SearchStrategy[Any]] = {
    "threshold": SHARES,
    "min_size": st.floats(0, 1e4),
    "max_size": st.floats(0, 1e4),
    "sort": st.sampled_from(SORT_ORDERS),
    "faces": st.sampled_from(["all", "largest", "centre", "0", "0,2,4-6"]),
    "max_faces": st.integers(0, 100),
    "fidelity": PER_FACE,
    "noise_amount": SHARES,
    "noise_seed": st.integers(0, LARGEST_SEED),
    "latent_pull": SHARES,
    "batch": st.integers(1, 64),
    "strength": PER_FACE,
    "upscale": st.floats(1, 8),
    "feather": st.floats(0, 0.5),
    "match_colour": st.booleans(),
    "keep_detail": SHARES,
    "match_grain": st.booleans(),
    "mask_source": st.sampled_from(MASK_SOURCES),
    "regions": st.sampled_from(["", "eyes: 0; mouth: 0.5", "skin: 0"]),
}


def read(*texts: str) -> RestoreOptions:
    parser = argparse.ArgumentParser()
    add_detector_arguments(parser)
    add_restore_arguments(parser)
    return read_options(parser.parse_args(texts))


def spell(name: str, value: object) -> str:
    """The argument that sets an option."""
    flag = {"noise_amount": "noise"}.get(name, name.replace("_", "-"))
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag}={value}"


def test_without_arguments_the_options_are_the_defaults() -> None:
    assert read() == RestoreOptions()


def test_every_option_but_smoothing_has_an_argument() -> None:
    assert {item.name for item in fields(RestoreOptions)} == {*CHOICES, "smoothing"}
    with pytest.raises(SystemExit):
        read("--smoothing=3")


@settings(max_examples=30)
@given(st.fixed_dictionaries({}, optional=CHOICES))
def test_what_is_chosen_is_what_is_read(chosen: dict[str, Any]) -> None:
    assert read(*(spell(*choice) for choice in chosen.items())) == RestoreOptions(**chosen)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--upscale=0.5", "upscale must be at least 1, got 0.5"),
        ("--upscale=inf", "upscale must be at least 1, got inf"),
        ("--upscale=nan", "upscale must be at least 1, got nan"),
        ("--feather=0.6", r"feather must lie in 0\.\.0\.5, got 0\.6"),
        ("--max-faces=-1", "max_faces must be at least 0, got -1"),
        ("--noise-seed=-1", "noise_seed must lie in"),
        (f"--noise-seed={LARGEST_SEED + 1}", "noise_seed must lie in"),
        ("--faces=me", "Cannot select faces"),
    ],
)
def test_values_out_of_range_are_refused_when_they_are_read(argument: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(argument)


@pytest.mark.parametrize("name", ["fidelity", "noise", "latent-pull", "strength", "keep-detail"])
@pytest.mark.parametrize("value", ["-0.1", "1.01", "half"])
def test_shares_lie_between_0_and_1(
    name: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        read(f"--{name}={value}")
    assert f"--{name}: expected a number" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["fidelity", "strength"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1; 2: 1.2", "expected a number from 0 to 1, got 1.2"),
        ("2: 0.5", "the value for all other faces is missing"),
        ("1; largest: 0.5", "names no faces by number"),
    ],
)
def test_values_of_single_faces_are_checked(
    name: str, value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        read(f"--{name}={value}")
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many"])
def test_a_batch_holds_at_least_one_face(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read(f"--batch={value}")
    assert f"expected a whole number from 1, got {value}" in capsys.readouterr().err


def test_pictures_are_photographs_unless_they_are_called_aligned() -> None:
    parser = argparse.ArgumentParser()
    add_aligned_argument(parser)
    assert parser.parse_args([]).aligned is False
    assert parser.parse_args(["--aligned"]).aligned is True
