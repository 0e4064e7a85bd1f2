"""Arguments that several commands share."""

from __future__ import annotations

import argparse

import pytest

from panini_core.cli import opening
from panini_core.cli.console import UsageError
from panini_core.cli.opening import open_model, open_parser
from panini_core.cli.options import (
    add_detector_arguments,
    add_device_argument,
    add_model_arguments,
    ratio,
)
from panini_core.models.panini import PaniniNet
from panini_core.options import MASK_SOURCES, RestoreOptions


def test_centre_is_read_in_either_spelling() -> None:
    parser = argparse.ArgumentParser()
    add_detector_arguments(parser)
    for spelling in ("centre", "center"):
        assert parser.parse_args(["--sort", spelling]).sort == "centre"
        chosen = RestoreOptions(sort=spelling, faces=spelling)
        assert (chosen.sort, chosen.faces) == (spelling, spelling)
    with pytest.raises(SystemExit):
        parser.parse_args(["--sort", "middle"])


@pytest.mark.parametrize("text", ["-0.1", "1.5", "nan", "half"])
def test_other_texts_are_no_ratio(text: str) -> None:
    assert ratio("0.25") == 0.25
    with pytest.raises(argparse.ArgumentTypeError, match=f"got '?{text}"):
        ratio(text)


@pytest.mark.parametrize("words", [[], ["--compile"]])
def test_the_network_is_compiled_if_asked_for(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parser = argparse.ArgumentParser()
    add_device_argument(parser)
    add_model_arguments(parser)
    compiled: list[PaniniNet] = []
    monkeypatch.setattr(PaniniNet, "compile", lambda model: compiled.append(model))
    model = open_model(parser.parse_args(["--device", "cpu", *words]))
    assert compiled == [model] * len(words)


@pytest.mark.parametrize("source", MASK_SOURCES)
def test_a_parser_is_opened_where_masks_may_need_it(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(opening, "load_parser", lambda path, **_: opened.append(path))
    given = argparse.Namespace(mask_source=source, parser="parsing.pth", device="cpu")
    open_parser(given)
    assert opened == (["parsing.pth"] if source in ("auto", "parse") else [])
    without = argparse.Namespace(mask_source=source, parser=None, device="cpu")
    if source == "parse":
        with pytest.raises(UsageError, match="needs a face parser: give --parser"):
            open_parser(without)
    else:
        assert open_parser(without) is None


def test_a_parser_that_cannot_be_read_is_the_arguments_fault() -> None:
    missing = argparse.Namespace(mask_source="auto", parser="nowhere.pth", device="cpu")
    with pytest.raises(UsageError, match="nowhere"):
        open_parser(missing)
