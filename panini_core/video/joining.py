"""Parts of a film -> one file, with the sound and all else that the source holds, as it is."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..checkpoints.whole_file import whole_file
from .encoders import Coding
from .parts import part_times
from .pyav import require_av
from .reading import Film, FilmTags, VideoFileError, main_stream

WRITABLE = {  # FFmpeg's name of what a suffix stands for
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".avi": "avi",
    ".mpg": "mpeg",
    ".mpeg": "mpeg",
    ".ts": "mpegts",
    ".mts": "mpegts",
    ".m2ts": "mpegts",
    ".3gp": "3gp",
    ".flv": "flv",
}
_NOTHING_SAID = FilmTags()
_COPIED = ("audio", "subtitle", "data")
_MP4 = ("mp4", "mov", "3gp")
_MP4_KEYS = {"title", "artist", "album", "comment", "date", "genre", "encoder", "copyright"} | {
    *("major_brand", "minor_version", "compatible_brands", "creation_time", "description")
}


def join_parts(film: Film, coding: Coding, parts: Sequence[Path], target: Path) -> list[str]:
    """Writes the parts, one after the other, as the film `target`; a format by its suffix.

    Sound and subtitles are copied up to where the last part ends, with chapters and texts. Returns
    what could not be kept, in words. Raises VideoFileError where the format cannot hold the film.
    """
    av = require_av()
    suffix = target.suffix.lower()
    if suffix not in WRITABLE:
        raise VideoFileError(
            target, f"a name that ends in {', '.join(WRITABLE)}", suffix or "none", "Rename it."
        )
    if not parts:
        raise VideoFileError(target, "a part that is finished", "none", "Let it run longer.")
    with whole_file(target) as temporary, film.open() as source, av.open(str(parts[0])) as first:
        form = WRITABLE[suffix]
        options = {"movflags": _mov_flags(source)} if form in _MP4 else {}
        try:
            with av.open(str(temporary), "w", format=form, options=options) as output:
                notes = _join(av, film, coding, source, first, parts, output)
        except ValueError as error:  # PyAV's own, and FFmpeg's for arguments that do not fit
            got = f"{coding.codec} with {_describe(source)} ({error})"
            raise _cannot_hold(film, target, got) from error
        try:
            tags = Film(temporary).tags
        except VideoFileError as error:
            got = f"{coding.codec}, which cannot be read there"
            raise _cannot_hold(film, target, got) from error
        return notes + _lost_tags(coding.tags, tags)


def _cannot_hold(film: Film, target: Path, got: str) -> VideoFileError:
    return VideoFileError(
        target,
        f"a film that {target.suffix[1:].upper()} can hold",
        got,
        f"Choose the source's format, {film.path.suffix}, or .mkv.",
    )


def _join(
    av: Any,
    film: Film,
    coding: Coding,
    source: Any,
    first: Any,
    parts: Sequence[Path],
    output: Any,
) -> list[str]:
    output.metadata.update(source.metadata)
    main = main_stream(source, film.path)
    own = first.streams.video[0]
    picture = output.add_stream_from_template(own, opaque=True)
    picture.time_base = film.time_base
    _tag(coding.tags, picture.codec_context)
    picture.metadata.update(main.metadata)
    notes = _turn(film, picture)
    copied: dict[int, Any] = {}
    for stream in source.streams:
        if stream.type in _COPIED and stream.index != main.index:
            made = _copy_stream(output, stream)
            if made is None:
                notes.append(f"not kept, since the format has no place for it: {stream.type}")
            else:
                copied[stream.index] = made
    if hasattr(output, "set_chapters") and (chapters := source.chapters()):
        output.set_chapters(chapters)
    end = _end(film, parts)
    pictures = _pictures(av, film, parts, picture)
    others = _others(source, copied, end)
    for _, _, packet in heapq.merge(pictures, others, key=lambda item: item[:2]):
        output.mux(packet)
    return notes


def _tag(tags: FilmTags, context: Any) -> None:
    """Says what the colours are: parts tell it only where the codec itself does."""
    if tags.range:
        context.color_range = tags.range
    context.color_primaries = tags.primaries
    context.color_trc = tags.transfer
    context.colorspace = tags.matrix


def _lost_tags(wanted: FilmTags, found: FilmTags) -> list[str]:
    """What was said about the colours and is not any more, in words."""
    lost = [
        name
        for name in ("range", "primaries", "transfer", "matrix")
        if getattr(wanted, name) not in (getattr(_NOTHING_SAID, name), getattr(found, name))
    ]
    return [f"not kept, since the format has no place for it: {', '.join(lost)}"] if lost else []


def _turn(film: Film, stream: Any) -> list[str]:
    """Says how the pictures stand; what cannot be said, in words."""
    matrix = film.tags.display_matrix
    if matrix is None:
        return []
    if not hasattr(stream, "set_display_matrix"):  # since PyAV 18
        return ["not kept, since PyAV is older than 18: how the film is turned"]
    stream.set_display_matrix(matrix)
    return []


def _copy_stream(output: Any, stream: Any) -> Any | None:
    if stream.type == "data" or stream.codec_context is None:
        return None
    try:
        made = output.add_stream_from_template(stream)
    except ValueError:  # av.FFmpegError among them: a codec that the format does not know
        return None
    made.time_base = stream.time_base
    made.metadata.update(stream.metadata)
    return made


def _pictures(
    av: Any, film: Film, parts: Sequence[Path], stream: Any
) -> Iterator[tuple[Fraction, int, Any]]:
    """The packets of all parts with when they are decoded, in seconds.

    A packet is shown when its frame is, and decoded when the frame `delay` places before is shown:
    so the times of both kinds grow across the parts, however uneven they are.
    """
    timeline = film.timeline
    lasting = dict(zip(timeline.times.tolist(), timeline.lasting.tolist(), strict=True))
    times = [time for path in parts for time in part_times(path)]
    orders = [_display_order(av, path) for path in parts]
    delay = max((k - place for order in orders for k, place in enumerate(order)), default=0)
    # Before the first frame as far apart as after it: players take the rate from there.
    step = times[1] - times[0] if len(times) > 1 else 1
    first = 0
    for path, order in zip(parts, orders, strict=True):
        with av.open(str(path)) as part:
            packets = (packet for packet in part.demux(part.streams.video[0]) if packet.size)
            for place, packet in enumerate(packets):
                packet.time_base = film.time_base
                packet.pts = times[first + order[place]]
                turn = first + place - delay
                packet.dts = times[turn] if turn >= 0 else times[0] + turn * step
                packet.duration = lasting.get(packet.pts, 0)
                packet.stream = stream
                yield packet.dts * film.time_base, 0, packet
        first += len(order)


def _display_order(av: Any, path: Path) -> list[int]:
    """The place among the frames of a part at which each packet is shown."""
    with av.open(str(path)) as part:
        shown = [packet.pts for packet in part.demux(part.streams.video[0]) if packet.size]
    places = {time: place for place, time in enumerate(sorted(shown))}
    return [places[time] for time in shown]


def _others(
    source: Any, copied: dict[int, Any], end: Fraction | None
) -> Iterator[tuple[Fraction, int, Any]]:
    """The packets of the streams that are copied, up to `end` in seconds."""
    if not copied:
        return
    streams = [stream for stream in source.streams if stream.index in copied]
    for packet in source.demux(*streams):
        if packet.dts is None or not packet.size:
            continue
        time = packet.dts * packet.time_base
        if end is not None and time >= end:
            continue
        made = copied[packet.stream.index]
        packet.stream = made
        yield time, 1 + made.index, packet


def _end(film: Film, parts: Sequence[Path]) -> Fraction | None:
    """When the last part ends; None: with the film."""
    times = film.timeline.times
    later = times[times > part_times(parts[-1])[-1]]
    return int(later[0]) * film.time_base if len(later) else None


def _mov_flags(source: Any) -> str:
    """Tags beyond the usual ones (a workflow, say) are kept where they are asked for only."""
    unusual = set(source.metadata) - _MP4_KEYS
    return "+faststart+use_metadata_tags" if unusual else "+faststart"


def _describe(source: Any) -> str:
    names = [f"{stream.type} {stream.codec_context.name}" for stream in source.streams.audio]
    return ", ".join(names) or "no sound"
