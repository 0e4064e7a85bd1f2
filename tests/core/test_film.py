"""Films restored from end to end, with stand-ins for the networks."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from panini_core import film as film_module
from panini_core.film import parts_folder, restore_film
from panini_core.models.face_detector import Detections
from panini_core.models.face_parser import PARSENET, FaceParser
from panini_core.models.face_restorer import CropRestorer, RestorerKind
from panini_core.models.panini import PaniniNet
from panini_core.options import FilmOptions, RestoreOptions
from panini_core.video import Film, parts

from .film_stand_ins import Blur, BrightSquare, SkinAbove, small_model
from .video.films import (
    frames_of,
    make_film,
    needs_encoder,
    seconds_of,
    sound_of,
    uneven_times,
)

pytestmark = needs_encoder("libx264")

TEN_SECONDS = [2560 * index for index in range(50)]  # five frames a second
SECONDS = 600
WITHOUT_LOSS = {"codec": "ffv1", "options": {"level": "3"}}
OPTIONS = RestoreOptions(batch=1, smoothing=1)


@pytest.fixture(scope="module")
def model() -> PaniniNet:
    return small_model()


def scene(index: int, *, left: int = 12, height: int = 48, width: int = 64) -> np.ndarray:
    """A bright square that stands, on a grey ground with a slope."""
    picture = np.full((height, width, 3), 40, np.uint8)
    picture[:, :, 2] += np.arange(width, dtype=np.uint8) // 2
    picture[10:30, left : left + 20] = (220, 180, 160)
    picture[14:18, left + 4 : left + 16] = (150, 120, 110)
    return picture


def restore(source: Path, target: Path, model: PaniniNet, **rest: Any) -> film_module.FilmReport:
    return restore_film(BrightSquare(), model, source, target, rest.pop("options", OPTIONS), **rest)


# --- what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        {"sound": True},
        {"sound": True, "times": [4 * time for time in uneven_times(50)]},
        {"rotation": 90},
        {"pixel_format": "yuv420p10le"},
    ],
    ids=["sound", "uneven times", "turned", "ten bits"],
)
def test_ten_seconds_keep_what_they_are(
    tmp_path: Path, model: PaniniNet, kind: dict[str, Any]
) -> None:
    source = make_film(tmp_path / "a.mp4", 50, scene, **({"times": TEN_SECONDS} | kind))
    target = tmp_path / "b.mp4"
    report = restore(source, target, model)
    assert report.frames == report.restored == 50 and report.tracks == {0}
    assert seconds_of(target) == seconds_of(source)
    before, after = Film(source), Film(target)
    assert (after.codec, after.pixel_format, after.size) == (
        before.codec,
        before.pixel_format,
        before.size,
    )
    assert after.tags == before.tags and after.turns == before.turns
    if kind.get("sound"):
        assert sound_of(target) == sound_of(source)
    one, other = (next(film.frames()).pixels() for film in (before, after))
    assert (one - other).abs().max() > 0.1  # the face is another
    assert not parts_folder(target).exists()


def test_values_in_which_nothing_is_drawn_stay_to_the_bit(tmp_path: Path, model: PaniniNet) -> None:
    def picture(index: int) -> np.ndarray:
        return scene(index, width=128) if index < 5 else np.full((48, 128, 3), 60, np.uint8)

    source = make_film(tmp_path / "a.mkv", 10, picture, **WITHOUT_LOSS)
    report = restore(source, tmp_path / "b.mkv", model)
    assert report.restored == 5
    before, after = frames_of(source), frames_of(tmp_path / "b.mkv")
    for index, (one, other) in enumerate(zip(before, after, strict=True)):
        assert np.array_equal(one, other) == (index >= 5)
        assert np.array_equal(one[:48, 90:], other[:48, 90:])


def test_upscale_enlarges_the_frames(tmp_path: Path, model: PaniniNet) -> None:
    source = make_film(tmp_path / "a.mp4", 4, scene, rotation=90)
    options = RestoreOptions(batch=1, smoothing=0, upscale=1.55)
    restore(source, tmp_path / "b.mp4", model, options=options)
    assert Film(tmp_path / "b.mp4").size == (98, 74)


def test_a_film_without_a_face_stays(tmp_path: Path, model: PaniniNet) -> None:
    source = make_film(
        tmp_path / "a.mkv", 12, lambda _: np.full((48, 64, 3), 60, np.uint8), **WITHOUT_LOSS
    )
    report = restore(source, tmp_path / "b.mkv", model)
    assert report.restored == 0 and report.tracks == set()
    assert all(map(np.array_equal, frames_of(source), frames_of(tmp_path / "b.mkv")))


def test_a_size_that_changes_is_brought_to_the_first(tmp_path: Path, model: PaniniNet) -> None:
    pieces: list[bytes] = []
    for number, (height, width) in enumerate(((96, 96), (120, 128))):
        times = [512 * (25 * number + index) for index in range(5)]
        shown = scene(0, height=height, width=width)
        piece = make_film(tmp_path / f"{number}.ts", 5, lambda _, p=shown: p, times=times)
        pieces.append(piece.read_bytes())
    source = tmp_path / "a.ts"
    source.write_bytes(b"".join(pieces))
    report = restore(source, tmp_path / "b.mp4", model)
    assert report.frames == report.restored == 10
    assert "frames of 128x120 were brought to 96x96" in report.notes
    assert {frame.shape for frame in frames_of(tmp_path / "b.mp4")} == {(144, 96)}


# --- who is who -----------------------------------------------------------------------------------


def test_a_cut_ends_tracks(tmp_path: Path, model: PaniniNet) -> None:
    def picture(index: int) -> np.ndarray:
        shown = scene(index)
        if index >= 10:
            shown[34:, :] = 110
            shown[:8, :] = 100
        return shown

    source = make_film(tmp_path / "a.mkv", 20, picture, **WITHOUT_LOSS)
    assert restore(source, tmp_path / "b.mkv", model).tracks == {0, 1}
    options = RestoreOptions(batch=1, smoothing=1, faces="1")
    second = restore(source, tmp_path / "c.mkv", model, options=options)
    assert second.restored == 10 and second.tracks == {1}
    spans = {number: (seen.first, seen.last) for number, seen in second.faces.items()}
    assert spans == {0: (0, 9), 1: (10, 19)}  # also who is left as they are
    assert {round(seen.size) for seen in second.faces.values()} == {20}
    same = list(map(np.array_equal, frames_of(source), frames_of(tmp_path / "c.mkv")))
    assert same == [True] * 10 + [False] * 10


@pytest.mark.parametrize("of", [{"strength": "1; 1: 0"}, {"fidelity": "0.5; 1: 0.9"}])
def test_a_face_may_have_a_value_of_its_own(
    tmp_path: Path, model: PaniniNet, of: dict[str, Any]
) -> None:
    """By the number that it has in the whole film."""

    def picture(index: int) -> np.ndarray:
        return scene(index, left=12 if index < 10 else 40)

    source = make_film(tmp_path / "a.mkv", 20, picture, **WITHOUT_LOSS)
    restore(source, tmp_path / "b.mkv", model)
    options = replace(OPTIONS, **of)
    assert restore(source, tmp_path / "c.mkv", model, options=options).tracks == {0, 1}
    usual, other = frames_of(tmp_path / "b.mkv"), frames_of(tmp_path / "c.mkv")
    assert list(map(np.array_equal, usual, other)) == [True] * 10 + [False] * 10
    if "strength" in of:
        assert all(map(np.array_equal, frames_of(source)[10:], other[10:]))


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"mask_source": "oval", "fidelity": "0.5; 0: 0.8", "strength": "0; 0: 0.9"},
        {"mask_source": "parse"},
    ],
    ids=["as usual", "oval and face by face", "parse"],
)
def test_the_same_frames_as_a_batch_give_the_same_pictures(
    tmp_path: Path, model: PaniniNet, chosen: dict[str, Any]
) -> None:
    """The film and the batch of its frames go the same way, whatever is chosen."""
    from panini_core.pipeline import restore_images

    def picture(index: int) -> np.ndarray:
        shown = scene(index, left=12 + index // 3)
        grain = np.random.default_rng(index).normal(0, 4, (*shown.shape[:2], 1))
        return (shown + grain).round().clip(0, 255).astype(np.uint8)

    source = make_film(tmp_path / "a.mkv", 40, picture, pixel_format="yuv444p", **WITHOUT_LOSS)
    frames = torch.stack([frame.pixels() for frame in Film(source).frames()])
    options, parser = replace(OPTIONS, **chosen), FaceParser(SkinAbove(), PARSENET).eval()
    expected = restore_images(BrightSquare(), model, frames, options, parser=parser)
    if chosen:
        usual = restore_images(BrightSquare(), model, frames, OPTIONS)
        assert not torch.equal(expected, usual)
    restore(source, tmp_path / "b.mkv", model, options=options, parser=parser)
    found = torch.stack([frame.pixels() for frame in Film(tmp_path / "b.mkv").frames()])
    assert (expected - frames).abs().max() > 0.1
    assert (found - expected).abs().max() < 4 / 255


def test_grain_goes_back_into_every_frame(tmp_path: Path) -> None:
    """Also into the face that a smooth network drew; each frame has its own."""
    inside = (slice(70, 100), slice(80, 110))

    def picture(index: int) -> np.ndarray:
        shown = np.full((160, 200, 3), 70.0)
        shown[50:120, 60:130] = 180
        grain = np.random.default_rng(index).normal(0, 6, (160, 200, 1))
        return (shown + grain).round().clip(0, 255).astype(np.uint8)

    source = make_film(tmp_path / "a.mkv", 3, picture, pixel_format="yuv444p", **WITHOUT_LOSS)
    smooth = CropRestorer(Blur(), RestorerKind("Blur", lambda blur, faces, _: blur(faces), size=64))
    shown: dict[bool, np.ndarray] = {}
    for match_grain in (True, False):
        target = tmp_path / f"{match_grain}.mkv"
        options = RestoreOptions(match_grain=match_grain, keep_detail=0)
        restore_film(BrightSquare(), smooth, source, target, options)
        brightness = [frame[0][inside] for frame in frames_of(target)]
        shown[match_grain] = np.stack(brightness).astype(np.float64)
    grain = shown[True] - shown[False]
    assert shown[False].std(axis=(1, 2)).max() < 3
    assert grain.std(axis=(1, 2)).min() > 4
    assert abs(np.corrcoef(grain[0].ravel(), grain[1].ravel())[0, 1]) < 0.1


class Unsure(BrightSquare):
    """Some frames' landmarks lie in one point, which fits no face."""

    def __init__(self, sure: int) -> None:
        super().__init__()
        self.sure = sure  # frames, the first ones

    def __call__(self, images: torch.Tensor, threshold: float) -> list[Detections]:
        first = self.images
        found = super().__call__(images, threshold)
        return [
            one if first + row < self.sure else replace(one, landmarks=one.landmarks * 0)
            for row, one in enumerate(found)
        ]


