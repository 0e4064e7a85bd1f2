"""Parts written and joined: what the source holds is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from panini_core.video import Film, VideoFileError
from panini_core.video.encoders import choose_coding
from panini_core.video.joining import join_parts
from panini_core.video.parts import bit_rate_of, part_path, write_part

from .films import (
    av,
    frames_of,
    grey,
    make_film,
    moving,
    needs_encoder,
    seconds_of,
    sound_of,
    uneven_times,
)

pytestmark = needs_encoder("libx264")


def copy(film: Film, target: Path, *, size: int = 12, frames: int | None = None, **wanted: object):
    """Codes a film anew, unchanged, in parts of `size` frames; all, or the first ones."""
    coding = choose_coding(film, **wanted)  # type: ignore[arg-type]
    every = list(film.frames())[:frames]
    parts: list[Path] = []
    for number, start in enumerate(range(0, len(every), size)):
        own = every[start : start + size]
        path = part_path(target.parent, number)
        rate = bit_rate_of(film, range(start, start + len(own)), coding)
        with write_part(path, coding, rate) as writer:
            for frame in own:
                writer.write(frame)
        parts.append(path)
    return join_parts(film, coding, parts, target)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_times_sound_and_count_are_kept(tmp_path: Path, suffix: str) -> None:
    times = uneven_times(40)
    source = make_film(
        tmp_path / f"a{suffix}", 40, times=times, sound=True, metadata={"title": "T"}
    )
    target = tmp_path / f"b{suffix}"
    assert copy(Film(source), target) == []
    assert seconds_of(target) == seconds_of(source)
    assert sound_of(target) == sound_of(source)
    with av.open(str(target)) as container:
        assert container.metadata["title"] == "T"
        assert container.duration == pytest.approx(av.open(str(source)).duration, abs=50_000)
    for before, after in zip(frames_of(source), frames_of(target), strict=True):
        assert np.abs(before.astype(int) - after).mean() < 4


def test_the_rate_is_said_as_it_was(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", 30)
    copy(Film(source), tmp_path / "b.mp4")
    with av.open(str(source)) as before, av.open(str(tmp_path / "b.mp4")) as after:
        one, other = before.streams.video[0], after.streams.video[0]
        assert (other.average_rate, other.duration) == (one.average_rate, one.duration)


def test_other_tags_survive_in_mp4(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", 10)
    with (
        av.open(str(source)) as container,
        av.open(
            str(tmp_path / "tagged.mp4"), "w", options={"movflags": "use_metadata_tags"}
        ) as tagged,
    ):
        tagged.metadata["workflow"] = '{"nodes": []}'
        stream = tagged.add_stream_from_template(container.streams.video[0])
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = stream
                tagged.mux(packet)
    copy(Film(tmp_path / "tagged.mp4"), tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.metadata["workflow"] == '{"nodes": []}'


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_film_stays_turned(tmp_path: Path, rotation: int) -> None:
    source = make_film(tmp_path / "a.mp4", 5, rotation=rotation)
    copy(Film(source), tmp_path / "b.mp4")
    before, after = Film(source), Film(tmp_path / "b.mp4")
    assert after.turns == before.turns != 0
    assert after.tags.display_matrix == before.tags.display_matrix


HDR = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}


@pytest.mark.parametrize(
    ("codec", "parameters"),
    [
        pytest.param("libx264", "x264-params", marks=needs_encoder("libx264")),
        pytest.param("libx265", "x265-params", marks=needs_encoder("libx265")),
    ],
)
def test_ten_bits_and_hdr_are_kept(tmp_path: Path, codec: str, parameters: str) -> None:
    names = ("mastering-display", "cll") if codec == "libx264" else ("master-display", "max-cll")
    mastering = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    source = make_film(
        tmp_path / "a.mp4",
        8,
        codec=codec,
        pixel_format="yuv420p10le",
        options={parameters: f"log-level=error:{names[0]}={mastering}:{names[1]}=1000,400"},
        tags=HDR,
    )
    film = Film(source)
    assert film.tags.content_light == (1000, 400) and film.tags.mastering is not None
    copy(film, tmp_path / "b.mp4")
    after = Film(tmp_path / "b.mp4")
    assert (after.codec, after.pixel_format) == (film.codec, "yuv420p10le")
    assert after.tags == film.tags


@pytest.mark.parametrize("full", [1, 2])
def test_the_range_is_kept(tmp_path: Path, full: int) -> None:
    source = make_film(tmp_path / "a.mp4", 5, tags={"color_range": full})
    copy(Film(source), tmp_path / "b.mp4")
    after = Film(tmp_path / "b.mp4").tags.range
    assert after == Film(source).tags.range
    assert (after == 2) == (full == 2)
    first, last = (Film(path) for path in (source, tmp_path / "b.mp4"))
    difference = next(first.frames()).pixels() - next(last.frames()).pixels()
    assert difference.abs().mean() < 0.02


@pytest.mark.parametrize(
    ("wanted", "codec", "suffix"),
    [
        pytest.param("h264", "h264", ".mp4", marks=needs_encoder("libx264")),
        pytest.param("hevc", "hevc", ".mp4", marks=needs_encoder("libx265")),
        pytest.param("vp8", "vp8", ".mkv", marks=needs_encoder("libvpx")),
        pytest.param("vp9", "vp9", ".mp4", marks=needs_encoder("libvpx-vp9")),
        pytest.param("av1", "libdav1d", ".mp4", marks=needs_encoder("libsvtav1")),
        pytest.param("prores", "prores", ".mov", marks=needs_encoder("prores_ks")),
        pytest.param("ffv1", "ffv1", ".mkv", marks=needs_encoder("ffv1")),
        pytest.param("mpeg4", "mpeg4", ".mp4", marks=needs_encoder("mpeg4")),
        pytest.param("mpeg2video", "mpeg2video", ".mov", marks=needs_encoder("mpeg2video")),
    ],
)
def test_another_codec_may_be_chosen(tmp_path: Path, wanted: str, codec: str, suffix: str) -> None:
    """Frames of any times, which the source counts finer than most encoders or parts do."""
    times = [1024 * (time // 512) for time in uneven_times(18)]  # whole thousandths of a second
    film = Film(make_film(tmp_path / f"a{suffix}", 18, grey, times=times))
    copy(film, tmp_path / f"b{suffix}", codec=wanted, size=7)
    after = Film(tmp_path / f"b{suffix}")
    assert after.codec == codec
    assert seconds_of(after.path) == seconds_of(film.path)
    for one, other in zip(film.frames(), after.frames(), strict=True):
        assert (one.pixels() - other.pixels()).abs().mean() < 0.05
    if wanted == "ffv1":
        assert all(map(np.array_equal, frames_of(film.path), frames_of(after.path)))


COLOURS = HDR | {"color_range": 2}
TAGGED = [
    pytest.param("h264", ".mp4", marks=needs_encoder("libx264")),
    pytest.param("h264", ".mov", marks=needs_encoder("libx264")),
    pytest.param("h264", ".avi", marks=needs_encoder("libx264")),
    pytest.param("h264", ".ts", marks=needs_encoder("libx264")),
    pytest.param("hevc", ".mp4", marks=needs_encoder("libx265")),
    pytest.param("hevc", ".ts", marks=needs_encoder("libx265")),
    pytest.param("vp9", ".mp4", marks=needs_encoder("libvpx-vp9")),
    pytest.param("vp9", ".mkv", marks=needs_encoder("libvpx-vp9")),
    pytest.param("vp9", ".webm", marks=needs_encoder("libvpx-vp9")),
    pytest.param("av1", ".mp4", marks=needs_encoder("libsvtav1")),
    pytest.param("av1", ".webm", marks=needs_encoder("libsvtav1")),
    pytest.param("prores", ".mov", marks=needs_encoder("prores_ks")),
    pytest.param("ffv1", ".mkv", marks=needs_encoder("ffv1")),
    pytest.param("ffv1", ".mp4", marks=needs_encoder("ffv1")),
    pytest.param("mpeg4", ".mp4", marks=needs_encoder("mpeg4")),
    pytest.param("mpeg4", ".mkv", marks=needs_encoder("mpeg4")),
    pytest.param("mpeg2video", ".mkv", marks=needs_encoder("mpeg2video")),
]


@pytest.mark.parametrize(("codec", "suffix"), TAGGED)
@pytest.mark.parametrize("colours", [HDR, COLOURS], ids=["television", "all values"])
def test_the_tags_of_colours_are_kept(
    tmp_path: Path, codec: str, suffix: str, colours: dict[str, int]
) -> None:
    """Wherever the codec or the format can say them; what is shown stays the same in any case."""
    options = {"level": "3"}
    source = make_film(tmp_path / "a.mkv", 6, grey, codec="ffv1", tags=colours, options=options)
    film = Film(source)
    assert film.tags.range == colours["color_range"] and film.tags.transfer == 16
    notes = copy(film, tmp_path / f"b{suffix}", codec=codec)
    after = Film(tmp_path / f"b{suffix}")
    assert not any("not kept" in note for note in notes)
    narrow = codec in ("prores", "mpeg2video")  # which know one range
    wanted = replace(film.tags, range=1) if narrow else film.tags
    assert replace(after.tags, aspect=None) == wanted
    for one, other in zip(film.frames(), after.frames(), strict=True):
        assert (one.pixels() - other.pixels()).abs().mean() < 0.02


@needs_encoder("mjpeg")
@needs_encoder("ffv1")
@pytest.mark.parametrize("suffix", [".mkv", ".avi"])
def test_all_values_stay_all_values_in_another_format_of_pixels(
    tmp_path: Path, suffix: str
) -> None:
    tags = {"color_range": 2}
    source = make_film(
        tmp_path / "a.avi", 6, grey, codec="mjpeg", pixel_format="yuvj420p", tags=tags, options={}
    )
    notes = copy(Film(source), tmp_path / f"b{suffix}", codec="ffv1")
    assert all(map(np.array_equal, frames_of(source), frames_of(tmp_path / f"b{suffix}")))
    # AVI has no place for it, and says so.
    assert any("not kept" in note and "range" in note for note in notes) == (suffix == ".avi")
    assert Film(tmp_path / f"b{suffix}").tags.range == (2 if suffix == ".mkv" else 0)


@pytest.mark.parametrize(("width", "height"), [(97, 96), (96, 97), (97, 95)])
@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [
        pytest.param("h264", "yuv420p", marks=needs_encoder("libx264")),
        pytest.param("h264", "yuv422p", marks=needs_encoder("libx264")),
        pytest.param("h264", "yuv444p", marks=needs_encoder("libx264")),
        pytest.param("hevc", "yuv420p", marks=needs_encoder("libx265")),
        pytest.param("vp9", "yuv420p", marks=needs_encoder("libvpx-vp9")),
        pytest.param("av1", "yuv420p", marks=needs_encoder("libsvtav1")),
        pytest.param("mpeg4", "yuv420p", marks=needs_encoder("mpeg4")),
        pytest.param("mpeg2video", "yuv420p", marks=needs_encoder("mpeg2video")),
        pytest.param("ffv1", "yuv420p", marks=needs_encoder("ffv1")),
    ],
)
def test_odd_sizes_are_written(
    tmp_path: Path, codec: str, pixel_format: str, width: int, height: int
) -> None:
    """One row or column is cut where the encoder halves it, and nowhere else."""

    def picture(index: int) -> np.ndarray:
        return moving(index, height=height, width=width)

    source = make_film(
        tmp_path / "a.mkv",
        4,
        picture,
        codec="ffv1",
        pixel_format=pixel_format,
        options={"level": "3"},
    )
    notes = copy(Film(source), tmp_path / "b.mkv", codec=codec)
    after = Film(tmp_path / "b.mkv")
    halves = codec in ("h264", "hevc")
    across, down = {"yuv420p": (2, 2), "yuv422p": (2, 1)}.get(pixel_format, (1, 1))
    size = (height - height % down, width - width % across) if halves else (height, width)
    assert notes == [] and after.size == size
    said = choose_coding(Film(source), codec=codec).notes
    assert any("were cut to" in note for note in said) == (size != (height, width))
    for one, other in zip(Film(source).frames(), after.frames(), strict=True):
        shown = one.pixels()[:, : size[0], : size[1]]
        assert (shown - other.pixels()).abs().mean() < 0.05


def test_quality_may_be_chosen(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 255, (10, 64, 64, 3), dtype=np.uint8)
    film = Film(make_film(tmp_path / "a.mp4", 10, lambda index: noise[index]))
    for crf in (10, 40):
        copy(film, tmp_path / f"{crf}.mp4", crf=crf)
    assert (tmp_path / "40.mp4").stat().st_size < (tmp_path / "10.mp4").stat().st_size / 2


def test_the_rate_follows_the_source(tmp_path: Path) -> None:
    """Half of the film is noise, half stands still: the parts have what the source spent there."""
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 255, (50, 64, 64, 3), dtype=np.uint8)

    def picture(index: int) -> np.ndarray:
        return noise[index] if index >= 25 else noise[0]

    film = Film(make_film(tmp_path / "a.mp4", 50, picture, options={"crf": "25"}))
    coding = choose_coding(film)
    still, moving = (bit_rate_of(film, frames, coding) for frames in (range(1, 25), range(25, 50)))
    assert still < moving / 4


def test_what_was_done_so_far_is_a_film_with_its_own_sound(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", 50, sound=True)
    copy(Film(source), tmp_path / "b.mp4", frames=20)
    assert seconds_of(tmp_path / "b.mp4") == seconds_of(source)[:20]
    end = seconds_of(source)[20]
    sound = sound_of(tmp_path / "b.mp4")
    assert sound == sound_of(source)[: len(sound)] and abs(sound[-1][0] - end) < 0.1


def test_formats_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    film = Film(make_film(tmp_path / "a.mp4", 5))
    with pytest.raises(VideoFileError, match="that ends in"):
        copy(film, tmp_path / "b.xyz")
    with pytest.raises(VideoFileError, match="WEBM can hold"):
        copy(film, tmp_path / "b.webm")
    with pytest.raises(VideoFileError, match="which cannot be read there"):
        copy(film, tmp_path / "b.ts", codec="ffv1")
    assert not list(tmp_path.glob("b.*"))
    with pytest.raises(VideoFileError, match="constant quality"):
        choose_coding(film, codec="ffv1", crf=20)
