"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with development data (PANINI_SHARED, default ../shared); skips without it."""
    folder = Path(os.environ.get("PANINI_SHARED", PROJECT_ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"needs the development data: no folder {folder}/data (set PANINI_SHARED)")
    return folder
