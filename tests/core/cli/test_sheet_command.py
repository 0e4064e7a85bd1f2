"""`panini sheet`, as a user runs it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from panini_core import load_panini
from panini_core.atlas import DegradationAtlas, save_atlas
from panini_core.checkpoints.fingerprint import encoder_fingerprint
from panini_core.cli import main, sheet
from panini_core.drawing import contact_sheet
from panini_core.images import ImageFile, read_image, write_image

from ..checkpoints.other_restorers import image_upscaler, write_as_published

pytestmark = pytest.mark.usefixtures("fake_detector")

TILE = 112
FACE = (40, 20, 100, 80)  # the bright square that the fake detector takes for a face


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> Callable[..., int]:
    """`panini sheet` with the smallest network and tiles, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    model = Path("model.safetensors")
    shutil.copy(tiny_model, model)

    def run(*arguments: str) -> int:
        common = ["--model", str(model), "--device", "cpu", "--tile", str(TILE)]
        return main(["sheet", *arguments, *common])

    return run


def picture(path: str, *, face: float = 0.8, size: tuple[int, int] = (120, 160)) -> None:
    pixels = torch.full((3, *size), 0.1)
    x0, y0, x1, y1 = FACE
    pixels[:, y0:y1, x0:x1] = face
    write_image(path, ImageFile(pixels))


def title_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines of the title and of every entry's caption, as they are drawn."""
    drawn: list[str] = []
    real = contact_sheet._draw_lines

    def record(lines: list[str], width: int, count: int) -> Image.Image:
        drawn.extend(lines)
        return real(lines, width, count)

    monkeypatch.setattr(contact_sheet, "_draw_lines", record)
    monkeypatch.setattr(contact_sheet, "_wrap", lambda lines, width: [x for x in lines if x])
    return drawn


