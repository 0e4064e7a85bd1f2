"""Films that the tests make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

av: Any = pytest.importorskip("av", reason="needs PyAV: pip install av")

TIME_BASE = Fraction(1, 12800)
Picture = Callable[[int], np.ndarray]  # number of a frame -> (H, W, 3) uint8


def needs_encoder(name: str) -> Any:
    """Skips a test, and says so, where FFmpeg was built without an encoder."""
    try:
        av.Codec(name, "w")
        missing = False
    except ValueError:
        missing = True
    return pytest.mark.skipif(missing, reason=f"needs an FFmpeg with the encoder {name}")


def moving(index: int, *, height: int = 48, width: int = 64) -> np.ndarray:
    """A bright square on a grey ground, which moves by one pixel a frame."""
    picture = np.full((height, width, 3), 40, np.uint8)
    picture[:, :, 2] += np.arange(width, dtype=np.uint8)
    left = 4 + index % (width - 24)
    picture[8:24, left : left + 16] = (200, 160, 140)
    return picture


def grey(index: int) -> np.ndarray:
    """An even picture, a little brighter from frame to frame; large enough for every encoder."""
    return np.full((96, 96, 3), 10 * index, np.uint8)


def even_times(count: int, step: int = 512) -> list[int]:
    return [index * step for index in range(count)]


def uneven_times(count: int) -> list[int]:
    """As phones record: mostly 25 a second, some frames late, some left out."""
    times = [0]
    for index in range(1, count):
        times.append(times[-1] + (512, 530, 1024, 498)[index % 4])
    return times


def make_film(
    path: Path,
    count: int = 25,
    picture: Picture = moving,
    *,
    times: Sequence[int] | None = None,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    tags: dict[str, int] | None = None,
    rotation: int = 0,
    sound: bool = False,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Writes a film of `count` pictures, with a tone as its sound if wanted."""
    times = even_times(count) if times is None else times
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=25, options=options or {"crf": "10"})
        first = picture(0)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = pixel_format
        stream.codec_context.time_base = TIME_BASE
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        if rotation:
            stream.set_display_rotation(rotation)
        tone = container.add_stream("aac", rate=44100) if sound else None
        if tone is not None:
            tone.layout = "mono"
        container.start_encoding()
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture(index)), "rgb24")
            colours = {"dst_color_range": 2} if (tags or {}).get("color_range") == 2 else {}
            frame = frame.reformat(format=pixel_format, **colours)
            frame.pts, frame.time_base = time, TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if tone is not None:
            seconds = float((times[-1] + 512) * TIME_BASE)
            _write_tone(container, tone, seconds)
    return path


def _write_tone(container: Any, stream: Any, seconds: float) -> None:
    samples = np.sin(np.arange(int(seconds * 44100)) * 0.06).astype(np.float32) * 0.3
    for start in range(0, len(samples), 1024):
        block = samples[start : start + 1024]
        frame = av.AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 44100, start, Fraction(1, 44100)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def seconds_of(path: Path) -> list[Fraction]:
    """When each frame of a film is shown."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def sound_of(path: Path) -> list[tuple[Fraction, bytes]]:
    """The packets of a film's sound."""
    with av.open(str(path)) as container:
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(container.streams.audio[0])
            if packet.size
        ]


def frames_of(path: Path) -> list[np.ndarray]:
    """The decoded values of each frame, as they lie in the file."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]
