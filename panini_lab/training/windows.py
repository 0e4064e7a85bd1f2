"""Windows for training on parts of faces: where they are cut, how large and how spoilt they are."""

from __future__ import annotations

import torch

from panini_core.models.panini import PaniniConfig
from panini_core.models.window import Window

FEATURE_MARGIN = 1  # features a side that the padding of a fusing convolution spoils
# Features a side that the finer levels spoil: two convolutions each, 2 (1/2 + 1/4 + …) < 2. What
# the prior draws is exact inside. Where alpha differs between the picture's bands, mixing spreads
# a little of the margin (below 0.01 of the network's range) once more as far as the coarsest band
# reaches; a window without that would be a third more expensive.
PICTURE_MARGIN = 2


def window_resolution(config: PaniniConfig) -> int:
    """Where windows are cut: features of the last but one fused level, 64 of `mobile`.

    All coarser levels are computed whole, which costs little. Of the presets with a mobile prior
    one such feature is 8 px of the picture.
    """
    if len(config.level_channels) < 2:
        raise ValueError("A network with one fused level is not trained on windows: set window=0.")
    return 2 ** len(config.level_channels)


def random_window(
    config: PaniniConfig, size: int, generator: torch.Generator, *, margin: int
) -> Window | None:
    """A random window of `size` features, margins included; None for 0.

    Even places and sizes: the picture's coarsest band may have cells of two features. Raises
    ValueError for a size that does not fit.
    """
    if not size:
        return None
    resolution = window_resolution(config)
    if size % 2 or not 2 * margin < size <= resolution:
        raise ValueError(
            f"A window of this network must be 0 or even, above {2 * margin} and at most "
            f"{resolution} features, got window={size}."
        )
    most = (resolution - size) // 2
    top, left = (2 * torch.randint(0, most + 1, (2,), generator=generator)).tolist()
    return Window(resolution, top, left, size, margin=margin)
