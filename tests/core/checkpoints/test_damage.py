"""Damage anywhere: either a CheckpointError or a network of finite numbers."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panini_core.checkpoints import (
    CheckpointError,
    layouts,
    load_panini,
    save_panini,
)

from .small_files import (
    SMALL_MFR,
    TINY,
    official,
    small_net,
)

pytestmark = pytest.mark.filterwarnings(  # torch's remarks on files that are odd on purpose
    "ignore:Detected pickle protocol", "ignore:Validating sparse", "ignore:Defining your"
)


@dataclasses.dataclass(frozen=True)
class WholeFile:
    content: bytes = dataclasses.field(repr=False)


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, WholeFile]:
    folder = tmp_path_factory.mktemp("whole")
    config = dataclasses.replace(SMALL_MFR, prior_channels=(4, 4, 4), extractor_channels=2)
    content = {"state_dict": official(small_net(config), layouts.panini_table(config))}
    torch.save(content, folder / "zip.pth")
    torch.save(content, folder / "old.pth", _use_new_zipfile_serialization=False)
    save_panini(folder / "own.safetensors", small_net(TINY))
    return {path.name: WholeFile(path.read_bytes()) for path in folder.iterdir()}


FUZZ = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("name", ["zip.pth", "old.pth", "own.safetensors"])
class TestDamage:
    @FUZZ
    @given(share=st.floats(0, 1, exclude_max=True))
    def test_truncation(
        self, whole_files: dict[str, WholeFile], tmp_path: Path, name: str, share: float
    ) -> None:
        data = whole_files[name].content
        path = tmp_path / name
        path.write_bytes(data[: int(share * len(data))])
        with pytest.raises(CheckpointError, match=name):
            load_panini(path)

    @FUZZ
    @given(data=st.data())
    def test_flipped_bytes(
        self, whole_files: dict[str, WholeFile], tmp_path: Path, name: str, data: st.DataObject
    ) -> None:
        content = bytearray(whole_files[name].content)
        # Names, shapes and directories stand at the beginning and at the end.
        edge = st.integers(0, 20_000)
        offset = st.one_of(edge, edge.map(lambda i: -1 - i), st.integers(0, len(content) - 1))
        flips = st.tuples(offset, st.integers(1, 255))
        for position, mask in data.draw(st.lists(flips, min_size=1, max_size=4)):
            content[position % len(content)] ^= mask
        path = tmp_path / name
        path.write_bytes(content)
        with contextlib.suppress(CheckpointError):
            net = load_panini(path)
            assert all(tensor.isfinite().all() for tensor in net.state_dict().values())
