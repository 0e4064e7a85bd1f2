"""The texts and the colour profile of a PNG, however large, and the PNG without them.

Pillow calls a file damaged whose compressed texts are longer than 1 MB, and forgets nothing more
easily: pictures from ComfyUI carry their workflow there. Chunks: PNG specification, section 11.3.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEYWORD = "XML:com.adobe.xmp"
MAX_UNPACKED = 256 * 2**20  # bytes of all texts and the profile; more is an attack

_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_PROFILE = b"iCCP"


@dataclass(frozen=True, slots=True)
class PngText:
    """What a PNG says in words, and the rest of it."""

    rest: bytes  # the file without these chunks
    texts: tuple[tuple[str, str], ...] = ()  # keyword and text, in the file's order
    icc_profile: bytes | None = None
    notes: tuple[str, ...] = ()  # what could not be read


def split_text(data: bytes) -> PngText:
    """Takes texts and profile out of a PNG's bytes; what is damaged of them is left out."""
    texts: list[tuple[str, str]] = []
    profile: bytes | None = None
    notes: list[str] = []
    rest: list[memoryview] = []
    room = MAX_UNPACKED
    for kind, whole in _chunks(data):
        if kind not in (*_TEXTS, _PROFILE):
            rest.append(whole)
            continue
        try:
            keyword, content = _read_chunk(kind, bytes(whole), room)
        except (ValueError, zlib.error) as error:
            what = "the colour profile" if kind == _PROFILE else "a text"
            notes.append(f"{what} of the file was not kept ({error})")
            continue
        room -= len(content)
        if kind == _PROFILE:
            profile = content
        else:
            encoding = "utf-8" if kind == b"iTXt" else "latin-1"
            texts.append((keyword, content.decode(encoding, "replace")))
    return PngText(b"".join(rest), tuple(texts), profile, tuple(notes))


def text_chunk(keyword: str, text: str) -> tuple[bytes, bytes]:
    """Kind and content of the chunk that holds a text.

    Not compressed: that is what ComfyUI's browser side reads, and what Pillow reads of any length.
    """
    name = keyword.encode("latin-1", "replace") + b"\0"
    try:
        if keyword != XMP_KEYWORD:  # whose kind is laid down
            return b"tEXt", name + text.encode("latin-1")
    except UnicodeEncodeError:
        pass
    # Not compressed, no language, no translated keyword.
    return b"iTXt", name + b"\0\0\0\0" + text.encode("utf-8", "replace")


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The kind of each chunk and all its bytes; what is no whole chunk comes last."""
    view = memoryview(data)
    yield b"", view[: len(SIGNATURE)]
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        end = position + 12 + int.from_bytes(view[position : position + 4], "big")
        if end > len(data):
            break
        yield bytes(view[position + 4 : position + 8]), view[position:end]
        position = end
    yield b"", view[position:]


def _read_chunk(kind: bytes, whole: bytes, room: int) -> tuple[str, bytes]:
    """Keyword and unpacked content. Raises ValueError or zlib.error for a damaged chunk."""
    if zlib.crc32(whole[4:-4]) != int.from_bytes(whole[-4:], "big"):
        raise ValueError("its checksum is wrong")
    keyword, _, content = whole[8:-4].partition(b"\0")
    compressed = kind in (b"zTXt", _PROFILE)
    if kind == b"iTXt":
        compressed = content[:1] == b"\1"
        _language, _, content = content[2:].partition(b"\0")
        _translated_keyword, _, content = content.partition(b"\0")
    elif compressed:
        content = content[1:]  # the method, of which there is one
    return keyword.decode("latin-1"), _unpack(content, room) if compressed else content


def _unpack(content: bytes, room: int) -> bytes:
    unpacking = zlib.decompressobj()
    unpacked = unpacking.decompress(content, room + 1)
    if len(unpacked) > room:
        raise ValueError(f"it is longer than {MAX_UNPACKED // 2**20} MiB")
    if not unpacking.eof:
        raise ValueError("it is cut off")
    return unpacked
