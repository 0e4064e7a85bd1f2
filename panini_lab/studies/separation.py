"""Does the degradation representation tell degradations apart, and not people?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from panini_core.degrading.degrade import degraded_batches
from panini_core.degrading.ranges import PRESETS, DegradationRanges
from panini_core.models.panini import PaniniNet
from panini_core.models.value_range import to_network
from panini_core.options import SINGLE_DEGRADATIONS

from ..training.atlas_builder import CLASSES
from .probes import cross_validated, linear_probe_accuracy, nearest_neighbour_accuracy

FEWEST_FACES = 8
MIXED = "training"  # the preset whose mixed degradations shall hide who it is
MIXED_VERSIONS = 8
FOLDS = 5  # of people, or of versions, each judged by a probe that learned from the others

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SeparationStudy:
    """Shares of right answers, 0 to 1."""

    faces: int
    versions: int  # of each face and kind
    kinds: tuple[str, ...]
    kind_by_neighbours: float  # among other people only
    kind_by_probe: float  # that has not seen the person
    confusion: tuple[tuple[float, ...], ...]  # [true][said by the probe]; rows sum to 1
    kind_by_chance: float
    # The person, from a face whose other versions are known
    person_by_neighbours: float  # the kinds of fault
    person_by_probe: float  # that has seen the other kinds of this person
    person_by_neighbours_mixed: float  # mixed degradations, all drawn anew
    person_by_probe_mixed: float
    person_by_chance: float


@torch.no_grad()
def study_separation(
    model: PaniniNet,
    faces: Tensor,  # (N, 3, S, S) uint8, clean, of N people, S = model.config.input_size
    *,
    versions: int = 3,
    seed: int = 1,
    on_progress: OnProgress | None = None,  # pictures done, of how many
) -> SeparationStudy:
    """Degrade every face in known ways and ask probes for the way, and for the person.

    Raises ValueError for fewer than eight faces, or a model whose representation is one learned
    vector.
    """
    if model.degradation_encoder is None:
        raise ValueError("This model sees the same degradation in every face: nothing to study.")
    if len(faces) < FEWEST_FACES:
        raise ValueError(f"Probes need at least {FEWEST_FACES} faces, got {len(faces)}.")
    singles = [(CLASSES[kind], versions) for kind in SINGLE_DEGRADATIONS]
    *of_kinds, mixed = _encode(
        model, faces, [*singles, (PRESETS[MIXED], MIXED_VERSIONS)], seed, on_progress
    )
    single = torch.cat(of_kinds)

    people = torch.arange(len(faces))
    kind = torch.arange(len(SINGLE_DEGRADATIONS)).repeat_interleave(versions * len(faces))
    person = people.repeat(len(SINGLE_DEGRADATIONS) * versions)
    said = cross_validated(single, kind, person % FOLDS)

    mixed_person = people.repeat(MIXED_VERSIONS)
    version = torch.arange(MIXED_VERSIONS).repeat_interleave(len(faces))
    nobody = torch.zeros(len(mixed), len(mixed), dtype=torch.bool)
    return SeparationStudy(
        faces=len(faces),
        versions=versions,
        kinds=SINGLE_DEGRADATIONS,
        kind_by_neighbours=nearest_neighbour_accuracy(
            single, kind, person[:, None] == person[None]
        ),
        kind_by_probe=float((said == kind).double().mean()),
        confusion=_confusion(kind, said),
        kind_by_chance=1 / len(SINGLE_DEGRADATIONS),
        person_by_neighbours=nearest_neighbour_accuracy(
            single, person, kind[:, None] == kind[None]
        ),
        person_by_probe=linear_probe_accuracy(single, person, kind),
        person_by_neighbours_mixed=nearest_neighbour_accuracy(mixed, mixed_person, nobody),
        person_by_probe_mixed=linear_probe_accuracy(mixed, mixed_person, version % FOLDS),
        person_by_chance=1 / len(faces),
    )


def _encode(
    model: PaniniNet,
    faces: Tensor,
    settings: Sequence[tuple[DegradationRanges, int]],
    seed: int,
    on_progress: OnProgress | None,
) -> list[Tensor]:
    """The DR (V * N, D) of every face in V versions, for each of the settings (ranges, V)."""
    total = sum(versions for _, versions in settings) * len(faces)
    done = 0
    encoded: list[Tensor] = []
    for number, (ranges, versions) in enumerate(settings):
        generator = torch.Generator().manual_seed(seed * 1_009 + number)
        vectors: list[Tensor] = []
        for _ in range(versions):
            for clean, degraded in degraded_batches(
                faces, ranges, generator=generator, device=model.device
            ):
                vectors.append(model.encode_degradation(to_network(degraded)).cpu())
                done += len(clean)
                if on_progress is not None:
                    on_progress(done, total)
        encoded.append(torch.cat(vectors))
    return encoded


def _confusion(true: Tensor, said: Tensor) -> tuple[tuple[float, ...], ...]:
    count = len(SINGLE_DEGRADATIONS)
    rows = [torch.bincount(said[true == kind], minlength=count).double() for kind in range(count)]
    return tuple(tuple((row / row.sum()).tolist()) for row in rows)