def test_every_face_is_shown_before_and_after_at_one_scale(
    run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture("a.png")
    assert run("a.png", "-o", "new/sheet.png", "--strength", "0") == 0
    for upscale in ("1", "2"):
        name = f"{upscale}.png"
        assert run("a.png", "-o", name, "--strength", "0", "--upscale", upscale) == 0
        pixels = read_image(name).pixels
        width = 2 * TILE + 4
        assert pixels.shape[2] == width + 2 * 16
        row = pixels[:, -16 - TILE : -16, 16 : 16 + width]
        before, after = row[:, :, :TILE], row[:, :, -TILE:]
        assert (before - after).abs().max() < 0.02  # nothing was restored, so the same twice
        # The face's box is 60 of the 90 px that are shown.
        assert (before[0, TILE // 2] > 0.45).float().mean() == pytest.approx(60 / 90, abs=0.05)
        assert (before[0, :, TILE // 2] > 0.45).float().mean() == pytest.approx(60 / 90, abs=0.05)
    assert run("a.png", "-o", "restored.png") == 0
    changed = read_image("restored.png").pixels != read_image("1.png").pixels
    left, right = changed[:, :, : 16 + TILE], changed[:, :, 16 + TILE :]
    assert not left.any()
    assert right.any()


def test_captions_name_pictures_faces_and_what_was_not_shown(
    run: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("photos/sub").mkdir(parents=True)
    picture("photos/a.png")
    picture("photos/sub/a.png")
    picture("photos/dark.png", face=0.1)
    Path("photos/broken.png").write_bytes(b"no picture")
    drawn = title_of(monkeypatch)
    assert run("photos", "gone.png", "--recursive", "-o", "sheet.jpg") == 1
    printed = capsys.readouterr().out
    assert "Drew 2 pictures -> sheet.jpg" in printed
    assert "Nothing to do: 1" in printed
    assert "Failed: 2" in printed
    assert "gone.png" in printed
    assert drawn.count("before") == drawn.count("after") == 2
    assert {"a.png, face 0, 60 px", "sub/a.png, face 0, 60 px"} <= set(drawn)
    assert drawn.index("a.png, face 0, 60 px") < drawn.index("sub/a.png, face 0, 60 px")
    assert "2 faces of 2 pictures, before and after" in drawn
    assert "No face to show in dark.png" in drawn
    assert any("no atlas" in line for line in drawn)
    assert read_image("sheet.jpg").size[0] == 2 * (2 * TILE + 4) + 3 * 16  # two pairs a row


def test_severity_comes_from_the_atlas_beside_the_model(
    run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_panini("model.safetensors")
    size = model.config.degradation_size
    atlas = DegradationAtlas(
        names=("blur",),
        vectors=torch.zeros(1, size),
        labels=torch.zeros(1, dtype=torch.int64),
        severity=torch.tensor([0.25]),
        positions=torch.zeros(1, 2),
        centre=torch.zeros(size),
        projection=torch.eye(size),
        reach=1e6,
        fingerprint=encoder_fingerprint(model),
    )
    save_atlas("model.atlas.safetensors", atlas)
    picture("a.png")
    drawn = title_of(monkeypatch)
    assert run("a.png", "-o", "sheet.png") == 0
    assert "light (0.25): mostly blur" in drawn
    assert not any("no atlas" in line for line in drawn)


@pytest.mark.usefixtures("other_restorer")
def test_other_restorers_tell_no_severity(
    run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture("a.png")
    drawn = title_of(monkeypatch)
    assert run("a.png", "-o", "sheet.png") == 0
    assert any("no atlas" in line for line in drawn)


def test_an_upscale_model_draws_what_is_around_faces(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_as_published(image_upscaler(), Path("x2.pth"), "params")
    picture("a.png")
    shown: list[torch.Tensor] = []
    for name, options in (("without.png", []), ("with.png", ["--upscale-model", "x2.pth"])):
        assert run("a.png", "-o", name, "--strength", "0", *options) == 0
        shown.append(read_image(name).pixels[:, -16 - TILE : -16, 16 : 16 + 2 * TILE + 4])
    changed = (shown[0] - shown[1]).abs() > 0.02
    assert not changed[:, :, :TILE].any()  # before
    assert changed[:, :, -TILE:].any()  # after
    assert run("a.png", "-o", "c.png", "--aligned", "--upscale-model", "x2.pth") == 2
    assert "which --aligned leaves out" in capsys.readouterr().err


def test_aligned_pictures_are_shown_whole(
    run: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture("face.png", size=(96, 96))
    picture("wide.png")
    drawn = title_of(monkeypatch)
    options = ["--aligned", "--strength", "0"]
    assert run("face.png", "wide.png", "-o", "sheet.png", *options) == 1
    assert "square picture, got 160x120" in capsys.readouterr().out
    assert "face.png" in drawn
    shown = read_image("sheet.png").pixels[:, -16 - TILE : -16, 16 : 16 + TILE]
    whole = torch.nn.functional.interpolate(
        read_image("face.png").pixels[None], (TILE, TILE), mode="bicubic", antialias=True
    )[0]
    assert (shown - whole).abs().mean() < 0.02


def test_only_chosen_faces_are_shown(
    run: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture("a.png")
    drawn = title_of(monkeypatch)
    assert run("a.png", "-o", "sheet.png", "--faces", "3") == 0
    assert "names none of the 1 faces" in capsys.readouterr().out
    assert "No face to show in a.png" in drawn
    assert "before" not in drawn


def test_what_has_no_room_is_reported(
    run: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"{number}.png" for number in range(5)]
    for name in names:
        picture(name)
    monkeypatch.setattr(contact_sheet, "TALLEST", 250)  # one row of two pairs
    assert run(*names, "-o", "sheet.png") == 1
    printed = capsys.readouterr().out
    assert "Drew 2 pictures" in printed
    assert "Failed: 3" in printed
    assert "2.png: the sheet had room for 0 of its 1 faces" in printed
    assert "4.png: the sheet is full. Choose a smaller --tile" in printed
    assert read_image("sheet.png").size[1] < 250 + TILE


def test_nothing_is_overwritten_unasked(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    picture("a.png")
    before = Path("a.png").read_bytes()
    Path("mine.png").write_bytes(b"mine")
    for arguments, message in [
        (["-o", "mine.png"], "exists already"),
        (["-o", "a.png", "--force"], "also one of the pictures"),
        (["-o", "sheet.gif"], "ends in .jpg, .jpeg, .png"),
        (["-o", "."], "ends in"),
        (["-o", "sheet.png", "--fidelity", "0.5", "--upscale", "0.5"], "upscale must be"),
    ]:
        assert run("a.png", *arguments) == 2, arguments
        assert message in capsys.readouterr().err
    assert Path("a.png").read_bytes() == before
    assert Path("mine.png").read_bytes() == b"mine"
    assert not Path("sheet.png").exists()
    assert run("a.png", "-o", "mine.png", "--force") == 0
    assert read_image("mine.png").size[0] > 2 * TILE


def test_no_sheet_where_nothing_could_be_read(run: Callable[..., int]) -> None:
    assert run("gone.png", "-o", "sheet.png") == 1
    assert not Path("sheet.png").exists()


def test_ctrl_c_keeps_what_was_drawn(
    run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        picture(name)
    real = sheet.read_image

    def interrupted(path: Path) -> ImageFile:
        if path.name == "b.png":
            raise KeyboardInterrupt
        return real(path)

    monkeypatch.setattr(sheet, "read_image", interrupted)
    drawn = title_of(monkeypatch)
    assert run("a.png", "b.png", "c.png", "-o", "sheet.png") == 130
    assert "1 face of 1 picture, before and after" in drawn
    assert read_image("sheet.png").size[0] > 2 * TILE
