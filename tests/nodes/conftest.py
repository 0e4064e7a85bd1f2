"""The pack as ComfyUI loads it: with ComfyUI itself (COMFYUI_PATH), else with a stand-in."""

from __future__ import annotations

import pytest

from .pack import Pack, find_comfyui, load_pack, use_comfyui, use_stand_in

HOST = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Pack:
    """The pack; with the stand-in its schemas can be read, but no node can run."""
    folder, reason = find_comfyui(), "no ComfyUI found; set COMFYUI_PATH"
    host = None
    if folder is not None:
        try:
            host = use_comfyui(folder, tmp_path_factory.mktemp("comfyui"))
        except ModuleNotFoundError as error:
            reason = f"{folder} lacks a requirement: {error}"
    host = host or f"{use_stand_in()} ({reason})"
    pytestconfig.stash[HOST] = host
    return load_pack(host)


@pytest.fixture(scope="session")
def comfy_pack(pack: Pack) -> Pack:
    """The pack with ComfyUI itself, so that nodes run; skips without it."""
    if pack.host.startswith("stand-in"):
        pytest.skip(f"needs ComfyUI: {pack.host}")
    return pack


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what the nodes were tested with."""
    if HOST in config.stash:
        terminalreporter.write_line(f"The nodes were loaded with {config.stash[HOST]}.")
