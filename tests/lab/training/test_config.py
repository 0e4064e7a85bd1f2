from __future__ import annotations

from pathlib import Path

import pytest

from panini_lab.training.config import (
    CONFIG_FOLDER,
    InversionConfig,
    PriorConfig,
    RestorerConfig,
    UdrlConfig,
    load_config,
)

KINDS = {
    "degradation": UdrlConfig,
    "inversion": InversionConfig,
    "restorer": RestorerConfig,
    "adversary": RestorerConfig,  # the restorer's last step
    "prior": PriorConfig,
}


@pytest.mark.parametrize("path", sorted(CONFIG_FOLDER.glob("*.toml")), ids=lambda p: p.stem)
def test_every_shipped_configuration_loads_by_name(path: Path) -> None:
    kind = KINDS[path.stem.rsplit("-", 1)[1]]
    assert isinstance(load_config(path.stem, kind), kind)


def test_overrides_reach_nested_values(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("ema = 0.5\n[run]\nsteps = 3\n[loss]\npixel = 2\n")
    config = load_config(file, RestorerConfig, ["run.steps=7", "model=tiny", "betas=[0.1, 0.2]"])
    assert (config.run.steps, config.model, config.betas) == (7, "tiny", (0.1, 0.2))
    assert (config.ema, config.loss.pixel) == (0.5, 2.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[run]\nstep = 3", "unknown key 'step'"),
        ("[run]\nsteps = 'many'", "steps must be int"),
        ("run = 3", "run must be a table"),
        ("[data]\nsources = 'here'", "sources must be a list"),
        ("[run\n", "not valid TOML"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "c.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_config(file, RestorerConfig)


def test_a_missing_file_lists_the_shipped_ones() -> None:
    with pytest.raises(FileNotFoundError, match="compact-restorer"):
        load_config("no-such-config", RestorerConfig)


def test_an_override_needs_a_value() -> None:
    with pytest.raises(ValueError, match=r"section\.key=value"):
        load_config("compact-restorer", RestorerConfig, ["run.steps"])
