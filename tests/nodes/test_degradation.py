"""Degradations extracted, blended, saved and loaded, and the mixer behind them."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import torch

from . import examples
from .pack import Pack


def representation(pack: Pack, *rows: float) -> Any:
    return pack.core.DegradationRepresentation(torch.tensor([[float(row)] * 4 for row in rows]))


def blend(pack: Pack, a: Any, b: Any, amount: float, mode: str) -> list[float]:
    output = pack.run("PaniniBlendDegradation", a=a, b=b, amount=amount, mode=mode)
    return output.result[0].vectors[:, 0].tolist()


def test_blending(comfy_pack: Pack) -> None:
    a, one = representation(comfy_pack, 0, 4), representation(comfy_pack, 8)
    three = representation(comfy_pack, 1, 2, 6)
    assert blend(comfy_pack, a, one, 0.5, "lerp") == [4, 6]
    assert blend(comfy_pack, a, one, 0.5, "replace") == [8, 8]
    assert blend(comfy_pack, a, three, 1.0, "mean") == [3, 3]
    assert blend(comfy_pack, a, three, 0.0, "mean") == [0, 4]
    with pytest.raises(ValueError, match="do not fit"):
        blend(comfy_pack, a, three, 0.5, "lerp")


def test_blending_without_a_face_on_either_side(comfy_pack: Pack) -> None:
    a = representation(comfy_pack, 1, 2)
    empty = comfy_pack.core.DegradationRepresentation(torch.empty(0, 4))
    for mode in ("lerp", "replace", "mean"):
        assert blend(comfy_pack, a, empty, 0.5, mode) == [1, 2]
        assert blend(comfy_pack, empty, a, 0.5, mode) == []


def test_extraction_reports_every_face(comfy_pack: Pack) -> None:
    batch = torch.cat([examples.photograph(), examples.photograph().flip(2)])
    network = examples.model(comfy_pack)
    crops, faces = examples.align(comfy_pack, batch)
    output = comfy_pack.run("PaniniExtractDegradation", model=network, faces=faces)
    degradation, report, plot = output.result
    assert len(degradation) == 2
    names = [line.split(":")[0] for line in report.splitlines()]
    assert names == ["image 0, face 0", "image 1, face 0"]
    assert plot.ndim == 4
    assert plot.shape[-1] == 3
    (payload,) = output.ui["panini_degradation"]
    assert payload["version"] == 1
    assert [face["number"] for face in payload["faces"]] == [0, 1]
    assert all(0 <= face["severity"] <= 1 for face in payload["faces"])
    labels = payload["atlas"]["labels"]
    assert all(0 <= label < len(labels) for _, _, label in payload["atlas"]["points"])

    from_crops = comfy_pack.run("PaniniExtractDegradation", model=network, crops=crops).result[0]
    assert torch.equal(from_crops.vectors, degradation.vectors)


def test_faces_keep_the_numbers_of_detect_faces(comfy_pack: Pack) -> None:
    photograph, network = examples.photograph(), examples.model(comfy_pack)
    image = torch.cat([photograph] * 3, 2)
    faces = examples.detect(comfy_pack, image)
    assert [face.number for face in faces.faces] == [0, 1, 2]
    for selection, numbers in (("1-2", [1, 2]), ("2", [2])):  # of what is left, by the same numbers
        faces = comfy_pack.run("PaniniSelectFaces", faces=faces, selection=selection).result[0]
        assert [face.number for face in faces.faces] == numbers
    _, aligned = comfy_pack.run("PaniniAlignFaces", image=image, faces=faces).result
    output = comfy_pack.run("PaniniExtractDegradation", model=network, faces=aligned)
    assert output.result[1].startswith("face 2: ")
    assert [face["number"] for face in output.ui["panini_degradation"][0]["faces"]] == [2]
    reordered = comfy_pack.run(
        "PaniniSelectFaces", faces=faces, sort="right to left", selection="all"
    ).result[0]
    assert [face.number for face in reordered.faces] == [0]  # of the order that was asked for


def test_a_degraded_face_is_more_severe(comfy_pack: Pack) -> None:
    network = examples.model(comfy_pack)
    crops, _ = examples.align(comfy_pack, examples.photograph())
    severity: list[float] = []
    for jpeg, downscale in ((0, 1.0), (30, 8.0)):
        worse = comfy_pack.run(
            "PaniniDegradeImage",
            image=crops,
            preset="custom",
            blur=0.0,
            noise=0.0,
            downscale=downscale,
            jpeg=jpeg,
        ).result[0]
        output = comfy_pack.run("PaniniExtractDegradation", model=network, crops=worse)
        severity.append(output.ui["panini_degradation"][0]["faces"][0]["severity"])
    assert severity[1] > severity[0] + 0.15


def test_extraction_without_faces(comfy_pack: Pack) -> None:
    network = examples.tiny_model(comfy_pack)
    crops, faces = examples.align(comfy_pack, examples.landscape())
    output = comfy_pack.run("PaniniExtractDegradation", model=network, faces=faces, crops=crops)
    assert len(output.result[0]) == 0
    assert output.result[1] == "There is no face."
    with pytest.raises(ValueError, match="connect one of them"):
        comfy_pack.run("PaniniExtractDegradation", model=network)


@pytest.fixture
def empty_folder(comfy_pack: Pack) -> Generator[None]:
    """The folder of saved degradations is as empty afterwards as it was before."""
    yield
    for file in comfy_pack.part("nodes.host").degradation_folder().glob("*"):
        file.unlink()


@pytest.mark.usefixtures("empty_folder")
def test_saved_degradations_are_listed_and_loaded(comfy_pack: Pack) -> None:
    network = examples.tiny_model(comfy_pack)
    _, faces = examples.align(comfy_pack, examples.photograph())
    saved = comfy_pack.run("PaniniExtractDegradation", model=network, faces=faces).result[0]
    for expected in ("portrait.safetensors", "portrait 2.safetensors"):
        output = comfy_pack.run(
            "PaniniSaveDegradation", model=network, degradation=saved, filename="portrait"
        )
        assert output.ui["text"] == [f"Saved as {expected}"]
    options = comfy_pack.nodes["PaniniLoadDegradation"].GET_SCHEMA().inputs[1].options
    assert {"portrait.safetensors", "portrait 2.safetensors"} <= set(options)
    loaded = comfy_pack.run(
        "PaniniLoadDegradation", model=network, source="portrait.safetensors"
    ).result[0]
    assert torch.equal(loaded.vectors, saved.vectors)
    with pytest.raises(ValueError, match="encoder"):
        comfy_pack.run(
            "PaniniLoadDegradation",
            model=examples.model(comfy_pack),
            source="portrait.safetensors",
        )


@pytest.mark.parametrize("name", ["../escape", "a/b", "", "...", "a\\b", "x:y"])
def test_file_names_stay_in_their_folder(comfy_pack: Pack, name: str) -> None:
    message = comfy_pack.nodes["PaniniSaveDegradation"].validate_inputs(filename=name)
    assert isinstance(message, str)
    assert "file name" in message


@pytest.mark.parametrize(("character", "most"), [("a", 237), ("像", 79), ("é", 118)])
def test_a_file_name_is_measured_in_bytes(comfy_pack: Pack, character: str, most: int) -> None:
    validate = comfy_pack.nodes["PaniniSaveDegradation"].validate_inputs
    assert validate(filename=character * most) is True
    message = validate(filename=character * (most + 1))
    assert isinstance(message, str)
    assert "at most 237 bytes" in message


@pytest.mark.usefixtures("empty_folder")
def test_the_longest_file_name_leaves_room_for_a_number(comfy_pack: Pack) -> None:
    network = examples.tiny_model(comfy_pack)
    _, faces = examples.align(comfy_pack, examples.photograph())
    saved = comfy_pack.run("PaniniExtractDegradation", model=network, faces=faces).result[0]
    name = "像" * 79
    for ending in ("", " 2"):
        output = comfy_pack.run(
            "PaniniSaveDegradation", model=network, degradation=saved, filename=name
        )
        assert output.ui["text"] == [f"Saved as {name}{ending}.safetensors"]


def test_known_degradations_by_name(comfy_pack: Pack) -> None:
    network = examples.model(comfy_pack)
    options = comfy_pack.nodes["PaniniLoadDegradation"].GET_SCHEMA().inputs[1].options
    presets = [option for option in options if option.startswith("preset: ")]
    assert len(presets) >= 5
    for preset in presets:
        found = comfy_pack.run("PaniniLoadDegradation", model=network, source=preset).result[0]
        assert len(found) == 1
    with pytest.raises(ValueError, match="no atlas"):
        comfy_pack.run(
            "PaniniLoadDegradation", model=examples.tiny_model(comfy_pack), source=presets[0]
        )


def mix(pack: Pack, model: str = "tiny", **inputs: Any) -> Any:
    network = examples.tiny_model(pack, model)
    vectors = torch.randn(2, 16, generator=torch.Generator().manual_seed(1))
    degradation = pack.core.DegradationRepresentation(vectors)
    return pack.run("PaniniFusionWeights", model=network, degradation=degradation, **inputs)


def test_faders_move_alpha(comfy_pack: Pack) -> None:
    neutral = mix(comfy_pack).result[0].alpha
    config = comfy_pack.core.PaniniConfig.preset("tiny")
    assert config.interpolated_channels == (12, 10, 8, 3, 3)  # 4, 8, 16 and two picture bands
    moved = mix(comfy_pack, level_4=1.0, level_16=-1.0, picture=0.5, level_64=1.0).result[0].alpha
    assert (moved[:, 0] == 1).all()
    assert torch.equal(moved[:, 1], neutral[:, 1])
    assert (moved[:, 2] == 0).all()
    assert (moved[:, 3:] > neutral[:, 3:]).all()

    constant = mix(comfy_pack, mode="override", level_4=0.5).result[0].alpha
    assert torch.allclose(constant[:, 0], torch.tensor(0.75))
    assert torch.allclose(constant[:, 1:], torch.tensor(0.5))


def test_the_pictures_fader_moves_every_interpolated_band(comfy_pack: Pack) -> None:
    config = comfy_pack.core.PaniniConfig.preset("tiny-mobile")
    assert config.interpolated_channels == (
        12,
        12,
        8,
        3,
        3,
        3,
    )  # the first band: all that is coarse
    neutral = mix(comfy_pack, "tiny-mobile").result[0].alpha
    output = mix(comfy_pack, "tiny-mobile", picture=-1.0)
    weights = output.result[0]
    assert torch.equal(weights.alpha[:, :3], neutral[:, :3])
    assert not weights.alpha[:, 3:].any()
    (payload,) = output.ui["panini_alpha"]
    widgets = [level["widget"] for level in payload["levels"]]
    assert widgets == ["level_4", "level_8", "level_16", "picture"]
    assert payload["levels"][-1]["channels"] == 9

    # All picture and no prior: the faces come back as they are.
    _, faces = examples.align(comfy_pack, examples.photograph(), size=64)
    one = comfy_pack.core.InterpolationWeights(weights.alpha[:1])
    model = examples.tiny_model(comfy_pack, "tiny-mobile")
    restored = comfy_pack.run("PaniniRestoreFaces", model=model, faces=faces, weights=one)
    crops = restored.result[0]
    expected = faces.require_aligned().crops.permute(0, 2, 3, 1)
    torch.testing.assert_close(crops, expected, rtol=0, atol=1e-3)


def test_presets_lean_to_the_picture_or_to_the_prior(comfy_pack: Pack) -> None:
    mean = {
        preset: mix(comfy_pack, preset=preset).result[0].alpha.mean().item()
        for preset in ("faithful", "balanced", "beautiful")
    }
    assert mean["faithful"] < mean["balanced"] < mean["beautiful"]


def test_the_mixer_shows_what_the_network_chose(comfy_pack: Pack) -> None:
    output = mix(comfy_pack, level_8=1.0)
    (payload,) = output.ui["panini_alpha"]
    assert payload["faces"] == 2
    levels = payload["levels"]
    assert [level["widget"] for level in levels] == ["level_4", "level_8", "level_16", "picture"]
    assert levels[1]["edited"]["mean"] == pytest.approx(1)
    assert levels[1]["chosen"]["mean"] < 1
    assert levels[0]["edited"] == levels[0]["chosen"]
    assert sum(levels[0]["chosen"]["histogram"]) == pytest.approx(1)
    declared = {entry.id for entry in comfy_pack.nodes["PaniniFusionWeights"].GET_SCHEMA().inputs}
    assert {level["widget"] for level in levels} <= declared
    assert output.result[1].ndim == 4


def test_the_loader_keeps_the_file_it_read(comfy_pack: Pack) -> None:
    source = examples.model(comfy_pack).source
    assert Path(source) == comfy_pack.core.find_weights()
