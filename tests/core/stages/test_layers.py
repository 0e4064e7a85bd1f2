"""Faces as layers over a picture: their masks, their places, and how they blend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.faces import Face, FaceSet, RestoredFaces
from panini_core.stages import layers as layers_of_faces
from panini_core.stages.align import template
from panini_core.stages.asking import answer_together
from panini_core.stages.layers import (
    FILTER_REACH,
    TILE,
    FaceLayer,
    blend,
    face_mask,
    make_layer,
    see_faces,
    tiles,
)
from panini_core.stages.warp import Outside, Piece, Pyramid

SIDE = 16  # of crops, px
HEIGHT, WIDTH = 60, 90


def seeded(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def placed(left: float, top: float, scale: float) -> Tensor:
    """(2, 3): a crop of SIDE px is drawn `scale` times as large, its corner at (left, top)."""
    return torch.tensor([[1.0, 0.0, -left], [0.0, 1.0, -top]], dtype=torch.float64) / scale


def restored_at(left: float, top: float, scale: float, crop: Tensor) -> RestoredFaces:
    """One face, restored as `crop` and grey before."""
    before = torch.full((1, 3, SIDE, SIDE), 0.5)
    face = Face(torch.zeros(4), torch.zeros(5, 2), 1.0)
    return RestoredFaces(
        FaceSet((face,), before, placed(left, top, scale)[None]), crop[None].clone()
    )


def layer_of(
    restored: RestoredFaces,
    image: Tensor,
    *,
    upscale: int = 1,
    mask: Tensor | None = None,
    strength: float = 1.0,
    match_colour: bool = False,
    keep_detail: float = 0.0,
) -> FaceLayer:
    layer = make_layer(
        restored,
        0,
        image,
        (image.shape[-2] * upscale, image.shape[-1] * upscale),
        mask=torch.ones(1, SIDE, SIDE) if mask is None else mask,
        strength=strength,
        match_colour=match_colour,
        keep_detail=keep_detail,
        match_grain=False,
    )
    return answer_together([layer])[0]


def blend_all(
    layers: list[FaceLayer], picture: Tensor, rows: slice, columns: slice
) -> tuple[Tensor, Tensor, float | Tensor, Tensor | None]:
    """A part of the picture, with all of its faces."""
    return blend(see_faces([(picture, layers, rows, columns)])[0], rows, columns)


def flat(value: float) -> Tensor:
    return torch.full((3, SIDE, SIDE), value)


def whole(layers: list[FaceLayer], picture: Tensor) -> tuple[Tensor, Tensor]:
    rows, columns = slice(0, picture.shape[-2]), slice(0, picture.shape[-1])
    return blend_all(layers, picture, rows, columns)[:2]


def test_the_mask_covers_the_face_and_ends_before_the_border() -> None:
    mask = face_mask(512, 0.1)[0]
    assert mask.shape == (512, 512)
    assert mask[[0, -1]].eq(0).all()
    assert mask[:, [0, -1]].eq(0).all()
    assert mask[450, 256] > 0.99  # a usual chin
    assert mask[240, 90] > 0.99  # an ear
    for x, y in template(512).tolist():
        assert mask[int(y), int(x)] == 1
    steps = mask.diff(dim=0).abs().max()
    assert steps < 0.04  # a soft border: no step over 26 px of ramp is larger


@pytest.mark.parametrize("feather", [0, 0.05, 0.3, 0.5])
def test_feather_is_the_width_of_the_border(feather: float) -> None:
    row = face_mask(512, feather)[0, 256]
    width = ((row > 0.001) & (row < 0.999)).sum().item() / 2 / 512
    assert width == pytest.approx(feather, abs=0.04)
    assert row[256] > 0.99


# --- the place of a layer -----------------------------------------------------------------------


def test_a_layer_may_touch_its_crop_and_the_filters_reach() -> None:
    image = seeded(3, HEIGHT, WIDTH)
    layer = layer_of(restored_at(20, 10, 2, flat(1.0)), image)
    reach = FILTER_REACH
    assert layer.window == (20 - reach, 10 - reach, 52 + reach, 42 + reach)
    _, mask = whole([layer], image)
    rows, columns = mask[0].nonzero().unbind(1)
    assert layer.window[0] <= columns.min() and columns.max() < layer.window[2]
    assert layer.window[1] <= rows.min() and rows.max() < layer.window[3]
    assert mask[0, 14:38, 24:48].min() > 0.99


def test_a_window_ends_at_the_border() -> None:
    layer = layer_of(restored_at(70, -10, 2, flat(1.0)), seeded(3, HEIGHT, WIDTH))
    assert layer.window == (70 - FILTER_REACH, 0, WIDTH, 22 + FILTER_REACH)


def test_in_an_enlarged_picture_everything_lies_twice_as_far() -> None:
    image = seeded(3, HEIGHT, WIDTH)
    layer = layer_of(restored_at(20, 10, 2, flat(1.0)), image, upscale=2)
    reach = FILTER_REACH
    assert layer.window == (40 - reach, 20 - reach, 104 + reach, 84 + reach)
    torch.testing.assert_close(layer.to_crop, placed(40, 20, 4))


def test_a_crop_restored_larger_lies_at_the_same_place() -> None:
    image = seeded(3, HEIGHT, WIDTH)
    usual = layer_of(restored_at(20, 10, 2, flat(1.0)), image)
    larger = layer_of(restored_at(20, 10, 2, torch.ones(3, 3 * SIDE, 3 * SIDE)), image)
    assert larger.window == usual.window
    torch.testing.assert_close(larger.to_crop, 3 * usual.to_crop)


# --- colour and detail --------------------------------------------------------------------------


def test_a_layer_has_as_many_channels_as_its_photograph() -> None:
    restored = restored_at(20, 10, 2, seeded(3, SIDE, SIDE))
    for channels in (1, 3):
        layer = layer_of(restored, seeded(channels, HEIGHT, WIDTH))
        assert layer.colour.level(0).shape == (channels, SIDE, SIDE)
        colour, mask = whole([layer], seeded(channels, HEIGHT, WIDTH))
        assert colour.shape == (channels, HEIGHT, WIDTH)
        assert mask.shape == (1, HEIGHT, WIDTH)


@pytest.mark.parametrize(("scale", "expected"), [(0.5, 0), (1, 0), (1.125, 0.5), (1.25, 1), (3, 1)])
def test_detail_is_kept_where_the_photograph_has_more_pixels(scale: float, expected: float) -> None:
    restored, image = restored_at(20, 10, scale, flat(0.5)), seeded(3, HEIGHT, WIDTH)
    assert layer_of(restored, image, keep_detail=1).detail == pytest.approx(expected)
    assert layer_of(restored, image, keep_detail=0.4).detail == pytest.approx(0.4 * expected)
    assert layer_of(restored, image).detail == 0


def test_a_crop_that_nothing_was_done_to_gives_the_photograph_with_its_detail() -> None:
    image = seeded(3, HEIGHT, WIDTH)
    to_image = torch.tensor([[[3.0, 0.0, 20.0], [0.0, 3.0, 8.0]]], dtype=torch.float64)
    seen = Pyramid(image).sample(to_image, (SIDE, SIDE), "reflection")[0].clamp(0, 1)
    face_set = replace(restored_at(20, 8, 3, seen).face_set, crops=seen[None])
    restored = RestoredFaces(face_set, seen[None])
    inside = (slice(None), slice(8 + 6, 56 - 6), slice(20 + 6, 68 - 6))
    kept, _ = whole([layer_of(restored, image, keep_detail=1)], image)
    torch.testing.assert_close(kept[inside], image[inside], atol=1e-4, rtol=0)
    lost, _ = whole([layer_of(restored, image)], image)
    assert (lost[inside] - image[inside]).abs().mean() > 0.1


def test_matched_colour_takes_the_light_of_the_photograph() -> None:
    image = seeded(3, HEIGHT, WIDTH)
    restored = restored_at(20, 10, 2, flat(0.9))  # of a face that was 0.5
    assert layer_of(restored, image).colour.level(0).mean() == pytest.approx(0.9, abs=1e-3)
    matched = layer_of(restored, image, match_colour=True)
    assert matched.colour.level(0).mean() == pytest.approx(0.5, abs=1e-3)


# --- tiles and blending -------------------------------------------------------------------------


def at_window(window: tuple[int, int, int, int]) -> FaceLayer:
    nothing = Pyramid(torch.zeros(1, 2, 2))
    return FaceLayer(nothing, 0.0, nothing, 1.0, placed(0, 0, 1), window, None, (1, 1))


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Within a picture that is 2.5 tiles wide and 1.5 tiles high."""
    left, right = sorted(draw(st.tuples(*2 * [st.integers(0, TILE * 5 // 2)])))
    top, bottom = sorted(draw(st.tuples(*2 * [st.integers(0, TILE * 3 // 2)])))
    return left, top, right, bottom


@settings(max_examples=40)
@given(st.lists(windows(), max_size=4))
def test_tiles_cover_every_window_once_and_bring_its_face(
    places: list[tuple[int, int, int, int]],
) -> None:
    height, width = TILE * 3 // 2, TILE * 5 // 2
    layers = [at_window(window) for window in places if window[0] < window[2]]
    layers = [layer for layer in layers if layer.window[1] < layer.window[3]]
    times = torch.zeros(height, width, dtype=torch.int)
    brought = torch.zeros(len(layers), height, width, dtype=torch.bool)
    for rows, columns, inside in tiles(layers, height, width):
        assert inside
        assert rows.stop - rows.start <= TILE and columns.stop - columns.start <= TILE
        times[rows, columns] += 1
        for index, layer in enumerate(layers):
            brought[index, rows, columns] = any(layer is one for one in inside)
    assert times.max() <= 1
    for index, layer in enumerate(layers):
        left, top, right, bottom = layer.window
        assert brought[index, top:bottom, left:right].all()


def test_a_part_of_the_picture_is_blended_as_in_the_whole() -> None:
    image = seeded(3, HEIGHT, WIDTH)
    layers = [
        layer_of(restored_at(10, 5, 2.5, seeded(3, SIDE, SIDE, seed=1)), image, keep_detail=1),
        layer_of(restored_at(30, 15, 0.7, seeded(3, SIDE, SIDE, seed=2)), image),
    ]
    before = image.clone()
    colour, mask = whole(layers, image)
    rows, columns = slice(13, 31), slice(7, 42)
    part, part_mask, _, noise = blend_all(layers, image, rows, columns)
    assert noise is None  # without grain
    torch.testing.assert_close(part, colour[:, rows, columns], atol=1e-4, rtol=0)
    torch.testing.assert_close(part_mask, mask[:, rows, columns], atol=1e-4, rtol=0)
    assert torch.equal(image, before)
    assert 0 <= colour.min() and colour.max() <= 1


def test_the_strength_of_the_nearer_face_prevails() -> None:
    image = seeded(3, HEIGHT, WIDTH)
    everywhere = slice(0, HEIGHT), slice(0, WIDTH)
    weak, strong = (
        layer_of(restored_at(left, 10, 2, flat(0.5)), image, strength=strength)
        for left, strength in ((20, 0.25), (36, 1.0))
    )
    _, mask, strength, _ = blend_all([weak, strong], image, *everywhere)
    assert isinstance(strength, Tensor) and strength.shape == mask.shape
    alone = blend_all([weak], image, *everywhere)[1][0] > 0
    other = blend_all([strong], image, *everywhere)[1][0] > 0
    assert (strength[0][alone & ~other] == 0.25).all() and (alone & ~other).any()
    assert (strength[0][other & ~alone] == 1).all() and (other & ~alone).any()
    both = strength[0][alone & other]
    assert 0.25 <= both.min() < 0.4 and 0.8 < both.max() <= 1
    assert blend_all([weak, weak], image, *everywhere)[2] == 0.25


def test_two_faces_cover_together_and_the_nearer_one_shows() -> None:
    image = seeded(3, HEIGHT, WIDTH)
    half = torch.full((1, SIDE, SIDE), 0.5)
    dark, bright = (
        layer_of(restored_at(left, 10, 2, flat(value)), image, mask=half)
        for left, value in ((20, 0.0), (36, 1.0))
    )
    colour, mask = whole([dark, bright], image)
    assert mask[0, 26, 44].item() == pytest.approx(0.75, abs=1e-3)  # both: 1 - 0.5 * 0.5
    assert mask[0, 26, 24].item() == pytest.approx(0.5, abs=1e-3)  # one alone
    row = colour[0, 26, 38:50]  # from near the dark one's centre to near the bright one's
    assert row.diff().min() > 0
    assert row[0] < 0.2 and row[-1] > 0.8
    swapped, _ = whole([bright, dark], image)
    torch.testing.assert_close(swapped, colour)


def test_masks_of_another_size_are_stretched_over_the_crop() -> None:
    image = seeded(3, HEIGHT, WIDTH)
    left_half = torch.zeros(1, 4, 4)
    left_half[..., :2] = 1
    layer = layer_of(restored_at(20, 10, 2, flat(1.0)), image, mask=left_half)
    _, mask = whole([layer], image)
    assert mask[0, 26, 28] > 0.95
    assert mask[0, 26, 44] < 0.05


def test_a_face_is_sampled_in_its_own_window_only(monkeypatch: pytest.MonkeyPatch) -> None:
    image = seeded(3, HEIGHT, WIDTH)
    layers = [
        layer_of(restored_at(left, top, 0.5, flat(0.5)), image)
        for left, top in ((10, 10), (70, 40), (12, 12))
    ]
    sampled: list[int] = []
    real = layers_of_faces.sample_together

    def count(pieces: Sequence[Piece], outside: Outside, *, multiple: int = 1) -> list[Tensor]:
        sampled.extend(piece.size[0] * piece.size[1] for piece in pieces)
        assert multiple == 1  # a processor would have to work for more
        return real(pieces, outside)

    monkeypatch.setattr(layers_of_faces, "sample_together", count)
    whole(layers, image)
    windows = [layer.window for layer in layers]
    areas = [(right - left) * (bottom - top) for left, top, right, bottom in windows]
    assert sorted(sampled) == sorted(2 * areas)  # colour and mask
