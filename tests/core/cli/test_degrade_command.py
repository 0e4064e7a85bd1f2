"""`panini degrade`, and what all commands share: exit codes, summaries, clear errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from panini_core.cli import COMMANDS, main
from panini_core.images import read_image, read_images


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with in/a.png (RGBA), in/b.jpg and in/c.tif (16-bit grey)."""
    rng = np.random.default_rng(0)
    source = tmp_path / "in"
    source.mkdir()
    Image.fromarray(rng.integers(0, 256, (40, 48, 4)).astype(np.uint8)).save(source / "a.png")
    Image.fromarray(rng.integers(0, 256, (40, 48, 3)).astype(np.uint8)).save(source / "b.jpg")
    Image.fromarray(rng.integers(0, 65536, (40, 48)).astype(np.uint16)).save(source / "c.tif")
    monkeypatch.chdir(tmp_path)
    return source


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_a_folder_comes_back_degraded_in_kind(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(folder)
    assert main(["degrade", "in", "out", "--preset", "mild"]) == 0
    assert "Degraded 3 pictures" in capsys.readouterr().out
    assert contents(folder) == before
    for name in ("a.png", "b.jpg", "c.tif"):
        old, new = read_image(folder / name), read_image(Path("out") / name)
        assert (new.bit_depth, new.grey, new.size) == (old.bit_depth, old.grey, old.size)
        assert (new.alpha is None) == (old.alpha is None)
        assert not old.pixels.equal(new.pixels)


def test_every_frame_of_an_animation_is_degraded_alike(folder: Path) -> None:
    frames = [Image.new("RGB", (48, 40), (80 * index, 90, 0)) for index in range(3)]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:], duration=70)
    assert main(["degrade", "a.gif", "out", "--preset", "heavy"]) == 0
    degraded = list(read_images("out/a.gif"))
    assert [image.place.duration for image in degraded if image.place] == [70, 70, 70]
    for image, frame in zip(degraded, frames, strict=True):
        old = np.asarray(frame).transpose(2, 0, 1) / 255
        assert not np.array_equal(image.pixels.numpy(), old.astype(np.float32))


def test_the_seed_decides(folder: Path) -> None:
    for output, seed in [("one", "5"), ("two", "5"), ("three", "6")]:
        assert main(["degrade", "in/a.png", f"{output}.png", "--seed", seed]) == 0
    assert Path("one.png").read_bytes() == Path("two.png").read_bytes()
    assert Path("one.png").read_bytes() != Path("three.png").read_bytes()


def test_existing_files_are_skipped_and_force_replaces_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("out").mkdir()
    Path("out/a.png").write_bytes(b"mine")
    assert main(["degrade", "in", "out"]) == 0
    assert Path("out/a.png").read_bytes() == b"mine"
    assert "Skipped: 1" in capsys.readouterr().out
    assert main(["degrade", "in", "out", "--force"]) == 0
    assert Path("out/a.png").read_bytes() != b"mine"


def test_one_bad_file_does_not_stop_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "aa-broken.png").write_bytes((folder / "a.png").read_bytes()[:200])
    (folder / "b-empty.png").touch()
    assert main(["degrade", "in", "out"]) == 1
    printed = capsys.readouterr().out
    assert "Degraded 3 pictures" in printed
    assert "Failed: 2" in printed
    assert "damaged or cut off" in printed
    assert sorted(contents(Path("out"))) == ["a.png", "b.jpg", "c.tif"]


def test_unusable_arguments_give_code_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["degrade", "in", "in"]) == 2
    assert "would be overwritten" in capsys.readouterr().err
    for arguments in ([], ["nothing"], ["degrade"], ["degrade", "in", "out", "--preset", "x"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2


def test_debug_shows_the_error_itself(folder: Path) -> None:
    (folder / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match="empty"):
        main(["degrade", "in", "out", "--debug"])


def test_ctrl_c_keeps_what_is_finished(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from panini_core.cli import degrade

    done = 0
    real = degrade.degrade_images

    def interrupted(*args: object, **options: object) -> object:
        nonlocal done
        done += 1
        if done > 1:
            raise KeyboardInterrupt
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(degrade, "degrade_images", interrupted)
    assert main(["degrade", "in", "out"]) == 130
    assert sorted(contents(Path("out"))) == ["a.png"]
    printed = capsys.readouterr()
    assert "Degraded 1 picture" in printed.out
    assert "Stopped" in printed.err


def test_an_output_folder_that_cannot_be_made(folder: Path) -> None:
    Path("file").touch()
    assert main(["degrade", "in", "file/out"]) == 2


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n    {name}" in printed


def test_the_module_can_be_run() -> None:
    command = [sys.executable, "-m", "panini_core", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.startswith("panini ")
