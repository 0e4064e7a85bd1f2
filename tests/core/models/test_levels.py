"""What lies on which level."""

from __future__ import annotations

import pytest

from panini_core.models.levels import resolution_of
from panini_core.models.panini import PRESETS, PaniniConfig, build_gan_prior


def test_levels_begin_at_four_and_double() -> None:
    assert [resolution_of(level) for level in range(9)] == [4, 8, 16, 32, 64, 128, 256, 512, 1024]


@pytest.mark.parametrize("name", ["tiny", "tiny-mobile"])
def test_the_generator_has_the_levels_that_the_configuration_names(name: str) -> None:
    config = PRESETS[name]
    assert build_gan_prior(config).resolutions[: len(config.level_channels)] == (
        config.level_resolutions
    )


def test_the_official_network_fuses_five_levels() -> None:
    assert PaniniConfig.preset("official-mfr").level_resolutions == (4, 8, 16, 32, 64)
