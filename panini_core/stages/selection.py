"""Which of the faces that were found are restored: a short text, the same for people and files."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from .grouping import face_numbers, number_faces, rows_of_images

if TYPE_CHECKING:  # so that rules are read without loading torch
    from ..faces import Face
    from .track import Stretch

NAMED_RULES = ("all", "largest", "centre", "none")
ONE_OF_SEVERAL = ("largest", "centre")  # rules that name one face of an image
SORT_ORDERS = (
    "as detected",
    "left to right",
    "right to left",
    "top to bottom",
    "bottom to top",
    "large to small",
    "small to large",
    "confidence",
    "centre",
)
OTHER_SPELLINGS = {"center": "centre"}  # of rules and orders
LAST_NUMBER = 9999
_OTHER_SIGNS = str.maketrans("\u3001\u2013", ",-")  # ideographic comma, en dash
_NUMBERS = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?")


def parse_rule(rule: str) -> str | set[int]:
    """`all`, `largest`, `centre` and `none` as they are; `0,2,4-6` as the numbers of the faces.

    `center` is `centre`; full-width signs, as keyboards for Chinese and Japanese type them, are
    read as well. Raises ValueError for anything else.
    """
    name = plain_signs(rule).strip().lower()
    name = OTHER_SPELLINGS.get(name, name)
    if name in NAMED_RULES:
        return name
    numbers = parse_numbers(rule)
    if numbers is None:
        raise ValueError(
            f"Cannot select faces by {rule!r}: expected {', '.join(NAMED_RULES)} or numbers "
            f"from 0 to {LAST_NUMBER} such as 0,2,4-6."
        )
    return numbers


def parse_numbers(text: str) -> set[int] | None:
    """`0,2,4-6` as the numbers of faces; None for anything else."""
    numbers: set[int] = set()
    for part in plain_signs(text).split(","):
        match = _NUMBERS.fullmatch(part)
        first = int(match[1]) if match else 0
        last = int(match[2] or first) if match else -1
        if not first <= last <= LAST_NUMBER:
            return None
        numbers.update(range(first, last + 1))
    return numbers


def plain_signs(text: str) -> str:
    """The text with full-width signs, as keyboards for Chinese and Japanese type them, replaced."""
    return unicodedata.normalize("NFKC", text).translate(_OTHER_SIGNS)


def sort_faces(faces: Sequence[Face], order: str, *, height: int, width: int) -> list[Face]:
    """The faces image by image, those of an image (height x width px) in one of SORT_ORDERS, and
    numbered in that order.

    Positions are those of the boxes' centres. Equals stay in the order in which they were given,
    and so do all with `as detected`. In a clip (all faces carry their track) it is the tracks that
    are put in order and numbered, by the mean over their faces, `as detected` by when they appear:
    a face has the same number in all frames. Raises ValueError for another order.
    """
    rows = rows_in_order(faces, order, height=height, width=width)
    if not _are_followed(faces):
        return number_faces([faces[row] for row in rows])
    ranks = _ranks(faces, order, height, width)
    numbers = {rank: number for number, rank in enumerate(sorted(set(ranks)))}
    return [replace(faces[row], number=numbers[ranks[row]]) for row in rows]


def rows_in_order(faces: Sequence[Face], order: str, *, height: int, width: int) -> list[int]:
    """The places in `faces` in the order of `sort_faces`, for what belongs to faces."""
    ranks = _ranks(faces, order, height, width)
    return sorted(range(len(faces)), key=lambda row: (faces[row].image_index, ranks[row]))


def select_faces(
    faces: Sequence[Face], rule: str, *, height: int, width: int, max_faces: int = 0
) -> list[Face]:
    """Those of the faces that the rule names, image by image, in their order.

    `all`; `largest`: the one with the largest box; `centre`: the one nearest to the middle of its
    image (height x width px); `none`; `0,2,4-6`: by number (see `face_numbers`). Numbers that an
    image does not have are no error. Faces whose landmarks cannot be relied on (`Face.reliable`)
    are never among them. Of those, the first `max_faces` of an image are kept; 0 keeps all. In a
    clip (all faces carry their track) size and distance are the means over the track: of
    two faces that share frames the same one is the larger in all of them. There a track counts
    also in frames that miss it for a moment (see `missed_faces`), so that nobody takes its place.
    Raises ValueError if the rule cannot be read or `max_faces` is below 0.
    """
    if max_faces < 0:
        raise ValueError(f"max_faces must be at least 0 (0 keeps all), got {max_faces}.")
    parsed = parse_rule(rule)
    chosen = _choose(faces, missed_faces(faces), parsed, max_faces, height=height, width=width)
    return _faces_of(faces, chosen)


def select_in_passing(
    stretches: Iterable[Stretch], rule: str, *, height: int, width: int, max_faces: int = 0
) -> Iterator[Stretch]:
    """The stretches of a clip with those of their faces that the rule names, as `select_faces`.

    Where a rule names one face of several (`largest`, `centre`), the one that it names in the
    first stretch in which they are seen stays the one until its track ends: nobody knows yet who
    will be the largest. Raises ValueError as `select_faces`.
    """
    parsed = parse_rule(rule)
    held: int | None = None  # the track that is named
    before: frozenset[int] = frozenset()  # tracks that go on from the stretch before
    for stretch in stretches:
        faces, after = stretch.faces, stretch.going_on
        missed = missed_faces(faces, stretch.frames, before=before, after=after)
        chosen = _choose(faces, missed, parsed, max_faces, height=height, width=width)
        if parsed in ONE_OF_SEVERAL:
            candidates = _candidates(faces, missed)
            for frame in stretch.frames:
                tracks = {faces[row].track: row for row in candidates.get(frame, [])}
                if held in tracks:
                    chosen[frame] = {tracks[held]}
                elif held in before & after:  # missed in all of the stretch
                    chosen[frame] = set()
                else:
                    held = next((faces[row].track for row in chosen.get(frame, ())), None)
        before = after
        yield replace(stretch, faces=tuple(_faces_of(faces, chosen)))


def missed_faces(
    faces: Sequence[Face],
    frames: range | None = None,
    *,
    before: Collection[int] = (),
    after: Collection[int] = (),
) -> dict[int, list[int]]:
    """The tracks that frames of a clip miss for a moment: seen before, and again later.

    Each stands for itself by a place in `faces`: that of its nearest face before, or else after.
    `frames`: those of the faces, if these are a stretch of a longer clip, of which the tracks
    `before` come from earlier frames and `after` go on in later ones. Nothing unless all faces
    carry their track.
    """
    if not _are_followed(faces):
        return {}
    rows_of_tracks: dict[int | None, list[int]] = {}
    for rows in rows_of_images(faces).values():
        for row in rows:
            if faces[row].reliable:
                rows_of_tracks.setdefault(faces[row].track, []).append(row)
    missed: dict[int, list[int]] = {}

    def miss(row: int, start: int, stop: int) -> None:
        for frame in range(start, stop):
            missed.setdefault(frame, []).append(row)

    for track, rows in rows_of_tracks.items():
        seen = [faces[row].image_index for row in rows]
        if frames is not None and track in before:
            miss(rows[0], frames.start, seen[0])
        for row, (last, following) in zip(rows, pairwise(seen), strict=False):
            miss(row, last + 1, following)
        if frames is not None and track in after:
            miss(rows[-1], seen[-1] + 1, frames.stop)
    return missed


def face_areas(faces: Sequence[Face]) -> list[float]:
    """The area of each face's box, px²: what `largest` goes by; in a clip the mean over its track.

    A clip is known by all faces carrying their track.
    """
    return _track_means(faces, _area)


def face_distances(faces: Sequence[Face], *, height: int, width: int) -> list[float]:
    """How far each face is from the middle of its image (height x width px), px: what `centre`
    goes by; in a clip the mean over its track, as for `face_areas`."""
    return _track_means(faces, lambda face: _distance(face, height, width))


def _candidates(faces: Sequence[Face], missed: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """The places in `faces` of what may be chosen in each image: its own reliable ones, and the
    tracks that it misses; those of a clip by their numbers."""
    rows = rows_of_images(faces)
    candidates = {image: [row for row in own if faces[row].reliable] for image, own in rows.items()}
    if missed:
        numbers = face_numbers(faces)
        for image, others in missed.items():
            own = [*candidates.get(image, ()), *others]
            candidates[image] = sorted(own, key=numbers.__getitem__)
    return candidates


def _choose(
    faces: Sequence[Face],
    missed: Mapping[int, Sequence[int]],
    rule: str | set[int],  # as `parse_rule` gives it
    max_faces: int,
    *,
    height: int,
    width: int,
) -> dict[int, set[int]]:
    """What a rule names of the candidates of each image, the first `max_faces`."""
    numbers = face_numbers(faces)
    if rule == "largest":
        values = [-area for area in face_areas(faces)]
    else:
        values = face_distances(faces, height=height, width=width)
    chosen: dict[int, set[int]] = {}
    for image, rows in _candidates(faces, missed).items():
        if isinstance(rule, set):
            named = [row for row in rows if numbers[row] in rule]
        elif rule in ONE_OF_SEVERAL:
            named = [min(rows, key=values.__getitem__)] if rows else []
        else:
            named = rows if rule == "all" else []
        chosen[image] = set(named[: max_faces or None])
    return chosen


def _faces_of(faces: Sequence[Face], chosen: Mapping[int, Collection[int]]) -> list[Face]:
    """The faces that were chosen, image by image; those that are missed there have none."""
    rows = rows_of_images(faces)
    return [faces[row] for image, own in rows.items() for row in own if row in chosen[image]]


def _ranks(faces: Sequence[Face], order: str, height: int, width: int) -> list[tuple[float, int]]:
    """What the faces are sorted by, smallest first; the same for all faces of a track."""
    order = OTHER_SPELLINGS.get(order, order)
    if order not in SORT_ORDERS:
        raise ValueError(f"Cannot sort faces by {order!r}: expected {', '.join(SORT_ORDERS)}.")
    measures: dict[str, Callable[[Face], float]] = {
        "as detected": lambda face: 0,
        "left to right": lambda face: _centre(face)[0],
        "right to left": lambda face: -_centre(face)[0],
        "top to bottom": lambda face: _centre(face)[1],
        "bottom to top": lambda face: -_centre(face)[1],
        "large to small": lambda face: -_area(face),
        "small to large": _area,
        "confidence": lambda face: -face.score,
        "centre": lambda face: _distance(face, height, width),
    }
    return list(zip(_track_means(faces, measures[order]), _first_places(faces), strict=True))


def _are_followed(faces: Sequence[Face]) -> bool:
    return all(face.track is not None for face in faces)


def _owners(faces: Sequence[Face]) -> list[int]:
    """What each face stands for: its track in a clip, else itself alone."""
    tracks = [face.track for face in faces if face.track is not None]
    return tracks if len(tracks) == len(faces) else list(range(len(faces)))


def _track_means(faces: Sequence[Face], measure: Callable[[Face], float]) -> list[float]:
    """The measure of each face, in a clip the mean over its track."""
    values: dict[int, list[float]] = {}
    owners = _owners(faces)
    for owner, face in zip(owners, faces, strict=True):
        values.setdefault(owner, []).append(measure(face))
    means = {owner: sum(own) / len(own) for owner, own in values.items()}
    return [means[owner] for owner in owners]


def _first_places(faces: Sequence[Face]) -> list[int]:
    """Each face's place among all, image by image; in a clip that of its track's first face."""
    owners = _owners(faces)
    places: dict[int, int] = {}
    for place, row in enumerate(row for rows in rows_of_images(faces).values() for row in rows):
        places.setdefault(owners[row], place)
    return [places[owner] for owner in owners]


def _area(face: Face) -> float:
    x0, y0, x1, y1 = face.box.tolist()
    return (x1 - x0) * (y1 - y0)


def _centre(face: Face) -> tuple[float, float]:
    x0, y0, x1, y1 = face.box.tolist()
    return (x0 + x1) / 2, (y0 + y1) / 2


def _distance(face: Face, height: int, width: int) -> float:
    """From the middle of the image, px."""
    x, y = _centre(face)
    return math.hypot(x - width / 2, y - height / 2)
