"""`panini restore`, as a user runs it."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import panini_core
from panini_core.cli import main, restore
from panini_core.images import (
    ImageFile,
    Metadata,
    Place,
    read_image,
    read_images,
    save_image,
    write_image,
    write_images,
)

pytestmark = pytest.mark.usefixtures("fake_detector")

Run = Callable[..., int]
HEIGHT, WIDTH = 120, 160
FACE = (40, 20, 100, 80)  # the bright square that the fake detector takes for a face


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> Callable[..., int]:
    """`panini restore` with the smallest network, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        return main(["restore", *arguments, "--model", str(tiny_model), "--device", "cpu"])

    return run


def picture(
    *, bits: int = 8, channels: int = 3, face: bool = True, size: tuple[int, int] = (HEIGHT, WIDTH)
) -> ImageFile:
    """Dark noise with a bright, noisy square, in whole levels."""
    rng = np.random.default_rng(0)
    levels = 2**bits - 1
    values = rng.uniform(0, 0.25, (channels, *size))
    if face:
        x0, y0, x1, y1 = FACE
        values[:, y0:y1, x0:x1] += 0.5
    pixels = torch.from_numpy(np.round(values * levels) / levels).float()
    return ImageFile(
        pixels=pixels[:3] if channels >= 3 else pixels[:1].expand(3, -1, -1),
        alpha=pixels[-1:] if channels in (2, 4) else None,
        bit_depth=bits,
        grey=channels <= 2,
    )


def integers(image: ImageFile) -> torch.Tensor:
    return (image.pixels * (2**image.bit_depth - 1)).round().long()