@pytest.mark.parametrize("sure", [0, 12])
def test_faces_that_are_left_alone_are_counted(
    tmp_path: Path, model: PaniniNet, monkeypatch: pytest.MonkeyPatch, sure: int
) -> None:
    """As in the batch of its frames, and also by a run that goes on."""
    from panini_core.pipeline import restore_images_with_report

    monkeypatch.setattr(film_module, "PART_FRAMES", 5)
    source = make_film(tmp_path / "a.mkv", 12, scene, **WITHOUT_LOSS)
    frames = torch.stack([frame.pixels() for frame in Film(source).frames()])
    batch = restore_images_with_report(Unsure(sure), model, frames, OPTIONS).reports
    expected = sum(not face.reliable for one in batch for face in one.found)
    assert expected == 12 - sure
    target = tmp_path / "b.mkv"
    with pytest.raises(KeyboardInterrupt):
        restore_film(Unsure(sure), model, source, target, OPTIONS, on_image=Stop(7))
    report = restore_film(Unsure(sure), model, source, target, OPTIONS, resume=True)
    assert (report.left_alone, report.frames) == (expected, 12)
    assert bool(report.faces) == bool(sure)


# --- stopped and gone on with ---------------------------------------------------------------------


class Stop:
    """Stops the work after some frames."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(self, done: int, total: int) -> None:
        if done == self.after:
            raise KeyboardInterrupt


def test_what_is_stopped_is_a_film_and_goes_on_to_the_same_end(
    tmp_path: Path, model: PaniniNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_module, "PART_FRAMES", 12)

    def picture(index: int) -> np.ndarray:
        generator = np.random.default_rng(index)
        return scene(index) + generator.integers(0, 12, (48, 64, 3), dtype=np.uint8)

    source = make_film(tmp_path / "a.mkv", 50, picture, sound=True, **WITHOUT_LOSS)
    whole, target = tmp_path / "whole.mkv", tmp_path / "b.mkv"
    detector = BrightSquare()
    restore_film(detector, model, source, whole, OPTIONS)
    looked = detector.images

    detector = BrightSquare()
    with pytest.raises(KeyboardInterrupt):
        restore_film(detector, model, source, target, OPTIONS, on_image=Stop(30))
    assert seconds_of(target) == seconds_of(source)[:30]
    assert len(sound_of(target)) < len(sound_of(source))
    with pytest.raises(ValueError, match="Go on with it"):
        restore_film(detector, model, source, target, OPTIONS)
    other = RestoreOptions(batch=1, smoothing=1, fidelity=0.2)
    with pytest.raises(ValueError, match="cannot be resumed"):
        restore_film(detector, model, source, target, other, resume=True)

    report = restore_film(detector, model, source, target, OPTIONS, resume=True)
    assert (report.resumed, report.frames) == (24, 50)
    assert detector.images == looked  # nothing was searched twice
    assert all(map(np.array_equal, frames_of(whole), frames_of(target)))
    assert seconds_of(target) == seconds_of(source)
    assert sound_of(target) == sound_of(source)
    assert not parts_folder(target).exists()


@pytest.mark.parametrize("where", ["finish", "first frame", "encoder", "detection"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_wherever_it_is_stopped_finished_parts_are_a_film(
    tmp_path: Path,
    model: PaniniNet,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    error: type[BaseException],
) -> None:
    monkeypatch.setattr(film_module, "PART_FRAMES", 4)
    source = make_film(tmp_path / "a.mkv", 14, scene, **WITHOUT_LOSS)
    target = tmp_path / "b.mkv"
    detector = BrightSquare()
    calls = {"count": 0}

    def stop_at(call: int, work: Any) -> Any:
        def count(*arguments: Any, **named: Any) -> Any:
            calls["count"] += 1
            if calls["count"] == call:
                raise error
            return work(*arguments, **named)

        return count

    with monkeypatch.context() as patch:
        if where == "finish":
            patch.setattr(parts.PartWriter, "finish", stop_at(3, parts.PartWriter.finish))
        elif where == "first frame":
            patch.setattr(parts.PartWriter, "write", stop_at(9, parts.PartWriter.write))
        elif where == "encoder":
            patch.setattr(parts, "add_stream", stop_at(3, parts.add_stream))
        else:
            patch.setattr(film_module, "_paste", stop_at(9, film_module._paste))
        with pytest.raises(error):
            restore_film(detector, model, source, target, OPTIONS)
    assert seconds_of(target) == seconds_of(source)[:8]
    report = restore_film(detector, model, source, target, OPTIONS, resume=True)
    assert (report.resumed, report.frames) == (8, 14)
    assert seconds_of(target) == seconds_of(source)


def test_a_torn_memory_is_mended(
    tmp_path: Path, model: PaniniNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_module, "PART_FRAMES", 8)
    source = make_film(tmp_path / "a.mkv", 20, scene, **WITHOUT_LOSS)
    target = tmp_path / "b.mkv"
    with pytest.raises(KeyboardInterrupt):
        restore(source, target, model, on_image=Stop(10))
    memory = parts_folder(target) / "faces.jsonl"
    memory.write_bytes(memory.read_bytes()[:-7])
    assert restore(source, target, model, resume=True).frames == 20


def test_a_run_may_begin_anew(tmp_path: Path, model: PaniniNet) -> None:
    source = make_film(tmp_path / "a.mp4", 6, scene)
    with pytest.raises(KeyboardInterrupt):
        restore(source, tmp_path / "b.mp4", model, on_image=Stop(3))
    report = restore(source, tmp_path / "b.mp4", model, overwrite=True)
    assert (report.resumed, report.frames) == (0, 6)


def test_quality_and_codec_may_be_chosen(tmp_path: Path, model: PaniniNet) -> None:
    source = make_film(tmp_path / "a.mp4", 6, scene)
    chosen = FilmOptions(codec="ffv1")
    restore(source, tmp_path / "b.mkv", model, film_options=chosen)
    assert Film(tmp_path / "b.mkv").codec == "ffv1"


# --- memory ---------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="needs getrusage")
def test_memory_does_not_grow_with_the_film(tmp_path: Path) -> None:
    def picture(index: int) -> np.ndarray:
        return scene(index) if index % 50 < 12 else np.full((48, 64, 3), 60, np.uint8)

    most: list[int] = []
    for count in (100, 1000):
        source = make_film(tmp_path / f"{count}.mp4", count, picture)
        command = [sys.executable, str(Path(__file__).with_name("film_stand_ins.py"))]
        result = subprocess.run(
            [*command, str(source), str(tmp_path / f"{count}.restored.mp4")],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )
        assert result.returncode == 0, result.stderr
        frames, restored, kilobytes = map(int, result.stdout.split())
        assert frames == count and restored >= count // 50 * 12
        most.append(kilobytes)
    assert most[1] < 1.2 * most[0], most
