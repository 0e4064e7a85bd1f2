"""A film: what its file says, and its frames one after the other."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .planes import change, draw, in_planes, to_rgb
from .pyav import require_av

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".3gp"}
    | {".wmv", ".flv", ".ts", ".ogv", ".vob"}
)
MAX_PIXELS = 100_000_000  # of a frame: what claims more is a mistake or an attack

_HDR = ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL")


class VideoFileError(ValueError):
    """A film that cannot be read or written. Says what was expected, what came, what to do."""

    def __init__(self, path: Path, expected: str, got: str, remedy: str) -> None:
        super().__init__(f"{path}: expected {expected}, got {got}. {remedy}")
        self.path = path


@dataclass(frozen=True, slots=True)
class FilmTags:
    """What a film says about how it is shown; numbers are those of ITU-T H.273, 2: nothing said."""

    range: int = 0  # 0: nothing said, 1: of television, 2: all values
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    aspect: Fraction | None = None  # width of a pixel by its height
    display_matrix: tuple[int, ...] | None = None  # nine numbers, as MP4 has them
    mastering: tuple[Fraction, ...] | None = (
        None  # HDR: x, y of red, green, blue, white; luminances
    )
    content_light: tuple[int, int] | None = None  # HDR: the brightest pixel, the brightest mean


@dataclass(frozen=True, slots=True)
class Timeline:
    """When the frames of a film are shown, in the order of time, as its packets say."""

    times: NDArray[np.int64]  # (N,) in the film's time base
    lasting: NDArray[np.int64]  # (N,) likewise; 0: not said
    sizes: NDArray[np.int64]  # (N,) coded bytes

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True, eq=False)
class FilmFrame:
    """One frame, as it was decoded; its pixels are made when they are asked for."""

    index: int
    native: Any = field(repr=False)  # av.VideoFrame, each component in a plane of its own
    turns: int  # quarter turns, counterclockwise, after which the picture stands upright

    @property
    def time(self) -> int:
        """In the film's time base."""
        return int(self.native.pts)

    def pixels(self) -> Tensor:
        """(3, H, W) RGB float32 in [0, 1], upright."""
        return torch.rot90(to_rgb(self.native), self.turns, (1, 2)).contiguous()

    def changed(self, before: Tensor, after: Tensor) -> FilmFrame:
        """The frame with the change between its pixels and others (3, H, W); all else stays, to
        the bit. Others of another size replace it."""
        lying = [torch.rot90(picture, -self.turns, (1, 2)) for picture in (before, after)]
        same = before.shape == after.shape
        native = change(self.native, *lying) if same else draw(self.native, lying[1])
        return FilmFrame(self.index, native, self.turns)


