"""What a file says about its picture, from JPEG to JPEG and to other formats."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from panini_core.images import ImageFile, lost_on_writing, read_image, write_image
from panini_core.images.jpeg_blocks import iptc_of, iptc_resource, read_blocks, without_previews
from panini_core.images.jpeg_segments import segments

from .pictures import noise

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6" dc:title="\xc3\x84"/></x:xmpmeta>'
)
IPTC = b"\x1c\x02\x05\x00\x05Title"
PROFILE = b"\0" * 16 + b"RGB " + bytes(range(256)) * 600  # of three blocks
PREVIEW = 1036


def resource(number: int, content: bytes) -> bytes:
    padding = b"\0" * (len(content) % 2)
    return b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + padding


def block(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def source(path: Path, *more: bytes, size: tuple[int, int] = (24, 16)) -> ImageFile:
    """A JPEG file with every block that cameras and editors write, turned by a quarter."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A camera"
    exif.get_ifd(0x8769)[0xA002] = size[0]
    buffer = io.BytesIO()
    picture = Image.fromarray(noise(size[1], size[0], 3))
    picture.save(buffer, "JPEG", exif=exif.tobytes(), icc_profile=PROFILE, dpi=(300, 300))
    data = buffer.getvalue()
    resources = resource(1028, IPTC) + resource(PREVIEW, b"an old preview") + resource(2000, b"abc")
    blocks = (
        block(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        block(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + bytes(8) + b"<more/>"),
        block(0xED, b"Photoshop 3.0\0" + resources),
        block(0xFE, b"one comment"),
        block(0xFE, "noch einer, mit Ä".encode()),
        *more,
    )
    path.write_bytes(data[:2] + b"".join(blocks) + data[2:])
    return read_image(path)


def test_all_blocks_that_still_hold_are_kept(tmp_path: Path) -> None:
    image = source(tmp_path / "a.jpg")
    assert image.size == (16, 24)
    assert image.metadata.xmp == XMP.replace(b'"6"', b'"1"')
    assert image.metadata.comments == (b"one comment", "noch einer, mit Ä".encode())
    assert iptc_of(image.metadata.photoshop or b"") == IPTC
    write_image(tmp_path / "b.jpg", image)
    again = read_image(tmp_path / "b.jpg")
    assert again.metadata == image.metadata
    assert again.size == image.size
    assert again.metadata.icc_profile == PROFILE
    assert b"an old preview" not in (tmp_path / "b.jpg").read_bytes()

    with Image.open(tmp_path / "b.jpg") as theirs:  # as others read it
        assert theirs.getexif()[0x010F] == "A camera"
        assert theirs.getexif()[0x0112] == 6  # its rows lie as they did
        assert theirs.size == (24, 16)
        assert theirs.info["icc_profile"] == PROFILE
        assert theirs.info["photoshop"][1028] == IPTC
        assert theirs.info["dpi"] == (300, 300)
    assert XMP in (tmp_path / "b.jpg").read_bytes()


def test_an_enlarged_picture_says_its_new_size(tmp_path: Path) -> None:
    image = source(tmp_path / "a.jpg")
    larger = image.with_pixels(image.pixels.repeat_interleave(2, 1).repeat_interleave(2, 2))
    write_image(tmp_path / "b.jpg", larger)
    with Image.open(tmp_path / "b.jpg") as theirs:
        assert theirs.size == (48, 32)
        assert theirs.getexif().get_ifd(0x8769)[0xA002] == 48
    write_image(tmp_path / "b.png", larger)
    with Image.open(tmp_path / "b.png") as theirs:
        assert theirs.size == (32, 48)
        assert theirs.getexif().get_ifd(0x8769)[0xA002] == 32
        assert theirs.getexif()[0x0112] == 1


@pytest.mark.parametrize(
    ("suffix", "lost"),
    [
        (".jpg", []),
        (".tif", ["comments", "end of a long XMP"]),
        (".png", ["IPTC", "end of a long XMP"]),
        (".webp", ["comments", "IPTC", "end of a long XMP"]),
        (".bmp", ["EXIF", "XMP", "comments", "IPTC", "end of a long XMP", "colour profile"]),
    ],
)
def test_other_formats_keep_what_they_have_a_place_for(
    tmp_path: Path, suffix: str, lost: list[str]
) -> None:
    image = source(tmp_path / "a.jpg")
    told = lost_on_writing(tmp_path / f"b{suffix}", image)
    for word in lost:
        assert any(word in what for what in told)
    assert len(told) == len(lost)

    write_image(tmp_path / f"b{suffix}", image)
    kept = read_image(tmp_path / f"b{suffix}").metadata
    before = image.metadata
    assert kept.xmp == (None if "XMP" in lost else before.xmp)
    assert (kept.exif is None) == ("EXIF" in lost)
    assert kept.icc_profile == (None if "colour profile" in lost else PROFILE)
    assert kept.photoshop == (None if "IPTC" in lost else before.photoshop)
    texts = [text for _, text in kept.text]
    assert kept.comments == before.comments or texts == (
        [] if "comments" in lost else ["one comment", "noch einer, mit Ä"]
    )


def test_what_does_not_hold_is_left_out_with_a_note(tmp_path: Path) -> None:
    credentials = block(0xEB, b"JP\0\1\0\0\0\1signed")
    image = source(
        tmp_path / "a.jpg", credentials, block(0xE7, b"?"), block(0xEC, b"Ducky\0\1\0\4")
    )
    assert [note for note in image.notes if "not kept" in note] == [
        "not kept: content credentials, which hold for the unchanged picture only",
        "not kept: a block of unknown meaning (APP7)",
    ]
    write_image(tmp_path / "b.jpg", image)
    markers = {marker for marker, _, _ in segments((tmp_path / "b.jpg").read_bytes())}
    assert not markers & {0xEB, 0xE7, 0xEC}


def test_what_is_too_long_for_jpeg_costs_itself_only(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "workflow: " + "x" * 80_000
    Image.fromarray(noise(8, 8, 3)).save(tmp_path / "a.webp", exif=exif.tobytes(), lossless=True)
    image = read_image(tmp_path / "a.webp")
    assert lost_on_writing("b.jpg", image) == ["EXIF"]
    write_image(tmp_path / "b.jpg", image)
    assert read_image(tmp_path / "b.jpg").metadata.exif is None


@given(st.lists(st.tuples(st.integers(0, 65535), st.binary(max_size=9))), st.binary(max_size=9))
def test_image_resources_are_read_to_the_first_damaged_one(
    items: list[tuple[int, bytes]], rest: bytes
) -> None:
    whole = b"".join(resource(*item) for item in items)
    kept = b"".join(resource(*item) for item in items if item[0] not in (1033, PREVIEW))
    assert without_previews(whole) == kept
    assert without_previews(whole + rest).startswith(kept)
    assert iptc_of(iptc_resource(rest)) == rest


@given(st.binary(max_size=60))
def test_any_bytes_have_blocks_or_none(data: bytes) -> None:
    read_blocks(b"\xff\xd8" + data)
