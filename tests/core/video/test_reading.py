"""What a film says, and its frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from panini_core.video import Film, VideoFileError
from panini_core.video.pyav import require_av

from .films import make_film, moving, needs_encoder, seconds_of, uneven_times

pytestmark = needs_encoder("libx264")


def test_a_film_says_what_it_is(tmp_path: Path) -> None:
    film = Film(make_film(tmp_path / "a.mp4", 10, sound=True))
    assert (film.codec, film.pixel_format, film.bit_depth) == ("h264", "yuv420p", 8)
    assert film.size == (48, 64) and film.turns == 0 and not film.interlaced
    assert len(film.timeline) == 10 and film.timeline.sizes.min() > 0


def test_frames_come_in_the_order_of_time_again_and_again(tmp_path: Path) -> None:
    times = uneven_times(20)
    film = Film(make_film(tmp_path / "a.mp4", 20, times=times))
    for _ in range(2):
        frames = list(film.frames())
        assert [frame.index for frame in frames] == list(range(20))
        assert [frame.time * film.time_base for frame in frames] == seconds_of(film.path)
    assert film.timeline.times.tolist() == [frame.time for frame in frames]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_pixels_stand_upright_and_changes_lie_as_the_film_does(
    tmp_path: Path, rotation: int
) -> None:
    plain = Film(make_film(tmp_path / "plain.mp4", 2))
    turned = Film(make_film(tmp_path / "turned.mp4", 2, rotation=rotation))
    lying, frame = next(plain.frames()).pixels(), next(turned.frames())
    upright = frame.pixels()
    assert torch.equal(torch.rot90(lying, rotation // 90, (1, 2)), upright)
    assert upright.shape[1:] == turned.size
    brighter = upright.clone()
    brighter[:, :8, :8] = 1
    after = frame.changed(upright, brighter).pixels()
    assert after[:, :7, :7].min() > 0.95
    assert torch.equal(after[:, 10:], upright[:, 10:])


def test_ten_bits_are_read_as_ten(tmp_path: Path) -> None:
    film = Film(make_film(tmp_path / "a.mp4", 2, pixel_format="yuv420p10le"))
    assert film.bit_depth == 10
    pixels = next(film.frames()).pixels()
    expected = torch.from_numpy(moving(0).transpose(2, 0, 1).astype(np.float32)) / 255
    assert (pixels - expected).abs().mean() < 0.02


def test_what_is_no_film_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(VideoFileError, match="expected a film"):
        Film(path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        Film(tmp_path / "none.mp4")


def test_a_damaged_end_ends_the_film(tmp_path: Path) -> None:
    path = make_film(tmp_path / "a.mkv", 40)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    count = len(list(Film(path).frames()))
    assert 5 < count < 40


def test_without_pyav_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match="pip install av"):
        require_av()


@needs_encoder("libx264")
def test_frames_of_other_sizes_get_the_first_ones(tmp_path: Path) -> None:
    """As in a recorded broadcast, whose size changes in the middle."""
    pieces = []
    for number, (height, width) in enumerate(((96, 96), (64, 128), (96, 96))):
        times = [512 * (25 * number + index) for index in range(5)]
        picture = np.full((height, width, 3), 60 * (number + 1), np.uint8)
        piece = make_film(tmp_path / f"{number}.ts", 5, lambda _, p=picture: p, times=times)
        pieces.append(piece.read_bytes())
    path = tmp_path / "a.ts"
    path.write_bytes(b"".join(pieces))
    film = Film(path)
    frames = list(film.frames())
    assert len(frames) == 15 and film.size == (96, 96)
    assert {(frame.native.width, frame.native.height) for frame in frames} == {(96, 96)}
    assert film.other_sizes == {(128, 64)}
    means = [float(frame.pixels().mean()) * 255 for frame in frames[::5]]
    assert means == pytest.approx([60, 120, 180], abs=3)
