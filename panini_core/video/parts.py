"""A film's frames, coded in parts: short films of their own, so that finished work stays.

Each part is a file in a folder beside the result, with a list of when its frames are shown. Both
appear when they are whole, the list first: a part that is there can be relied upon.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..checkpoints.whole_file import whole_file
from .encoders import BIT_RATE_MARGIN, LEAST_BITS, Coding, add_stream
from .pyav import require_av
from .reading import Film, FilmFrame

FORMAT = "nut"  # takes every codec; it keeps the order of the frames, and the list their times
SUFFIX = ".nut"


@dataclass(slots=True)
class PartWriter:
    """Codes frames into one part."""

    container: Any
    stream: Any
    times: list[int] = field(default_factory=list[int])

    def write(self, frame: FilmFrame) -> None:
        """The next frame. Its planes are brought to the coding's format where they differ."""
        native = frame.native
        if native.format.name != self.stream.pix_fmt:
            native = _reformat(native, self.stream.pix_fmt)
        native.pict_type = 0  # the source's plan of key frames is not the encoder's
        self.container.mux(self.stream.encode(native))
        self.times.append(frame.time)

    def finish(self) -> None:
        self.container.mux(self.stream.encode(None))


@contextlib.contextmanager
def write_part(path: Path, coding: Coding, bit_rate: int) -> Generator[PartWriter]:
    """A part that is written by the block; where that fails, none is left."""
    av = require_av()
    with whole_file(path) as temporary:
        with av.open(str(temporary), "w", format=FORMAT) as container:
            writer = PartWriter(container, add_stream(container, coding, bit_rate))
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


def _reformat(native: Any, pixel_format: str) -> Any:
    other = native.reformat(format=pixel_format)
    other.pts, other.time_base = native.pts, native.time_base
    return other
