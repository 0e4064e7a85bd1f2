"""`panini restore clip.mp4`, as a user runs it."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from panini_core import film as film_module
from panini_core.checkpoints.detector import find_detector
from panini_core.cli import main
from panini_core.cli.restore_film import name_network
from panini_core.film import parts_folder
from panini_core.models.face_detector import Detections
from panini_core.video import Film

from ..video.films import frames_of, make_film, needs_encoder, seconds_of

pytestmark = [pytest.mark.usefixtures("fake_detector"), needs_encoder("libx264")]

Run = Callable[..., int]


@pytest.fixture
def run(work_folder: Path, tiny_model: Path) -> Run:
    def run(*arguments: str) -> int:
        return main(["restore", *arguments, "--model", str(tiny_model), "--device", "cpu"])

    return run


def scene(index: int) -> np.ndarray:
    picture = np.full((48, 64, 3), 20, np.uint8)
    picture[10:30, 12:32] = (220, 180, 160)
    return picture


def test_a_film_and_a_picture_go_to_one_folder(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    make_film(Path("clip.mp4"), 6, scene)
    from PIL import Image

    Image.fromarray(scene(0)).save("a.png")
    assert run("clip.mp4", "a.png", "-o", "out", "--report", "report.json") == 0
    assert seconds_of(Path("out/clip.mp4")) == seconds_of(Path("clip.mp4"))
    assert Path("out/a.png").exists()
    report = json.loads(Path("report.json").read_text())["pictures"]
    assert report[0]["frames"] == report[0]["restored_faces"] == 6
    assert report[0]["faces"] == [{"number": 0, "first_frame": 0, "last_frame": 5}]
    # What is there is not done again.
    assert run("clip.mp4", "-o", "out") == 0
    assert "exists already" in capsys.readouterr().out


def test_the_results_name_says_its_format(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    make_film(Path("clip.mp4"), 4, scene)
    assert run("clip.mp4", "-o", "better.mkv", "--codec", "ffv1", "--smoothing", "0") == 0
    assert Film("better.mkv").codec == "ffv1"
    shutil.copy("clip.mp4", "other.mp4")
    assert run("clip.mp4", "other.mp4", "-o", "one.mp4") == 2
    assert "expected a folder" in capsys.readouterr().err


WITHOUT_LOSS = {"codec": "ffv1", "options": {"level": "3"}}


@pytest.mark.parametrize(
    "chosen",
    [
        ["--mask-source", "oval"],
        ["--fidelity", "0.5; 0: 0.9"],
        ["--strength", "1; 0: 0.5"],
    ],
    ids=lambda chosen: chosen[0],
)
def test_what_is_chosen_for_pictures_counts_for_films(run: Run, chosen: list[str]) -> None:
    make_film(Path("clip.mkv"), 3, scene, **WITHOUT_LOSS)
    assert run("clip.mkv", "-o", "usual.mkv") == 0
    assert run("clip.mkv", "-o", "chosen.mkv", *chosen) == 0
    shown = zip(frames_of(Path("usual.mkv")), frames_of(Path("chosen.mkv")), strict=True)
    assert not any(np.array_equal(one, other) for one, other in shown)


def test_a_face_that_is_given_no_strength_stays(run: Run) -> None:
    make_film(Path("clip.mkv"), 3, scene, **WITHOUT_LOSS)
    assert run("clip.mkv", "-o", "out.mkv", "--strength", "1; 0: 0") == 0
    assert all(map(np.array_equal, frames_of(Path("clip.mkv")), frames_of(Path("out.mkv"))))


def test_films_of_a_folder_are_named_and_those_of_a_pattern_taken(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("films").mkdir()
    make_film(Path("films/clip.mp4"), 3, scene)
    assert run("films", "-o", "out") == 2
    assert "restored where they are named" in capsys.readouterr().err
    assert run("films/*.mp4", "-o", "out") == 0
    assert Path("out/clip.mp4").exists()


def test_what_was_stopped_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(film_module, "PART_FRAMES", 5)
    make_film(Path("clip.mp4"), 14, scene)
    from panini_core.video.parts import PartWriter

    write = PartWriter.write
    written: list[int] = []

    def stop(self: PartWriter, frame: film_module.FilmFrame) -> None:
        if len(written) == 8:
            raise KeyboardInterrupt
        written.append(frame.index)
        write(self, frame)

    monkeypatch.setattr(PartWriter, "write", stop)
    assert run("clip.mp4", "-o", "out.mp4") == 130
    assert len(seconds_of(Path("out.mp4"))) == 8
    monkeypatch.setattr(PartWriter, "write", write)
    assert run("clip.mp4", "-o", "out.mp4") == 0  # it exists, and is left alone
    assert len(seconds_of(Path("out.mp4"))) == 8
    assert run("clip.mp4", "-o", "out.mp4", "--resume") == 0
    assert seconds_of(Path("out.mp4")) == seconds_of(Path("clip.mp4"))
    assert not parts_folder(Path("out.mp4")).exists()


def test_what_cannot_be_read_is_counted_as_failed(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.mp4").write_bytes(b"no film")
    make_film(Path("clip.mp4"), 3, scene)
    assert run("bad.mp4", "clip.mp4", "-o", "out") == 1
    assert "expected a film" in capsys.readouterr().out
    assert Path("out/clip.mp4").exists()
    assert not list(Path("out").glob("*.parts"))


def test_a_film_is_no_aligned_face(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    make_film(Path("clip.mp4"), 3, scene)
    assert run("clip.mp4", "-o", "out", "--aligned") == 1
    assert "no aligned face" in capsys.readouterr().out


LONG_NAMES = ["像" * 83 + ".mp4", "é" * 125 + ".mp4", "a" * 251 + ".mp4"]


@pytest.mark.parametrize("name", LONG_NAMES, ids=["three bytes", "two bytes", "one byte"])
def test_names_as_long_as_the_system_allows(
    run: Run, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_film(Path("clip.mp4"), 4, scene)
    Path("clip.mp4").rename(name)
    other = name.replace(".mp4", "b.mp4")[1:] if name.isascii() else "b" + name[2:]
    shutil.copy(name, other)
    assert parts_folder(Path("out", name)) != parts_folder(Path("out", other))
    assert run(name, other, "-o", "out", "--resume") == 0
    assert {path.name for path in Path("out").iterdir()} == {name, other}


def test_a_name_that_no_file_can_have_stops_no_other(run: Run) -> None:
    make_film(Path("clip.mp4"), 4, scene)
    assert run("像" * 100 + ".mp4", "clip.mp4", "-o", "out", "--resume") == 1
    assert Path("out/clip.mp4").exists()


@pytest.mark.parametrize("changed", ["detector", "parser", "bytes", "time", "nothing"])
def test_parts_of_another_network_are_not_gone_on_with(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], changed: str
) -> None:
    from panini_core.cli import opening
    from panini_core.models.face_parser import PARSENET, FaceParser
    from panini_core.video.parts import PartWriter

    from ..film_stand_ins import SkinAbove

    def load(path: object, **_: object) -> FaceParser:
        return FaceParser(SkinAbove(), PARSENET).eval()

    monkeypatch.setattr(opening, "load_parser", load)
    for name in ("a.pth", "b.pth"):
        Path(name).write_bytes(b"stand-in")
    make_film(Path("clip.mp4"), 6, scene)
    finish = PartWriter.finish

    def stop(self: PartWriter) -> None:
        raise KeyboardInterrupt

    usual = {"--detector": "a.pth", "--parser": "a.pth", "--mask-source": "parse"}

    def again(**other: str) -> int:
        chosen = usual | {f"--{name}": value for name, value in other.items()}
        words = [word for pair in chosen.items() for word in pair]
        return run("clip.mp4", "-o", "out.mp4", "--resume", *words)

    monkeypatch.setattr(PartWriter, "finish", stop)
    assert again() == 130
    monkeypatch.setattr(PartWriter, "finish", finish)
    if changed == "bytes":
        Path("a.pth").write_bytes(b"another stand-in")
    if changed == "time":
        os.utime("a.pth", ns=(1, 1))
    assert again(**({changed: "b.pth"} if changed in ("detector", "parser") else {})) == (
        0 if changed == "nothing" else 1
    )
    said = capsys.readouterr().out
    assert ("cannot be resumed" in said) == (changed != "nothing")
    if changed in ("detector", "parser"):
        assert f"(not the same: {changed})" in said


def test_a_bundled_detector_is_known_by_its_name(tmp_path: Path) -> None:
    assert name_network(find_detector("bundled")) == name_network(find_detector()) == "bundled"
    assert name_network(None) == ""


def test_faces_that_are_left_alone_are_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from .conftest import FakeDetector

    find = FakeDetector._find

    def find_vaguely(self: FakeDetector, image: Tensor) -> Detections:
        found = find(self, image)
        return dataclasses.replace(found, landmarks=found.landmarks * 0)

    monkeypatch.setattr(FakeDetector, "_find", find_vaguely)
    make_film(Path("clip.mp4"), 6, scene)
    assert run("clip.mp4", "-o", "out.mp4", "--report", "report.json") == 0
    (told,) = json.loads(Path("report.json").read_text())["pictures"]
    assert "left alone, since no landmarks fit: 6" in told["notes"]
    assert told["left_alone_faces"] == 6
