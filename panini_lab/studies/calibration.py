"""What a fidelity from 0 to 1 should do with given weights: places of the levels, by measurement.

The network's own choice stays in the middle. One end is the restoration with the most texture that
is still the person, the other the one nearest to the person; neither may spoil what is good. Groups
of levels are moved one by one, and what each does to the figures is taken to add up; the ends that
this promises are measured then, and drawn back where they do not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise, product
from typing import Any

import torch
from torch import Tensor

from panini_core.faces import InterpolationWeights
from panini_core.models.fidelity_curve import NEUTRAL, FidelityCurve, straight_curve
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.stages.align import whole_picture_faces
from panini_core.stages.alpha import apply_fidelity, weigh_features
from panini_core.stages.represent import represent_degradation
from panini_core.stages.restore import restore_faces

COARSE_SIDE = 32  # px, up to which levels hold the build of a face rather than its surface
MOVES = (0.35, 0.65)  # the places of a group beside the neutral one
KNOTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # fidelities that are measured in the end
MOST_TEXTURE_LOST, MOST_IDENTITY_LOST = 0.1, 0.02  # of clean faces: what does not show
SAME_TEXTURE, SAME_IDENTITY = 0.002, 0.005  # differences that mean nothing
HALVINGS = 3  # of a way that does not hold

# Restored (K, 3, S, S), clean (1, 3, S, S), in [0, 1] -> "texture" and "identity", (K,) each
Measure = Callable[[Tensor, Tensor], Mapping[str, Tensor]]
OnProgress = Callable[[int, int], None]  # faces done, of how many


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A degraded face and the same one clean, (1, 3, S, S) each, in [0, 1]."""

    degraded: Tensor
    clean: Tensor


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over faces, against the clean ones: distance of texture, likeness of the person."""

    texture: float
    identity: float


@dataclass(frozen=True, slots=True)
class Knot:
    """What a fidelity does: to degraded faces, and to clean ones that are put through."""

    degraded: Figures
    clean: Figures

    def spoils(self, before: Figures) -> bool:
        """Whether degraded faces became worse, or clean faces come back changed."""
        return (
            self.degraded.texture > before.texture
            or self.degraded.identity < before.identity
            or self.clean.texture > MOST_TEXTURE_LOST
            or self.clean.identity < 1 - MOST_IDENTITY_LOST
        )


@dataclass(frozen=True, slots=True)
class Calibration:
    """A curve, and how it does."""

    curve: FidelityCurve
    before: Figures  # of the degraded faces
    knots: tuple[tuple[float, Knot], ...]  # fidelities, and what they do
    faces: int
    searched: int  # faces by which the ends were found

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the file of the curve."""
        return {
            "faces": self.faces,
            "searched": self.searched,
            "before": asdict(self.before),
            "knots": [{"fidelity": at, **asdict(knot)} for at, knot in self.knots],
        }


