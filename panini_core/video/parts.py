"""A film's frames, coded in parts: short films of their own, so that finished work stays.

Each part is a file in a folder beside the result, with a list of when its frames are shown. Both
appear when they are whole, the list first: a part that is there can be relied upon.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..checkpoints.whole_file import whole_file
from .encoders import BIT_RATE_MARGIN, LEAST_BITS, Coding, add_stream
from .planes import FULL_RANGE, crop
from .pyav import require_av
from .reading import Film, FilmFrame

# They keep the order of the frames, and the list their times. NUT takes packets as encoders make
# them, so that every format of the result can take them on; of ProRes alone it knows nothing.
FORMATS = {"prores": "matroska"}
FORMAT = "nut"  # of other codecs
SUFFIX = ".part"
_TELEVISION = 1  # the range, as ITU-T H.273 and FFmpeg count: not all values


@dataclass(slots=True)
class PartWriter:
    """Codes frames into one part, evenly, since encoders and formats round or refuse some times."""

    container: Any
    stream: Any
    coding: Coding
    times: list[int] = field(default_factory=list[int])

    def write(self, frame: FilmFrame) -> None:
        """The next frame. Its planes are brought to the coding's format and cut to its size where
        they differ."""
        native = frame.native
        if (native.width, native.height) != (self.coding.width, self.coding.height):
            native = crop(native, self.coding.width, self.coding.height)
        if native.format.name != self.coding.pixel_format or self.coding.narrows:
            native = _reformat(native, self.coding)
        native.pict_type = 0  # the source's plan of key frames is not the encoder's
        time, base = frame.time, native.time_base
        native.pts, native.time_base = len(self.times), self.stream.codec_context.time_base
        self._mux(self.stream.encode(native))
        native.pts, native.time_base = time, base
        self.times.append(time)

    def finish(self) -> None:
        self._mux(self.stream.encode(None))

    def _mux(self, packets: Iterable[Any]) -> None:
        """One tick of the part's own clock a frame, whatever that is: nothing is rounded."""
        self.container.start_encoding()
        for packet in packets:
            packet.time_base = self.stream.time_base
            self.container.mux(packet)


@contextlib.contextmanager
def write_part(path: Path, coding: Coding, bit_rate: int) -> Generator[PartWriter]:
    """A part that is written by the block; where that fails, none is left."""
    av = require_av()
    with whole_file(path) as temporary:
        form = FORMATS.get(coding.codec, FORMAT)
        with av.open(str(temporary), "w", format=form) as container:
            writer = PartWriter(container, add_stream(container, coding, bit_rate), coding)
            yield writer
            writer.finish()
        with whole_file(_list_path(path)) as listed:
            listed.write_text(json.dumps(writer.times), encoding="ascii")


def part_times(path: Path) -> list[int]:
    """When the frames of a part are shown, in the film's time base."""
    return json.loads(_list_path(path).read_text(encoding="ascii"))


def _list_path(path: Path) -> Path:
    return path.with_suffix(".json")


def part_path(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}{SUFFIX}"


def bit_rate_of(film: Film, frames: range, coding: Coding) -> int:
    """Bits a second for some frames: what the source spends on them, with a margin."""
    timeline = film.timeline
    own = timeline.sizes[frames.start : frames.stop]
    pixels = coding.width * coding.height
    share = pixels / max(film.width * film.height, 1)
    bits = 8 * float(own.mean()) * share * BIT_RATE_MARGIN if len(own) else 0.0
    return round(max(bits, LEAST_BITS * pixels) * float(coding.rate))


def _reformat(native: Any, coding: Coding) -> Any:
    """A frame in the coding's format. What swscale isn't told it takes for values of television."""
    full = int(native.color_range) == FULL_RANGE or native.format.name.startswith("yuvj")
    other = native.reformat(
        format=coding.pixel_format,
        src_color_range=FULL_RANGE if full else _TELEVISION,
        dst_color_range=FULL_RANGE if full and not coding.narrows else _TELEVISION,
    )
    other.pts, other.time_base = native.pts, native.time_base
    return other
