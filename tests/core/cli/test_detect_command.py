"""`panini detect`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from panini_core.cli import main
from panini_core.images import ImageFile, read_image, write_image

pytestmark = pytest.mark.usefixtures("work_folder")


def picture_with_face(path: str, box: tuple[int, int, int, int] = (20, 10, 60, 50)) -> None:
    pixels = torch.full((3, 70, 100), 0.1)
    x0, y0, x1, y1 = box
    pixels[:, y0:y1, x0:x1] = 0.8
    write_image(path, ImageFile(pixels))


@pytest.mark.usefixtures("fake_detector")
def test_detect_writes_numbers_and_an_overlay(capsys: pytest.CaptureFixture[str]) -> None:
    picture_with_face("a.png")
    write_image("empty.png", ImageFile(torch.zeros(3, 40, 40)))
    assert main(["detect", "a.png", "empty.png", "-o", "found"]) == 0
    printed = capsys.readouterr().out
    assert "1 face" in printed
    assert "Nothing to do: 1" in printed

    found = json.loads(Path("found/a.png.faces.json").read_text())
    assert (found["width"], found["height"]) == (100, 70)
    (face,) = found["faces"]
    assert face["index"] == 0
    assert face["box"] == pytest.approx([20, 10, 60, 50], abs=1.5)
    assert face["landmarks"]["left_eye"][0] < face["landmarks"]["right_eye"][0]
    assert not torch.equal(read_image("found/a.png.faces.png").pixels, read_image("a.png").pixels)
    assert json.loads(Path("found/empty.png.faces.json").read_text())["faces"] == []


@pytest.mark.usefixtures("fake_detector")
def test_detect_bounds_the_size_of_faces() -> None:
    picture_with_face("a.png")
    for limit, count in (("--min-size", 1), ("--max-size", 0)):  # the face has about 40 px
        assert main(["detect", "a.png", "-o", limit[2:], limit, "30"]) == 0
        found = json.loads(Path(limit[2:], "a.png.faces.json").read_text())
        assert len(found["faces"]) == count


@pytest.mark.usefixtures("fake_detector")
def test_detect_overwrites_only_by_force() -> None:
    picture_with_face("a.png")
    Path("found").mkdir()
    Path("found/a.png.faces.json").write_text("mine")
    assert main(["detect", "a.png", "-o", "found"]) == 0
    assert Path("found/a.png.faces.json").read_text() == "mine"
    assert not Path("found/a.png.faces.png").exists()
    assert main(["detect", "a.png", "-o", "found", "--force"]) == 0
    assert json.loads(Path("found/a.png.faces.json").read_text())["faces"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--detector", "nothing.pth"], "nothing.pth"),
        (["--device", "cuda:99"], "torch sees"),
        (["--device", "toaster"], "knows no such device"),
    ],
)
def test_a_detector_or_device_that_is_not_there(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    picture_with_face("a.png")
    assert main(["detect", "a.png", "-o", "found", *options]) == 2
    assert message in capsys.readouterr().err
    assert not Path("found").exists()


@pytest.mark.parametrize("threshold", ["1.5", "-0.1", "high", "nan"])
def test_a_threshold_out_of_range(threshold: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["detect", "a.png", "-o", "found", f"--threshold={threshold}"])
    assert "expected a number" in capsys.readouterr().err


@pytest.mark.usefixtures("fake_detector")
def test_detect_does_not_write_two_pictures_to_one_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for folder in ("one", "two"):
        Path(folder).mkdir()
    picture_with_face("one/a.png")
    write_image("two/a.png", ImageFile(torch.zeros(3, 40, 40)))
    assert main(["detect", "one", "two", "-o", "found", "--force"]) == 1
    assert len(json.loads(Path("found/a.png.faces.json").read_text())["faces"]) == 1
    assert "another output folder" in capsys.readouterr().out