# --- what comes back --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "bits", "channels"),
    [
        (".png", 8, 1),
        (".png", 8, 3),
        (".png", 8, 4),
        (".png", 16, 1),
        (".png", 16, 3),
        (".tif", 16, 4),
        (".webp", 8, 3),
        (".bmp", 8, 3),
    ],
)
def test_kind_is_kept_and_pixels_away_from_faces_are_identical(
    run: Run, suffix: str, bits: int, channels: int
) -> None:
    write_image(f"a{suffix}", picture(bits=bits, channels=channels))
    assert run(f"a{suffix}", "-o", "out") == 0
    before, after = read_image(f"a{suffix}"), read_image(f"out/a{suffix}")
    assert (after.bit_depth, after.grey, after.size) == (bits, channels <= 2, (WIDTH, HEIGHT))
    assert (before.alpha is None) == (after.alpha is None)
    if before.alpha is not None and after.alpha is not None:
        assert torch.equal(before.alpha, after.alpha)

    same = (integers(before) == integers(after)).all(dim=0)
    x0, y0, x1, y1 = FACE
    margin = (x1 - x0) * 2  # the crop is wider than the face
    assert same[:, x1 + margin // 2 :].all()
    assert same[y1 + margin // 4 :].all()
    assert not same[y0:y1, x0:x1].all()


def test_a_picture_without_a_face_is_copied_byte_by_byte(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save("dark.jpg", quality=30)
    Image.new("RGB", (1, 1)).save("one.png")
    assert run("dark.jpg", "one.png", "-o", "out", "--compare", "--save-faces") == 0
    for name in ("dark.jpg", "one.png"):
        assert (Path("out") / name).read_bytes() == Path(name).read_bytes()
    assert len(list(Path("out").iterdir())) == 2
    printed = capsys.readouterr().out
    assert "Nothing to do: 2" in printed
    assert "No face was found" in printed
    assert "copied as it is" in printed


def test_upscale_enlarges_everything_and_alpha_with_it(run: Run) -> None:
    write_image("a.png", picture(channels=4))
    write_image("dark.png", picture(face=False))
    assert run("a.png", "dark.png", "-o", "out", "--upscale", "2") == 0
    image = read_image("out/a.png")
    assert image.size == (2 * WIDTH, 2 * HEIGHT)
    assert image.alpha is not None
    assert image.alpha.shape == (1, 2 * HEIGHT, 2 * WIDTH)
    assert read_image("out/dark.png").size == (2 * WIDTH, 2 * HEIGHT)


def test_strength_0_changes_nothing(run: Run) -> None:
    write_image("a.png", picture())
    assert run("a.png", "-o", "out", "--strength", "0") == 0
    assert torch.equal(read_image("out/a.png").pixels, read_image("a.png").pixels)


def test_fidelity_and_colour_options_reach_the_result(run: Run) -> None:
    write_image("a.png", picture())
    results: list[torch.Tensor] = []
    for number, options in enumerate(
        [[], ["--fidelity", "0"], ["--fidelity", "1"], ["--no-match-colour"], ["--feather", "0.4"]]
    ):
        assert run("a.png", "-o", f"{number}.png", *options) == 0
        results.append(read_image(f"{number}.png").pixels)
    for number, result in enumerate(results):
        for other in results[:number]:
            assert not torch.equal(result, other)


def test_faces_that_are_not_chosen_stay(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write_image("a.png", picture())
    assert run("a.png", "-o", "out", "--faces", "3") == 0
    assert "names none of the 1 faces" in capsys.readouterr().out
    assert Path("out/a.png").read_bytes() == Path("a.png").read_bytes()


def test_a_gif_comes_back_as_png_with_a_note(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    pixels = (picture().pixels * 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).convert("P").save("a.gif")
    assert run("a.gif", "-o", "out") == 0
    assert read_image("out/a.png").size == (WIDTH, HEIGHT)
    printed = capsys.readouterr().out
    assert "palette was converted" in printed
    assert "GIF was written as PNG" in printed


def fade_in(path: str, *, face: bool = True) -> list[torch.Tensor]:
    """An animation of four frames that begins black; the pixels that it shows."""
    full = (picture(face=face).pixels * 255).round().byte().permute(1, 2, 0).numpy()
    full = full // 32 * 32  # few colours, as GIF has them
    frames = [Image.fromarray(np.uint8(full * share)) for share in (0, 0.25, 0.75, 1)]
    first, *rest = frames
    first.save(path, save_all=True, append_images=rest, duration=[80, 120, 160, 200], loop=0)
    return [image.pixels for image in read_images(path)]


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_an_animation_is_restored_frame_by_frame(
    run: Run, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = fade_in("a.gif")
    if suffix != ".gif":
        write_images(f"a{suffix}", read_images("a.gif"))
        Path("a.gif").unlink()
    assert run(f"a{suffix}", "-o", "out", "--report", "report.json") == 0
    assert "copied as it is" not in capsys.readouterr().out
    images = list(read_images(f"out/a{suffix}"))
    assert [image.place.duration for image in images if image.place] == [80, 120, 160, 200]
    x0, y0, x1, y1 = FACE
    for index, (old, new) in enumerate(zip(before, images, strict=True)):
        assert torch.equal(new.pixels[:, :, x1 + 60 :], old[:, :, x1 + 60 :])
        changed = not torch.equal(new.pixels[:, y0:y1, x0:x1], old[:, y0:y1, x0:x1])
        assert changed == (index >= 2)  # the first two are too dark for the fake detector
    (entry,) = json.loads(Path("report.json").read_text())["pictures"]
    assert entry["outcome"] == "done"
    assert entry["pictures"] == 4
    assert [face["picture"] for face in entry["faces"]] == [2, 3]
    assert "in 2 of 4 pictures" in entry["result"]


def test_an_animation_without_a_face_is_copied_and_one_can_be_converted(run: Run) -> None:
    fade_in("a.gif", face=False)
    assert run("a.gif", "-o", "out") == 0
    assert Path("out/a.gif").read_bytes() == Path("a.gif").read_bytes()
    assert run("a.gif", "-o", "png", "--format", "png") == 0
    assert len(list(read_images("png/a.png"))) == 4
    assert run("a.gif", "-o", "b.gif", "--upscale", "2") == 0
    assert [image.size for image in read_images("b.gif")] == [(2 * WIDTH, 2 * HEIGHT)] * 4


def test_an_animation_does_not_become_one_picture(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    fade_in("a.gif")
    assert run("a.gif", "-o", "out", "--format", "jpg") == 1
    assert "Write GIF or PNG or WEBP" in capsys.readouterr().out
    assert list(Path("out").iterdir()) == []


def test_every_page_is_restored_in_its_kind(run: Run) -> None:
    made = [picture(bits=16), picture(channels=1), picture(face=False, size=(30, 50))]
    pages = [dataclasses.replace(page, place=Place(index, 3)) for index, page in enumerate(made)]
    write_images("a.tif", pages)
    assert run("a.tif", "-o", "out", "--compare", "--save-faces") == 0
    before, after = list(read_images("a.tif")), list(read_images("out/a.tif"))
    assert [(page.bit_depth, page.grey, page.size) for page in after] == [
        (16, False, (WIDTH, HEIGHT)),
        (8, True, (WIDTH, HEIGHT)),
        (8, False, (50, 30)),
    ]
    same = [torch.equal(old.pixels, new.pixels) for old, new in zip(before, after, strict=True)]
    assert same == [False, False, True]
    names = {path.name for path in Path("out").iterdir()}
    assert names == {"a.tif"} | {
        f"a.tif.picture{page}.{ending}.png"
        for page in (0, 1)
        for ending in ("compare", "face0.before", "face0.after")
    }
    Path("out/a.tif").unlink()
    assert run("a.tif", "-o", "out", "--save-faces") == 0  # the faces are there already
    assert not Path("out/a.tif").exists()


def test_all_results_get_the_format_that_is_wanted(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = (picture().pixels * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save("a.jpg", comment=b"a comment")
    workflow = Metadata(text=(("workflow", "{}"),))
    write_image("b.png", dataclasses.replace(picture(face=False), metadata=workflow))
    for wanted in ("png", "webp", "tiff", "jpg"):
        assert run("a.jpg", "b.png", "-o", wanted, "--format", wanted) == 0
        printed = capsys.readouterr().out
        assert ("no place for it: texts (workflow)" in printed) == (wanted != "png")
        for name in ("a", "b"):
            assert read_image(f"{wanted}/{name}.{wanted}").size == (WIDTH, HEIGHT)
    assert Path("png/b.png").read_bytes() == Path("b.png").read_bytes()
    before, after = read_image("a.jpg"), read_image("png/a.png")
    x1 = FACE[2]
    assert torch.equal(before.pixels[:, :, x1 + 60 :], after.pixels[:, :, x1 + 60 :])
    assert after.metadata.text == (("Comment", "a comment"),)


def test_a_jpeg_keeps_its_coding_and_its_blocks(run: Run) -> None:
    pixels = (picture().pixels * 255).round().byte().permute(1, 2, 0).numpy()
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A camera"
    Image.fromarray(np.rot90(pixels)).save(
        "a.jpg", quality=98, subsampling="4:2:2", exif=exif.tobytes(), comment=b"a comment"
    )
    assert run("a.jpg", "-o", "out") == 0
    with Image.open("a.jpg") as before, Image.open("out/a.jpg") as after:
        assert after.size == before.size == (HEIGHT, WIDTH)
        assert after.quantization == before.quantization  # type: ignore[attr-defined]
        assert after.layer == before.layer  # type: ignore[attr-defined]
        assert after.getexif()[0x010F] == "A camera"
        assert after.getexif()[0x0112] == 6
        assert after.info["comment"] == b"a comment"
    assert read_image("out/a.jpg").size == (WIDTH, HEIGHT)
    assert not torch.equal(read_image("out/a.jpg").pixels, read_image("a.jpg").pixels)


def test_aligned_pictures_are_restored_whole(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write_image("face.png", picture(size=(96, 96), channels=4))
    write_image("wide.png", picture())
    assert run("face.png", "wide.png", "-o", "out", "--aligned", "--upscale", "1.5") == 1
    assert "square picture, got 160x120" in capsys.readouterr().out
    result = read_image("out/face.png")
    assert result.size == (144, 144)
    assert not Path("out/wide.png").exists()
    plain = read_image("face.png")
    assert run("face.png", "-o", "same.png", "--aligned") == 0
    changed = (read_image("same.png").pixels != plain.pixels).any(dim=0)
    assert changed[0].any()  # up to the border
    assert changed[:, -1].any()
    assert changed.float().mean() > 0.5


# --- extras -----------------------------------------------------------------------------------


def test_report_comparison_and_faces(run: Run) -> None:
    write_image("a.png", picture())
    Path("broken.png").write_bytes(b"no picture")
    options = ["--report", "new/report.json", "--compare", "--save-faces"]
    assert run("a.png", "broken.png", "-o", "out", *options) == 1
    names = sorted(path.name for path in Path("out").iterdir())
    assert names == [
        "a.png",
        "a.png.compare.png",
        "a.png.face0.after.png",
        "a.png.face0.before.png",
    ]
    assert read_image("out/a.png.face0.after.png").size == (64, 64)

    report = json.loads(Path("new/report.json").read_text())
    assert report["options"]["fidelity"] == 0.5
    good, bad = report["pictures"]
    assert (good["outcome"], bad["outcome"]) == ("done", "failed")
    assert good["target"] == str(Path("out/a.png"))
    assert [face["restored"] for face in good["faces"]] == [True]
    assert "not one" in bad["result"]


def test_no_result_of_an_earlier_run_is_overwritten(run: Run) -> None:
    write_image("a.png", picture())
    for existing in ("a.png", "a.png.compare.png", "a.png.face7.before.png"):
        output = Path("out-" + existing)
        output.mkdir()
        (output / existing).write_bytes(b"mine")
        assert run("a.png", "-o", str(output), "--compare", "--save-faces") == 0
        assert [path.name for path in output.iterdir()] == [existing]
        assert (output / existing).read_bytes() == b"mine"
    assert run("a.png", "-o", "out-a.png", "--force") == 0
    assert read_image("out-a.png/a.png").size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("name", ["像" * 83 + ".png", "é" * 125 + ".png", "a" * 251 + ".png"])
def test_names_as_long_as_the_system_allows(run: Run, name: str) -> None:
    write_image(name, picture())
    assert run(name, "-o", "out", "--compare", "--save-faces") == 0
    found = {path.name for path in Path("out").iterdir()}
    assert len(found) == 4
    assert name in found
    assert len([other for other in found if other.endswith(".compare.png")]) == 1
    before = {path: path.stat().st_mtime_ns for path in Path("out").iterdir()}
    Path("out", name).unlink()
    assert run(name, "-o", "out", "--compare", "--save-faces") == 0  # they are known again
    assert not Path("out", name).exists()
    assert all(path.stat().st_mtime_ns == before[path] for path in Path("out").iterdir())


def test_a_name_that_no_file_can_have_stops_no_other(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image("a.png", picture())
    assert run("a.png", "像" * 100 + ".png", "-o", "out") == 1
    assert Path("out/a.png").exists()
    assert "name" in capsys.readouterr().out


def test_a_clash_of_names_stops_nothing(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("photos", "photos/sub"):
        Path(folder).mkdir()
        write_image(f"{folder}/photo.png", picture())
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save("photos/photo.ppm")
    Path("photos/clip.mp4").write_bytes(b"x")
    assert run("photos", "photos/sub", "-o", "out", "--report", "report.json") == 1
    names = sorted(path.name for path in Path("out").iterdir())
    assert names == ["photo.png", "photo.ppm.png"]
    printed = capsys.readouterr().out
    assert "PPM was written as PNG (photo.ppm.png)" in printed
    assert "Failed: 1" in printed
    assert "another output folder" in printed
    assert "Left aside: 1 file\n  1 .mp4: films are restored where they are named" in printed
    report = json.loads(Path("report.json").read_text())
    assert report["left_aside"] == [str(Path("photos/clip.mp4"))]


# --- what goes wrong --------------------------------------------------------------------------


def test_unusable_arguments_change_nothing(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write_image("a.png", picture())
    Path("report.json").write_text("mine")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    for arguments, message in [
        (["-o", "."], "would be overwritten"),
        (["-o", "a.png", "--force"], "would be overwritten"),
        (["-o", "out", "--report", "report.json"], "exists already"),
        (["-o", "out", "--report", "a.png", "--force"], "also one of the pictures"),
        (["-o", "report.json"], "got a file"),
        (["-o", "b.jpg", "--format", "png"], "ends in .png, as --format says"),
        (["-o", "out", "--faces", "me"], "Cannot select faces"),
        (["-o", "out", "--upscale", "0.5"], "upscale must be at least 1"),
        (["-o", "out", "--feather", "2"], "feather must lie in"),
        (["-o", "out", "--min-size", "-1"], "min_size must be at least 0"),
    ]:
        assert run("a.png", *arguments) == 2, arguments
        assert message in capsys.readouterr().err
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_a_model_that_cannot_be_read(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write_image("a.png", picture())
    Path("model.pth").write_bytes(b"<html>")
    assert main(["restore", "a.png", "-o", "out", "--model", "model.pth"]) == 2
    assert "model.pth" in capsys.readouterr().err
    assert not Path("out").exists()


def test_what_the_target_format_cannot_hold_is_said_before_the_work(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image("a.png", picture(bits=16))
    monkeypatch.setattr(restore, "restore_picture", None)  # would raise TypeError
    assert run("a.png", "-o", "a.jpg") == 1
    assert "Write PNG or TIFF" in capsys.readouterr().out
    assert not Path("a.jpg").exists()


def test_a_folder_that_cannot_be_written_to(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image("a.png", picture())
    write_image("b.png", picture())
    Path("out").mkdir()
    Path("out/a.png").write_bytes(b"old")

    real = Path.open

    def refuse(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.parent.name == "out":
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    assert run("a.png", "b.png", "-o", "out", "--force") == 1
    printed = capsys.readouterr().out
    assert "Failed: 2" in printed
    assert "Permission denied" in printed
    monkeypatch.setattr(Path, "open", real)
    assert [path.name for path in Path("out").iterdir()] == ["a.png"]
    assert Path("out/a.png").read_bytes() == b"old"


def test_ctrl_c_keeps_finished_pictures_and_the_report(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        write_image(name, picture())
    real = restore.write_image

    def interrupted(path: Path, image: ImageFile) -> None:
        if path.name == "b.png":
            raise KeyboardInterrupt
        real(path, image)

    monkeypatch.setattr(restore, "write_image", interrupted)
    assert run("a.png", "b.png", "c.png", "-o", "out", "--report", "report.json") == 130
    assert [path.name for path in Path("out").iterdir()] == ["a.png"]
    (entry,) = json.loads(Path("report.json").read_text())["pictures"]
    assert entry["source"] == "a.png"


def test_what_is_chosen_reaches_the_restoration(run: Run) -> None:
    write_image("a.png", picture())
    chosen = {
        "min_size": 20.0,
        "max_size": 100.0,
        "sort": "large to small",
        "max_faces": 3,
        "noise_amount": 0.5,
        "noise_seed": 7,
        "latent_pull": 0.0,
        "keep_detail": 0.25,
    }
    flags = {name: f"--{name.replace('_', '-')}" for name in chosen} | {"noise_amount": "--noise"}
    arguments = [text for name, value in chosen.items() for text in (flags[name], str(value))]
    assert run("a.png", "-o", "out", "--report", "report.json", *arguments) == 0
    options = json.loads(Path("report.json").read_text())["options"]
    assert {name: options[name] for name in chosen} == chosen
    assert options["smoothing"] == 0


def test_another_seed_gives_another_look(run: Run) -> None:
    write_image("a.png", picture())
    for folder, arguments in {
        "plain": [],
        "same": ["--noise-seed", "3"],
        "noisy": ["--noise", "1"],
        "again": ["--noise", "1"],
        "other": ["--noise", "1", "--noise-seed", "3"],
    }.items():
        assert run("a.png", "-o", folder, *arguments) == 0
    results = {folder: Path(folder, "a.png").read_bytes() for folder in ("plain", "noisy", "other")}
    assert len(set(results.values())) == 3
    assert Path("same/a.png").read_bytes() == results["plain"]
    assert Path("again/a.png").read_bytes() == results["noisy"]


def test_faces_of_other_sizes_are_left(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write_image("a.png", picture())
    assert run("a.png", "-o", "out", "--max-size", "50") == 0
    assert "No face was found" in capsys.readouterr().out
    assert Path("out/a.png").read_bytes() == Path("a.png").read_bytes()


def test_every_option_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["restore", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    for text in ("--fidelity 0..1", "(default: 0.5)", "--upscale FACTOR", "(default: all)"):
        assert text in printed


def test_a_cold_start_loads_no_more_than_restoring_needs(work_folder: Path) -> None:
    """Torch's compiler, sympy and torchvision take longer to load than a picture to restore."""
    save_image("face.png", torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0)))
    script = (
        "import sys\n"
        "from panini_core.cli import main\n"
        "code = main(['restore', 'face.png', '-o', 'out', '--device', 'cpu'])\n"
        "loaded = sorted({'torch._dynamo', 'sympy', 'torchvision'} & sys.modules.keys())\n"
        "sys.exit(f'{code}, {loaded}')"
    )
    folder = Path(panini_core.__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    result = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert result.stderr.strip().endswith("0, []"), result.stderr


# --- other methods' networks ----------------------------------------------------------------------


def write_upscaler(target: Path) -> Path:
    """A file in the layout of realesr-general-x4v3, tiny and x2: all zeros, it repeats pixels."""
    compact = pytest.importorskip("spandrel.architectures.Compact")
    network = compact.Compact(num_feat=4, num_conv=1, upscale=2)
    tensors = {name: torch.zeros_like(value) for name, value in network.state_dict().items()}
    torch.save({"params": tensors}, target)
    return target


def test_an_upscale_model_draws_pictures_with_and_without_faces(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    write_upscaler(Path("x2.pth"))
    write_image("a.png", picture(channels=4))
    write_image("dark.png", picture(face=False))
    options = ["--upscale", "2", "--upscale-model", "x2.pth", "--report", "out/report.json"]
    assert run("a.png", "dark.png", "-o", "out", *options) == 0
    assert "drawn by the upscale model" in capsys.readouterr().out
    before, after = read_image("dark.png").pixels, read_image("out/dark.png").pixels
    assert torch.equal(after, before.repeat_interleave(2, 1).repeat_interleave(2, 2))
    assert read_image("out/a.png").size == (2 * WIDTH, 2 * HEIGHT)
    assert json.loads(Path("out/report.json").read_text())["upscale_model"] == "x2.pth"


def test_without_upscale_the_size_stays(run: Run) -> None:
    write_upscaler(Path("x2.pth"))
    write_image("dark.png", picture(face=False))
    assert run("dark.png", "-o", "out", "--upscale-model", "x2.pth") == 0
    assert read_image("out/dark.png").size == (WIDTH, HEIGHT)
    assert Path("out/dark.png").read_bytes() != Path("dark.png").read_bytes()


def test_aligned_faces_have_no_background(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write_image("a.png", picture(size=(64, 64)))
    arguments = ["a.png", "-o", "out", "--aligned", "--upscale-model", "x2.pth"]
    assert run(*arguments) == 2
    assert "which --aligned leaves out" in capsys.readouterr().err


@pytest.mark.usefixtures("other_restorer")
def test_the_model_may_be_of_another_method(run: Run) -> None:
    write_image("a.png", picture())
    options = ["--no-match-colour", "--no-match-grain", "--keep-detail", "0"]
    assert run("a.png", "-o", "out", *options) == 0
    x0, y0, x1, y1 = FACE
    face = read_image("out/a.png").pixels[:, y0 + 20 : y1 - 20, x0 + 20 : x1 - 20]
    assert face.min() > 0.99


@pytest.mark.usefixtures("other_restorer")
def test_what_the_model_lacks_is_an_error_of_the_arguments(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image("a.png", picture())
    assert run("a.png", "-o", "out", "--fidelity", "0.8") == 2
    assert "Other has no fidelity, got 0.8: set it to 0.5" in capsys.readouterr().err
    assert not Path("out/a.png").exists()
