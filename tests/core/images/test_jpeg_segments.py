"""The segments of JPEG files."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from panini_core.images.jpeg_segments import (
    COMMENT,
    END_OF_IMAGE,
    JPEG_END,
    JPEG_START,
    START_OF_SCAN,
    segment,
    segments,
)


def test_segments_are_found_behind_each_other_and_behind_scans() -> None:
    scan = segment(START_OF_SCAN, b"head") + b"pixels \xff\0 stuffed \xff\xd0 restarted"
    data = JPEG_START + segment(COMMENT, b"one") + scan + b"\xff\xff" + segment(COMMENT, b"two")[1:]
    found = list(segments(data + JPEG_END))
    assert [(marker, content) for marker, content, _ in found] == [
        (COMMENT, b"one"),
        (START_OF_SCAN, b"head"),
        (COMMENT, b"two"),
        (END_OF_IMAGE, b""),
    ]
    assert all(data[end - len(content) : end] == content for _, content, end in found[:3])


def test_a_segment_that_is_cut_off_is_none() -> None:
    data = JPEG_START + segment(COMMENT, b"whole") + segment(COMMENT, b"not whole")[:-1]
    assert [content for _, content, _ in segments(data)] == [b"whole"]


@given(st.lists(st.binary(max_size=20)))
def test_what_is_written_is_read(contents: list[bytes]) -> None:
    data = JPEG_START + b"".join(segment(COMMENT, content) for content in contents)
    assert [content for _, content, _ in segments(data)] == contents


@given(st.binary(max_size=60))
def test_any_bytes_come_to_an_end(data: bytes) -> None:
    assert all(end <= len(data) + 2 for _, _, end in segments(JPEG_START + data))
