"""How alpha, the GAN prior's share, is spread over the channels of each level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from einops import rearrange

from ..faces import InterpolationWeights
from ..models.panini import PaniniConfig

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BINS = 20
PICTURE_LEVEL = "picture"  # the name under which the picture's bands are joined


@dataclass(frozen=True, slots=True)
class LevelStatistics:
    """The distribution of alpha over a level's channels and all faces."""

    name: str  # the level's side in px, "4", "8", …; "picture" for the picture's own bands
    channels: int  # that the level uses
    mean: float
    quantiles: tuple[float, ...]  # at QUANTILES
    histogram: tuple[float, ...]  # the shares of BINS equal parts of [0, 1]; their sum is 1


def alpha_statistics(weights: InterpolationWeights, config: PaniniConfig) -> list[LevelStatistics]:
    """The statistics of each level, coarse first; the picture's bands are one level, the last.

    Only the channels count that a level uses. Without a face the list is empty. Raises ValueError
    if the weights do not have the configuration's levels.
    """
    channels = config.interpolated_channels
    expected = (len(weights), len(channels), max(channels))
    if tuple(weights.alpha.shape) != expected:
        raise ValueError(
            f"alpha must be (F, L, C) = {expected} for this model, got "
            f"{tuple(weights.alpha.shape)}; take the weights from the same model."
        )
    if len(weights) == 0:
        return []
    alpha = weights.alpha.detach().float().cpu().numpy()
    fused = len(config.level_channels)
    levels = {
        str(resolution): alpha[:, level, : channels[level]]
        for level, resolution in enumerate(config.level_resolutions)
    }
    if config.picture_bands:
        shares = alpha[:, fused:, :3]
        levels[PICTURE_LEVEL] = rearrange(shares, "face band colour -> face (band colour)")
    return [_statistics(name, values) for name, values in levels.items()]


def _statistics(
    name: str, values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> LevelStatistics:
    counts, _ = np.histogram(values, bins=BINS, range=(0, 1))
    return LevelStatistics(
        name=name,
        channels=values.shape[1],
        mean=float(values.mean(dtype=np.float64)),
        quantiles=tuple(np.quantile(values, QUANTILES).tolist()),
        histogram=tuple((counts / counts.sum()).tolist()),
    )