@torch.inference_mode()
def calibrate_fidelity(
    model: PaniniNet,
    pairs: Sequence[Pair],
    measure: Measure,
    *,
    search: int | None = None,  # find the ends by so many faces, spread evenly; None: all
    on_progress: OnProgress | None = None,  # again for every round
) -> Calibration:
    """The curve on which texture improves and identity falls from fidelity 1 to 0.

    Where the weights offer no such way, an end is the network's own choice. Raises ValueError
    without pairs.
    """
    if not pairs:
        raise ValueError("There are no pairs of faces to calibrate by.")
    count = min(search or len(pairs), len(pairs))
    chosen = [pairs[row * len(pairs) // count] for row in range(count)]
    moves = single_moves(model.config)
    levels = len(model.config.interpolated_channels)
    tried = [(NEUTRAL,) * levels, *(row for group in moves for row in group)]
    before, neutral, *found = _measure(
        model, [(one.degraded, one.clean) for one in chosen], tried, measure, on_progress
    )
    figures = iter(found)
    ends = choose_ends(
        before, neutral, [[(row, next(figures)) for row in group] for group in moves]
    )
    halvings = HALVINGS
    while True:
        curve = straight_curve(ends)
        before, knots = _measure_knots(model, pairs, curve, measure, on_progress)
        broken = broken_sides(knots, before)
        if not any(broken) or not halvings:
            break
        halvings -= 1
        ends = [
            _draw_back(end, fully=not halvings) if bad else end
            for end, bad in zip(ends, broken, strict=True)
        ]
    measured = tuple(zip(KNOTS, knots, strict=True))
    return Calibration(curve, before, measured, len(pairs), len(chosen))


def single_moves(config: PaniniConfig) -> list[list[tuple[float, ...]]]:
    """For each group of levels, the places of all levels at each move of that group alone.

    The coarse levels move together, each finer one by itself, and the picture's bands together.
    """
    names = ["coarse" if side <= COARSE_SIDE else str(side) for side in config.level_resolutions]
    names += ["picture"] * config.picture_bands
    return [
        [tuple(place if name == group else NEUTRAL for name in names) for place in MOVES]
        for group in dict.fromkeys(names)
    ]


def choose_ends(
    before: Figures,
    neutral: Figures,
    moves: Sequence[Sequence[tuple[Sequence[float], Figures]]],  # by group: places, their figures
) -> list[tuple[float, ...]]:
    """The places at fidelity 0 and at 1: of all combinations of the groups' moves, that with the
    best texture whose likeness is no better than the neutral one's, and that with the best likeness
    whose texture is no better."""
    levels = len(moves[0][0][0])
    pretty = faithful = (NEUTRAL,) * levels
    best_texture, best_identity = neutral.texture, neutral.identity
    for choice in product(*[[None, *group] for group in moves]):
        moved = [move for move in choice if move is not None]
        texture = neutral.texture + sum(one.texture - neutral.texture for _, one in moved)
        identity = neutral.identity + sum(one.identity - neutral.identity for _, one in moved)
        places = tuple(
            NEUTRAL + sum(row[level] - NEUTRAL for row, _ in moved) for level in range(levels)
        )
        if before.identity <= identity <= neutral.identity + SAME_IDENTITY and (
            texture < best_texture
        ):
            pretty, best_texture = places, texture
        if neutral.texture - SAME_TEXTURE <= texture <= before.texture and identity > best_identity:
            faithful, best_identity = places, identity
    return [pretty, faithful]


def broken_sides(knots: Sequence[Knot], before: Figures) -> tuple[bool, bool]:
    """Whether the way below and the one above the middle does not hold: if texture or likeness
    turns back, or faces are spoilt that the network's own choice does not spoil."""
    middle = len(knots) // 2
    allowed = not knots[middle].spoils(before)

    def broken(part: Sequence[Knot]) -> bool:
        turned = any(
            low.degraded.texture > high.degraded.texture + SAME_TEXTURE
            or low.degraded.identity > high.degraded.identity + SAME_IDENTITY
            for low, high in pairwise(part)
        )
        return turned or (allowed and any(knot.spoils(before) for knot in part))

    return broken(knots[: middle + 1]), broken(knots[middle:])


def _draw_back(end: Sequence[float], *, fully: bool) -> tuple[float, ...]:
    """Half way to the network's own choice, or all of it."""
    return tuple(NEUTRAL + (0 if fully else (place - NEUTRAL) / 2) for place in end)


def _measure_knots(
    model: PaniniNet,
    pairs: Sequence[Pair],
    curve: FidelityCurve,
    measure: Measure,
    on_progress: OnProgress | None,
) -> tuple[Figures, list[Knot]]:
    """Figures of the degraded faces as they are, and what each of KNOTS does."""
    places = [curve.at(fidelity) for fidelity in KNOTS]
    degraded = [(one.degraded, one.clean) for one in pairs]
    before, *after = _measure(model, degraded, places, measure, on_progress)
    clean = [(one.clean, one.clean) for one in pairs]
    _, *kept = _measure(model, clean, places, measure, on_progress)
    return before, [Knot(*one) for one in zip(after, kept, strict=True)]


def _measure(
    model: PaniniNet,
    pairs: Sequence[tuple[Tensor, Tensor]],  # a face to restore, and the clean one
    places: Sequence[Sequence[float]],
    measure: Measure,
    on_progress: OnProgress | None,
) -> list[Figures]:
    """Figures of the faces as they are, then of those restored with the levels at each place."""
    total = torch.zeros(2, len(places) + 1, dtype=torch.float64)
    for number, (face, clean) in enumerate(pairs, 1):
        images = [_as_written(one) for one in _restore(model, face, places)]
        figures = measure(torch.cat([face, *images]), clean)
        total += torch.stack([figures[name].double().cpu() for name in ("texture", "identity")])
        if on_progress is not None:
            on_progress(number, len(pairs))
    return [Figures(*column) for column in (total / len(pairs)).mT.tolist()]


def _restore(
    model: PaniniNet, face: Tensor, places: Sequence[Sequence[float]]
) -> list[Tensor]:  # (1, 3, S, S) each
    faces = whole_picture_faces(face)
    chosen = weigh_features(model, represent_degradation(model, faces))
    return [restore_faces(model, faces, _place(chosen, row)).crops for row in places]


def _place(weights: InterpolationWeights, places: Sequence[float]) -> InterpolationWeights:
    return apply_fidelity(weights, 0, straight_curve([places, places]))


def _as_written(crops: Tensor) -> Tensor:
    return (crops * 255).round() / 255
