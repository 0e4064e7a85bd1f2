from __future__ import annotations

from pathlib import Path

import pytest
import torch

from panini_core.checkpoints import (
    load_panini,
    save_panini,
    writing,
)

from .small_files import (
    TINY,
    assert_same,
    small_net,
)


def test_a_save_that_fails_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(tensors: object, path: Path, **_: object) -> None:
        path.write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    path = tmp_path / "net.safetensors"
    net = small_net(TINY)
    save_panini(path, net)
    monkeypatch.setattr(writing, "save_file", fail)
    with pytest.raises(OSError, match="No space"):
        save_panini(path, small_net(TINY, 1))
    assert_same(load_panini(path, dtype=torch.float32), net)
    assert list(tmp_path.iterdir()) == [path]