class Film:
    """A film file, whose frames can be gone through again and again.

    Raises VideoFileError for a file without moving pictures, ImportError without PyAV.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self.open() as container:
            stream = main_stream(container, self.path)
            context = stream.codec_context
            self.container_format: str = container.format.name
            self.codec: str = context.name
            self.time_base: Fraction = stream.time_base
            self.rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
            self.profile: str = str(context.profile or "")
            self.width, self.height = int(context.width), int(context.height)
            if not 0 < self.width * self.height <= MAX_PIXELS:
                raise VideoFileError(
                    self.path,
                    f"frames of at most {MAX_PIXELS // 1_000_000} million pixels",
                    f"{self.width}x{self.height}",
                    "Shrink the film.",
                )
            aspect = context.sample_aspect_ratio
            first = next(self._decode(container, stream), None)
            if first is None:
                raise VideoFileError(
                    self.path,
                    "a film",
                    "one without a frame that can be decoded",
                    "Convert it to MP4 (H.264), or leave it out.",
                )
            self.width, self.height = int(first.width), int(first.height)
            self.other_sizes: set[tuple[int, int]] = set()  # width, height: met so far
            self.pixel_format: str = in_planes(first).format.name
            self.bit_depth: int = max(part.bits for part in first.format.components)
            self.interlaced: bool = bool(first.interlaced_frame)
            matrix = _side_data(first, "DISPLAYMATRIX")
            self.turns = round(int(first.rotation) / 90) % 4
            self.tags = FilmTags(
                range=int(context.color_range or first.color_range),
                primaries=int(context.color_primaries),
                transfer=int(context.color_trc),
                matrix=int(context.colorspace),
                aspect=Fraction(aspect) if aspect else None,
                display_matrix=None if matrix is None else struct.unpack("=9i", matrix),
                mastering=_mastering(_side_data(first, _HDR[0])),
                content_light=_content_light(_side_data(first, _HDR[1])),
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame, upright."""
        return (self.width, self.height) if self.turns % 2 else (self.height, self.width)

    @cached_property
    def timeline(self) -> Timeline:
        """Read from the packets, without decoding them."""
        rows: list[tuple[int, int, int]] = []
        with self.open() as container:
            stream = main_stream(container, self.path)
            for packet in container.demux(stream):
                if packet.size and not packet.is_discard:
                    time = packet.pts if packet.pts is not None else packet.dts
                    rows.append(
                        (time if time is not None else -1, packet.duration or 0, packet.size)
                    )
        table = np.array(sorted(rows), dtype=np.int64).reshape(-1, 3)
        return Timeline(table[:, 0], table[:, 1], table[:, 2])

    def frames(self) -> Iterator[FilmFrame]:
        """All frames in the order of time, each later than the one before, in the first one's size.

        Which others they have is in `other_sizes` afterwards.
        """
        last: int | None = None
        with self.open() as container:
            stream = main_stream(container, self.path)
            for index, frame in enumerate(self._decode(container, stream)):
                time = frame.pts
                if time is None:
                    time = round(index / self.rate / self.time_base)
                if last is not None and time <= last:
                    time = last + 1
                frame.pts, frame.time_base = time, self.time_base
                last = time
                yield FilmFrame(index, self._fit(in_planes(frame)), self.turns)

    def _fit(self, frame: Any) -> Any:
        size = int(frame.width), int(frame.height)
        if size == (self.width, self.height):
            return frame
        self.other_sizes.add(size)
        fitted = frame.reformat(width=self.width, height=self.height)
        fitted.pts, fitted.time_base = frame.pts, frame.time_base
        return fitted

    def open(self) -> Any:
        """The container, opened once more."""
        av = require_av()
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path}: there is no such file.")
        try:
            return av.open(str(self.path))
        except av.FFmpegError as error:
            raise VideoFileError(
                self.path,
                "a film",
                f"a file that cannot be read as one ({error.strerror})",
                "Convert it to MP4 (H.264), or leave it out.",
            ) from error

    def _decode(self, container: Any, stream: Any) -> Iterator[Any]:
        """The decoded frames; what is damaged inside is left out, as players do."""
        av = require_av()
        stream.thread_type = "AUTO"
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue
            yield from frames


def main_stream(container: Any, path: Path) -> Any:
    """The moving pictures of an opened container; a cover is none."""
    streams = [
        stream
        for stream in container.streams.video
        if "attached_pic" not in str(getattr(stream, "disposition", ""))
    ]
    if not streams:
        raise VideoFileError(path, "a film", "a file without moving pictures", "Name another file.")
    return streams[0]


def _side_data(frame: Any, kind: str) -> bytes | None:
    return next((bytes(item) for item in frame.side_data if item.type.name == kind), None)


def _mastering(data: bytes | None) -> tuple[Fraction, ...] | None:
    """libavutil's AVMasteringDisplayMetadata: ten rationals, and whether they are set."""
    if data is None or len(data) < 88:
        return None
    numbers = struct.unpack("=22i", data[:88])
    if not numbers[20] or not numbers[21]:
        return None
    pairs = zip(numbers[0:20:2], numbers[1:20:2], strict=True)
    return tuple(Fraction(top, bottom or 1) for top, bottom in pairs)


def _content_light(data: bytes | None) -> tuple[int, int] | None:
    if data is None or len(data) < 8:
        return None
    most, mean = struct.unpack("=2I", data[:8])
    return most, mean
