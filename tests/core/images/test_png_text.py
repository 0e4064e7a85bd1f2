"""Texts and profiles of PNG files: of any size, in every kind of chunk, damaged or not."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from panini_core.images import Metadata, png_text, read_image, write_image
from panini_core.images.png_text import split_text, text_chunk

from .pictures import from_array, noise, to_array

WORKFLOW = '{"nodes": [' + '{"type": "KSampler"}, ' * 150_000 + "]}"  # 3 MB, as embedded pictures


def png(array: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with further chunks before its pixels."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    data = buffer.getvalue()
    place = data.index(b"IDAT") - 4
    return data[:place] + b"".join(chunk(*one) for one in chunks) + data[place:]


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def compressed_text(keyword: str, text: str) -> tuple[bytes, bytes]:
    return b"zTXt", keyword.encode("latin-1") + b"\0\0" + zlib.compress(text.encode("latin-1"))


def international_text(keyword: str, text: str) -> tuple[bytes, bytes]:
    content = zlib.compress(text.encode("utf-8"))
    return b"iTXt", keyword.encode("latin-1") + b"\0\1\0zh\0\xe5\x9b\xbe\0" + content


@pytest.mark.parametrize("kind", [compressed_text, international_text, text_chunk])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_long_text_is_read_and_kept(
    tmp_path: Path, kind: Callable[[str, str], tuple[bytes, bytes]], after: bool, bits: int
) -> None:
    array = noise(8, 6, 3, bits=bits)
    write_image(tmp_path / "plain.png", from_array(array))
    data = (tmp_path / "plain.png").read_bytes()
    place = data.rindex(b"IEND") - 4 if after else data.index(b"IDAT") - 4
    whole = data[:place] + chunk(*kind("workflow", WORKFLOW)) + data[place:]
    (tmp_path / "a.png").write_bytes(whole)
    image = read_image(tmp_path / "a.png")
    assert image.metadata.text == (("workflow", WORKFLOW),)
    assert image.notes == ()
    np.testing.assert_array_equal(to_array(image), array)

    write_image(tmp_path / "b.png", image)
    assert read_image(tmp_path / "b.png").metadata.text == image.metadata.text
    with Image.open(tmp_path / "b.png") as theirs:  # also what others read, ComfyUI among them
        theirs.load()
        assert theirs.text["workflow"] == WORKFLOW  # type: ignore[attr-defined]


def test_a_large_profile_is_read_and_kept(tmp_path: Path) -> None:
    profile = b"\0" * 16 + b"RGB " + bytes(3_000_000)
    packed = b"a device\0\0" + zlib.compress(profile)
    (tmp_path / "a.png").write_bytes(png(noise(4, 4, 3), (b"iCCP", packed)))
    image = read_image(tmp_path / "a.png")
    assert image.metadata.icc_profile == profile
    write_image(tmp_path / "b.png", image)
    assert read_image(tmp_path / "b.png").metadata.icc_profile == profile


def test_a_text_is_written_as_comfyui_reads_it(tmp_path: Path) -> None:
    texts = (("workflow", '{"nodes": []}'), ("title", "肖像"))
    write_image(tmp_path / "a.png", from_array(noise(4, 4, 3), metadata=Metadata(text=texts)))
    kinds = [kind for kind, _ in png_text._chunks((tmp_path / "a.png").read_bytes())]
    assert kinds.count(b"tEXt") == 1  # its browser side takes these as they are
    assert kinds.count(b"iTXt") == 1


@pytest.mark.parametrize(
    ("damaged", "problem"),
    [
        (chunk(*compressed_text("a", "text"))[:-4] + b"\0\0\0\0", "checksum"),
        (chunk(b"zTXt", b"a\0\0" + zlib.compress(b"text" * 99)[:-9]), "cut off"),
        (chunk(b"zTXt", b"a\0\0not packed"), "a text"),
        (chunk(b"iCCP", b"a\0\0not packed"), "the colour profile"),
    ],
)
def test_a_damaged_text_costs_the_text_only(tmp_path: Path, damaged: bytes, problem: str) -> None:
    array = noise(4, 4, 3)
    data = png(array, text_chunk("b", "whole"))
    place = data.index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(data[:place] + damaged + data[place:])
    image = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(to_array(image), array)
    assert image.metadata.text == (("b", "whole"),)
    assert len(image.notes) == 1
    assert problem in image.notes[0]


def test_texts_that_would_fill_the_memory_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_text, "MAX_UNPACKED", 1_000_000)
    bombs = [compressed_text(str(number), "0" * 400_000) for number in range(4)]
    found = split_text(png(noise(2, 2, 3), *bombs))
    assert [key for key, _ in found.texts] == ["0", "1"]
    assert len(found.notes) == 2


def test_exif_in_a_text_turns_the_picture_once(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    raw = exif.tobytes().hex()
    text = f"\nexif\n{len(raw) // 2:8}\n{raw}\n"
    array = noise(4, 6, 3)
    (tmp_path / "a.png").write_bytes(png(array, compressed_text("Raw profile type exif", text)))
    image = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(to_array(image), np.rot90(array, -1))
    write_image(tmp_path / "b.png", image)
    assert read_image(tmp_path / "b.png").size == image.size


@given(
    texts=st.lists(
        st.tuples(
            st.text(st.characters(codec="latin-1", exclude_characters="\0"), min_size=1),
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        )
    )
)
def test_any_texts_survive(texts: list[tuple[str, str]]) -> None:
    plain = png(noise(2, 2, 3))
    found = split_text(png(noise(2, 2, 3), *(text_chunk(*text) for text in texts)))
    assert found.texts == tuple(texts)
    assert found.rest == plain


@given(data=st.binary(max_size=200))
def test_any_bytes_are_left_as_they_are(data: bytes) -> None:
    whole = png_text.SIGNATURE + data
    found = split_text(whole)
    if not found.texts and not found.notes and found.icc_profile is None:
        assert found.rest == whole
