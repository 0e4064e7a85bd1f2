"""What the tests of checkpoints share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch


@pytest.fixture
def official_file(tmp_path: Path) -> Callable[[Any], Path]:
    def write(content: Any, name: str = "official.pth", **options: Any) -> Path:
        torch.save(content, tmp_path / name, **options)
        return tmp_path / name

    return write
