"""Where a degradation lies among known ones: severity, the nearest kinds, a place on a map.

An atlas holds degradation representations of faces that were degraded in known ways. It belongs
to one degradation encoder; `panini atlas` makes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class DegradationAtlas:
    """K known samples of C classes, on the CPU in float32.

    Distances are measured between projected vectors, `(v - centre) @ projection.T`.
    """

    names: tuple[str, ...]  # the classes
    vectors: Tensor  # (K, D) the degradation representations
    labels: Tensor  # (K,) int64, the class of each sample
    severity: Tensor  # (K,) in [0, 1], see `severity_of_psnr`
    positions: Tensor  # (K, 2) x, y on the map, in [0, 1]
    centre: Tensor  # (D,)
    projection: Tensor  # (P, D)
    reach: float  # what lies farther than this from every sample is unlike all of them
    fingerprint: str  # of the encoder, see `encoder_fingerprint`


@dataclass(frozen=True, slots=True)
class DegradationDescription:
    """What an atlas says about the degradation of one face."""

    severity: float  # 0: as good as clean, 1: 18 dB and worse
    nearest: tuple[tuple[str, float], ...]  # classes and their shares in [0, 1], largest first
    position: tuple[float, float]  # x, y on the map, in [0, 1]
    distance: float  # to the nearest sample, in units of the atlas' reach: above 1 is unfamiliar
    text: str  # all of it in one sentence
