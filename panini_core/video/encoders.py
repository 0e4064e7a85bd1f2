"""How a film is coded: as its source is, unless something else is wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ..options import FILM_CODECS
from .planes import FULL_RANGE
from .pyav import require_av
from .reading import Film, FilmTags, VideoFileError
from .scheduling import kept_scheduling

BIT_RATE_MARGIN = (
    1.5  # coding anew at the same rate would lose what is there, and faces gain detail
)
LEAST_BITS = 0.03  # a pixel: below, nothing is fine enough for a restored face
FALLBACK = "h264"


@dataclass(frozen=True, slots=True)
class _Encoder:
    """One of FFmpeg's encoders."""

    name: str
    has_crf: bool = False
    lossless: bool = False  # or of a rate of its own: nothing is asked of it
    even: bool = False  # halved planes need sides that can be halved
    narrow: bool = False  # players take all values for those of television


# By the codec's name; of several, the first one that this build of FFmpeg has.
_ENCODERS = {
    "h264": (_Encoder("libx264", has_crf=True, even=True), _Encoder("libopenh264", even=True)),
    "hevc": (_Encoder("libx265", has_crf=True, even=True),),
    "vp8": (_Encoder("libvpx", has_crf=True),),
    "vp9": (_Encoder("libvpx-vp9", has_crf=True),),
    "av1": (_Encoder("libsvtav1", has_crf=True), _Encoder("libaom-av1", has_crf=True)),
    "mpeg4": (_Encoder("mpeg4"),),
    "mpeg2video": (_Encoder("mpeg2video", narrow=True),),
    "mpeg1video": (_Encoder("mpeg1video", narrow=True),),
    "mjpeg": (_Encoder("mjpeg"),),
    "prores": (_Encoder("prores_ks", lossless=True, narrow=True),),
    "ffv1": (_Encoder("ffv1", lossless=True),),
}
_SOURCE_NAMES = {"libdav1d": "av1", "libaom-av1": "av1", "libvpx-vp9": "vp9", "libvpx": "vp8"}
_PRORES_NAMES = {  # as FFmpeg calls them
    "Proxy": "proxy",
    "LT": "lt",
    "Standard": "standard",
    "HQ": "hq",
    "4444": "4444",
    "XQ": "4444xq",
}


@dataclass(frozen=True, slots=True)
class Coding:
    """How the frames of a film are coded; of all parts of it."""

    encoder: str
    codec: str
    pixel_format: str
    width: int
    height: int
    rate: Fraction  # frames a second, for what the encoder spends; their times are another thing
    tags: FilmTags
    crf: float | None = None
    profile: str | None = None
    lossless: bool = False
    narrows: bool = False  # values of the full range become those of television
    notes: tuple[str, ...] = ()  # what differs from the source, in words


