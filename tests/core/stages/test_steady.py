"""Restored faces over time: skin does not boil, detail stays, motion leaves nothing behind."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.faces import Face, FaceSet, RestoredFaces
from panini_core.stages.steady import frames_of_reach, steady_faces, steady_in_passing

SIDE = 128


def texture(seed: int, cells: int = 64) -> Tensor:
    """Fine detail around zero, (3, s, s)."""
    generator = torch.Generator().manual_seed(seed)
    grain = torch.randn(1, 1, cells, cells, generator=generator)
    return F.interpolate(grain, (SIDE, SIDE), mode="bicubic")[0].expand(3, -1, -1)


def portrait() -> Tensor:
    """Smooth features, (3, s, s) in [0.2, 0.8]."""
    generator = torch.Generator().manual_seed(99)
    coarse = torch.rand(1, 3, 9, 9, generator=generator)
    return 0.2 + 0.6 * F.interpolate(coarse, (SIDE, SIDE), mode="bicubic")[0].clamp(0, 1)


def clip(
    befores: Sequence[Tensor], afters: Sequence[Tensor], track: int | None = 0, first: int = 0
) -> RestoredFaces:
    count = len(befores)
    faces = tuple(
        Face(torch.zeros(4), torch.zeros(5, 2), 1.0, first + index, track=track)
        for index in range(count)
    )
    return RestoredFaces(
        FaceSet(faces, torch.stack(list(befores)), torch.zeros(count, 2, 3)),
        torch.stack(list(afters)),
    )


def boiling(count: int = 12, noise: float = 0.02, stable: float = 0.03, own: float = 0.03):
    """A face that stands, with noise, and what a network draws of it: detail, part of which is
    another in every frame."""
    before = [portrait() + noise * texture(100 + index, SIDE) for index in range(count)]
    after = [
        portrait() + stable * texture(1) + own * texture(200 + index) for index in range(count)
    ]
    return clip([one.clamp(0, 1) for one in before], [one.clamp(0, 1) for one in after])


def flicker(crops: Tensor) -> float:
    inner = crops[:, :, 16:-16, 16:-16]
    return float((inner[1:] - inner[:-1]).abs().mean())


def detail(crops: Tensor) -> float:
    fine = crops - F.avg_pool2d(F.pad(crops, (1, 1, 1, 1), mode="reflect"), 3, stride=1)
    return float(fine[:, :, 16:-16, 16:-16].square().mean().sqrt())


@pytest.mark.parametrize("frames", [1.5, 2, 5])
def test_flicker_of_a_standing_face_falls_threefold_and_detail_stays(frames: float) -> None:
    clip = boiling()
    steady = steady_faces(clip, frames)
    assert flicker(steady.crops[3:-3]) < flicker(clip.crops[3:-3]) / 3
    assert detail(steady.crops) == pytest.approx(detail(clip.crops), rel=0.05)
    assert steady.face_set is clip.face_set


def test_what_stands_still_stays() -> None:
    still = clip([portrait()] * 6, [(portrait() + 0.03 * texture(1)).clamp(0, 1)] * 6)
    torch.testing.assert_close(steady_faces(still, 2).crops, still.crops, atol=2e-3, rtol=0)


def test_motion_leaves_no_ghost() -> None:
    """A dark bar passes in front; what is behind it is drawn as in single frames."""
    befores: list[Tensor] = []
    afters: list[Tensor] = []
    for index in range(8):
        picture = portrait()
        picture[:, :, 12 * index : 12 * index + 24] = 0.05
        befores.append(picture)
        afters.append((picture + 0.03 * texture(1)).clamp(0, 1))
    moving = clip(befores, afters)
    change = (steady_faces(moving, 2).crops - moving.crops).abs()
    contrast = portrait().mean() - 0.05
    assert change.mean() < 0.01 * contrast
    assert change.flatten(1).quantile(0.99, dim=1).max() < 0.1 * contrast


def test_light_that_changes_stays_of_its_frame() -> None:
    lights = torch.linspace(0.6, 1, 8)
    changing = clip(
        [portrait() * light for light in lights],
        [(portrait() * light + 0.02 * texture(1)).clamp(0, 1) for light in lights],
    )
    steady = steady_faces(changing, 2).crops.mean((1, 2, 3))
    torch.testing.assert_close(steady, changing.crops.mean((1, 2, 3)), atol=0.004, rtol=0)


def test_crops_that_are_moved_a_little_keep_their_detail() -> None:
    """As when landmarks tremble: the crops are laid on each other before they are averaged."""
    big = F.interpolate(portrait()[None], scale_factor=1.25, mode="bicubic")[0]
    fine = F.interpolate(texture(1)[None], scale_factor=1.25, mode="bicubic")[0]
    shifts = [(3, 2), (0, 0), (2, 5), (5, 1), (1, 4), (4, 4), (0, 3), (3, 0)]
    befores = [big[:, y : y + SIDE, x : x + SIDE].clamp(0, 1) for y, x in shifts]
    afters = [(big + 0.04 * fine)[:, y : y + SIDE, x : x + SIDE].clamp(0, 1) for y, x in shifts]
    trembling = clip(befores, afters)
    steady = steady_faces(trembling, 2)
    assert detail(steady.crops) == pytest.approx(detail(trembling.crops), rel=0.05)
    inner = (slice(None), slice(None), slice(16, -16), slice(16, -16))
    assert (steady.crops - trembling.crops)[inner].abs().mean() < 0.012


def test_faces_of_different_tracks_and_of_none_do_not_mix() -> None:
    one, other = boiling(6), boiling(6)
    faces = tuple(
        Face(face.box, face.landmarks, 1.0, face.image_index, track=track)
        for track, part in ((0, one), (1, other))
        for face in part.face_set.faces
    )
    both = RestoredFaces(
        FaceSet(
            faces,
            torch.cat([one.face_set.crops, other.face_set.crops]),
            torch.zeros(12, 2, 3),
        ),
        torch.cat([one.crops, other.crops]),
    )
    steady = steady_faces(both, 2)
    torch.testing.assert_close(steady.crops[:6], steady_faces(one, 2).crops)
    alone = clip(list(one.face_set.crops), list(one.crops), track=None)
    assert torch.equal(steady_faces(alone, 2).crops, alone.crops)


def test_zero_gives_the_same_object_and_negative_times_are_refused() -> None:
    faces = boiling(3)
    assert steady_faces(faces, 0) is faces
    with pytest.raises(ValueError, match="0 frames or more"):
        steady_faces(faces, -1)


@settings(max_examples=8)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=6), frames=st.sampled_from([0.5, 1, 2])
)
def test_in_passing_as_the_whole(sizes: list[int], frames: float) -> None:
    count = sum(sizes)
    whole = boiling(count)
    expected = steady_faces(whole, frames).crops
    parts: list[tuple[range, RestoredFaces]] = []
    first = 0
    for size in sizes:
        own = slice(first, first + size)
        part = clip(list(whole.face_set.crops[own]), list(whole.crops[own]), first=first)
        parts.append((range(first, first + size), part))
        first += size
    done = list(steady_in_passing(parts, frames))
    assert [time for time, _ in done] == [time for time, _ in parts]
    torch.testing.assert_close(torch.cat([part.crops for _, part in done]), expected)


def test_few_crops_are_held() -> None:
    """A part comes back as soon as the frames that reach it are there."""
    asked: list[int] = []

    def parts():
        for index in range(30):
            asked.append(index)
            yield range(index, index + 1), clip([portrait()], [portrait()], first=index)

    for done, (time, _) in enumerate(steady_in_passing(parts(), 1)):
        assert time == range(done, done + 1)
        assert len(asked) <= done + frames_of_reach(1) + 1
