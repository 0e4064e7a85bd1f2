"""Frames to RGB, and changes of RGB put back into their planes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_core.video.planes import change, crop, draw, in_planes, to_rgb

from .films import av

PLANAR = ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p12le", "gray"]
LEVELS = 4 / 255  # of the way to whole numbers and back, at half-sized colour


def frame(pixel_format: str, *, height: int = 24, width: int = 32, matrix: int = 1) -> Any:
    """A smooth picture in a format."""
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack([60 + 3 * x, 200 - 4 * y, 90 + 2 * x + y], -1).astype(np.uint8)
    native = av.VideoFrame.from_ndarray(picture, "rgb24")
    full = 2 if pixel_format.startswith("yuvj") else 1
    made = native.reformat(format=pixel_format, dst_colorspace=matrix, dst_color_range=full)
    made.colorspace, made.color_range, made.pts = matrix, full, 7
    return made


def wanted() -> torch.Tensor:
    y, x = np.mgrid[0:24, 0:32]
    picture = np.stack([60 + 3 * x, 200 - 4 * y, 90 + 2 * x + y]).astype(np.float32)
    return torch.from_numpy(picture) / 255


@pytest.mark.parametrize("matrix", [1, 5, 9])
@pytest.mark.parametrize("pixel_format", [name for name in PLANAR if name != "gray"])
def test_rgb_is_what_was_coded(pixel_format: str, matrix: int) -> None:
    rgb = to_rgb(in_planes(frame(pixel_format, matrix=matrix)))
    assert rgb.shape == (3, 24, 32) and rgb.dtype == torch.float32
    inner = (slice(None), slice(2, -2), slice(2, -2))
    torch.testing.assert_close(rgb[inner], wanted()[inner], atol=LEVELS, rtol=0)


@pytest.mark.parametrize("name", ["nv12", "rgb24", "bgr24", "p010le"])
def test_other_layouts_hold_the_same_picture(name: str) -> None:
    rgb = to_rgb(in_planes(frame(name)))
    inner = (slice(None), slice(2, -2), slice(2, -2))
    torch.testing.assert_close(rgb[inner], wanted()[inner], atol=LEVELS, rtol=0)


@pytest.mark.parametrize("pixel_format", [*PLANAR, "gbrp", "yuva420p"])
def test_where_nothing_changes_the_planes_stay_to_the_bit(pixel_format: str) -> None:
    native = in_planes(frame(pixel_format))
    rgb = to_rgb(native)
    same = change(native, rgb, rgb)
    assert same.format.name == native.format.name and same.pts == 7
    assert (same.colorspace, same.color_range) == (native.colorspace, native.color_range)
    for place in range(len(native.planes)):
        left, right = (
            np.frombuffer(one.planes[place], np.uint8).reshape(one.planes[place].height, -1)
            for one in (native, same)
        )
        used = native.planes[place].width * (
            2 if "10" in pixel_format or "12" in pixel_format else 1
        )
        assert np.array_equal(left[:, :used], right[:, :used])


@pytest.mark.parametrize("pixel_format", PLANAR)
def test_a_change_comes_back(pixel_format: str) -> None:
    """A grey patch, on the grid of half-sized colour."""
    native = in_planes(frame(pixel_format))
    before = to_rgb(native)
    after = before.clone()
    after[:, 8:16, 8:20] = 0.5
    found = to_rgb(change(native, before, after))
    torch.testing.assert_close(found[:, 10:14, 10:18], after[:, 10:14, 10:18], atol=0.02, rtol=0)
    assert torch.equal(found[:, :, 24:], before[:, :, 24:])
    assert torch.equal(found[:, 20:], before[:, 20:])


@settings(max_examples=25)
@given(
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    pixel_format=st.sampled_from(["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"]),
    grey=st.floats(0, 1),
)
def test_odd_sizes_are_drawn_whole(height: int, width: int, pixel_format: str, grey: float) -> None:
    like = in_planes(frame(pixel_format))
    drawn = draw(like, torch.full((3, height, width), grey))
    assert (drawn.height, drawn.width, drawn.format.name) == (height, width, pixel_format)
    rgb = to_rgb(drawn)
    torch.testing.assert_close(rgb, torch.full_like(rgb, grey), atol=1 / 200, rtol=0)


@pytest.mark.parametrize("pixel_format", PLANAR)
@pytest.mark.parametrize(("width", "height"), [(30, 22), (31, 24), (32, 23)])
def test_what_is_left_of_a_cut_frame_stays_to_the_bit(
    pixel_format: str, width: int, height: int
) -> None:
    whole = frame(pixel_format)
    part = crop(whole, width, height)
    assert (part.width, part.height, part.pts) == (width, height, 7)
    assert (part.colorspace, part.color_range) == (whole.colorspace, whole.color_range)
    for one, other in zip(whole.planes, part.planes, strict=True):
        used = other.width * (2 if whole.format.components[0].bits > 8 else 1)
        pairs = ((one, bytes(one)), (other, bytes(other)))
        rows = [
            [values[row * plane.line_size :][:used] for row in range(other.height)]
            for plane, values in pairs
        ]
        assert rows[0] == rows[1]