def choose_coding(
    film: Film, *, codec: str | None = None, crf: float | None = None, scale: float = 1
) -> Coding:
    """As the film is coded, or with another codec, or a constant quality (crf).

    scale: of the frames' size. Raises VideoFileError where no encoder fits what is asked for.
    """
    notes: list[str] = []
    source = _SOURCE_NAMES.get(film.codec, film.codec)
    wanted = codec or source
    encoder = _find_encoder(wanted)
    if encoder is None and codec is None:
        notes.append(f"{wanted} cannot be written here; H.264 is written")
        wanted, encoder = FALLBACK, _find_encoder(FALLBACK)
    if encoder is None:
        raise VideoFileError(
            film.path,
            f"a codec that this FFmpeg can write, of {', '.join(FILM_CODECS)}",
            wanted,
            "Choose another one, or install a PyAV that has it.",
        )
    if crf is not None and not encoder.has_crf:
        raise VideoFileError(
            film.path, "a codec that knows a constant quality (crf)", wanted, "Leave it out."
        )
    pixel_format = _fit_format(encoder, film.pixel_format)
    if pixel_format != film.pixel_format:
        notes.append(f"{film.pixel_format} was written as {pixel_format}")
    tags, narrows = film.tags, encoder.narrow and film.tags.range == FULL_RANGE
    if narrows:
        tags = replace(tags, range=1)
        notes.append(f"all values were written as those of television, since {wanted} knows these")
    if film.interlaced:
        notes.append("the film is interlaced; its frames were restored and written as whole ones")
    profile = None
    if wanted == "prores":
        profile = _PRORES_NAMES.get(film.profile, "4444" if "444" in pixel_format else "hq")
    height, width = (round(side * scale) for side in (film.height, film.width))
    if scale != 1:
        height, width = height - height % 2, width - width % 2
    elif encoder.even:
        whole = height, width
        form = require_av().VideoFormat(pixel_format, 64, 64)
        height -= height % (64 // form.chroma_height(64))
        width -= width % (64 // form.chroma_width(64))
        if (height, width) != whole:
            notes.append(
                f"frames of {whole[1]}x{whole[0]} were cut to {width}x{height}, since "
                f"{_title(wanted)} with {pixel_format} halves its sides"
            )
    return Coding(
        encoder=encoder.name,
        codec=wanted,
        pixel_format=pixel_format,
        width=width,
        height=height,
        rate=_fit_rate(encoder, film.rate),
        tags=tags,
        crf=crf,
        profile=profile,
        lossless=encoder.lossless,
        narrows=narrows,
        notes=tuple(notes),
    )


def add_stream(container: Any, coding: Coding, bit_rate: int) -> Any:
    """A stream of an opened container that codes frames so; at a bit rate where no crf is set.

    Its encoder is open already, so that what the encoder does to threads ends here.
    """
    options: dict[str, str] = {}
    if coding.crf is not None:
        options["crf"] = f"{coding.crf:g}"
    if coding.profile is not None:
        options["profile"] = coding.profile
    if (hdr := _hdr_parameters(coding)) is not None:
        options[hdr[0]] = hdr[1]
    elif coding.encoder == "libx265":
        options["x265-params"] = "log-level=error"
    stream = container.add_stream(coding.encoder, rate=coding.rate, options=options)
    stream.width, stream.height = coding.width, coding.height
    stream.pix_fmt = coding.pixel_format
    context, tags = stream.codec_context, coding.tags
    context.time_base = 1 / coding.rate  # frames are coded evenly; their times are listed
    if not coding.lossless:
        context.bit_rate = 0 if coding.crf is not None else bit_rate
    if tags.range:
        context.color_range = tags.range
    context.color_primaries = tags.primaries
    context.color_trc = tags.transfer
    context.colorspace = tags.matrix
    if tags.aspect:
        context.sample_aspect_ratio = tags.aspect
    with kept_scheduling():
        context.open()
    return stream


def _title(codec: str) -> str:
    return {"h264": "H.264", "hevc": "HEVC"}.get(codec, codec)


def _find_encoder(codec: str) -> _Encoder | None:
    return next((one for one in _ENCODERS.get(codec, ()) if _is_there(one.name)), None)


def _is_there(encoder: str) -> bool:
    av = require_av()
    try:
        av.Codec(encoder, "w")
    except ValueError:  # av.codec.UnknownCodecError
        return False
    return True


def _fit_rate(encoder: _Encoder, wanted: Fraction) -> Fraction:
    """The nearest rate that an encoder takes: some know a few, MPEG-4 none of large numbers."""
    offered = require_av().Codec(encoder.name, "w").frame_rates
    plain = wanted.limit_denominator(1001)
    return min(offered, key=lambda rate: abs(rate - plain)) if offered else plain


def _fit_format(encoder: _Encoder, wanted: str) -> str:
    """The format that an encoder takes which holds the most of the wanted one."""
    av = require_av()
    offered = [form.name for form in av.Codec(encoder.name, "w").video_formats or ()]
    if not offered or wanted in offered:
        return wanted
    want = av.VideoFormat(wanted, 64, 64)

    def misfit(name: str) -> tuple[bool, bool, int, int, int]:
        form = av.VideoFormat(name, 64, 64)
        bits, want_bits = form.components[0].bits, want.components[0].bits
        chroma = (form.chroma_width(64), form.chroma_height(64))
        want_chroma = (want.chroma_width(64), want.chroma_height(64))
        return (
            bits < want_bits,
            chroma < want_chroma,
            abs(bits - want_bits),
            sum(abs(a - b) for a, b in zip(chroma, want_chroma, strict=True)),
            abs(len(form.components) - len(want.components)),
        )

    return min(offered, key=misfit)


def _hdr_parameters(coding: Coding) -> tuple[str, str] | None:
    """The HDR tags, in the words of x264 and x265; None for others, and without such tags."""
    tags = coding.tags
    kind = {"libx264": "x264-params", "libx265": "x265-params"}.get(coding.encoder)
    if kind is None or (tags.mastering is None and tags.content_light is None):
        return None
    name, light = (
        ("mastering-display", "cll") if kind == "x264-params" else ("master-display", "max-cll")
    )
    parts = ["log-level=error"] if kind == "x265-params" else []
    if tags.mastering is not None:
        rx, ry, gx, gy, bx, by, wx, wy, least, most = tags.mastering
        points = (("G", gx, gy), ("B", bx, by), ("R", rx, ry), ("WP", wx, wy))
        text = "".join(
            f"{letter}({round(x * 50000)},{round(y * 50000)})" for letter, x, y in points
        )
        parts.append(f"{name}={text}L({round(most * 10000)},{round(least * 10000)})")
    if tags.content_light is not None:
        parts.append(f"{light}={tags.content_light[0]},{tags.content_light[1]}")
    return kind, ":".join(parts)
