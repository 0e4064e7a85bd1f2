"""Official files whose tensors do not match."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from panini_core.checkpoints import (
    CheckpointError,
    layouts,
    load_panini,
)

from .small_files import (
    SMALL_MFR,
    official,
    small_net,
)

pytestmark = pytest.mark.filterwarnings(  # torch's remarks on files that are odd on purpose
    "ignore:Detected pickle protocol", "ignore:Validating sparse", "ignore:Defining your"
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            lambda s: s.pop("fusion_out.1.bias"), "1 missing: fusion_out.1.bias", id="one"
        ),
        pytest.param(
            lambda s: [s.pop(k) for k in list(s) if k.startswith("deg_encoder.E.3.")],
            "but deg_encoder.E.3.weight is missing among 162 tensors",
            id="a layer",
        ),
        pytest.param(
            lambda s: s.pop("generator.constant_input.input"), "input is missing", id="size"
        ),
        pytest.param(
            lambda s: [s.pop(k) for k in list(s) if k.startswith("encoder.0.0.body.0.rdb2.conv4.")],
            "2 missing: encoder.0.0.body.0.rdb2.conv4.weight",
            id="a convolution",
        ),
        pytest.param(
            lambda s: s.update({"new.weight": torch.ones(1)}),
            "1 unexpected: new.weight",
            id="extra",
        ),
        pytest.param(
            lambda s: s.update({"encoder.0.0.conv_first.bias": torch.ones(5)}),
            "1 wrong: encoder.0.0.conv_first.bias is (5,), not (6,)",
            id="shape",
        ),
        pytest.param(
            lambda s: s.update({"encoder.0.0.conv_first.weight": torch.ones(6)}),
            "encoder.0.0.conv_first.weight should have 4 axes, it is (6,)",
            id="axes",
        ),
        pytest.param(
            lambda s: s.update({"fusion_out.0.bias": torch.ones(8, dtype=torch.long)}),
            "fusion_out.0.bias holds torch.int64, not torch.float32",
            id="integers",
        ),
        pytest.param(
            lambda s: s["generator.convs.0.conv.blur.kernel"].mul_(2),
            "generator.convs.0.conv.blur.kernel is not the filter [1, 3, 3, 1] with sum 4",
            id="filter",
        ),
        pytest.param(
            lambda s: s["fusion_out.0.bias"].fill_(float("nan")),
            "1 of 164 tensors hold NaN or infinity: fusion_out.0.bias",
            id="nan",
        ),
        pytest.param(
            lambda s: s["fusion_out.0.bias"][3].fill_(float("inf")),
            "tensors hold NaN or infinity: fusion_out.0.bias",
            id="infinity",
        ),
        pytest.param(
            lambda s: s.update({"fusion_out.0.bias": 3}),
            "1 of 164 entries are something else: 'fusion_out.0.bias' (int)",
            id="not a tensor",
        ),
        pytest.param(
            lambda s: s.update({"fusion_out.0.bias": torch.ones(8).to_sparse()}),
            "expected dense tensors",
            id="sparse",
        ),
        pytest.param(
            lambda s: s.update({"fusion_out.0.bias": torch.ones(1).expand(10**12)}),
            "expected dense tensors",
            id="enormous view",
        ),
        pytest.param(
            lambda s: s.update({"fusion_out.0.bias": torch.ones(8, device="meta")}),
            "expected dense tensors",
            id="no storage",
        ),
        pytest.param(lambda s: s.clear(), "expected named tensors, found none", id="empty"),
    ],
)
def test_a_changed_official_file_gives_one_clear_error(
    official_file: Callable[..., Path], change: Callable[[Any], Any], message: str
) -> None:
    tensors = official(small_net(SMALL_MFR), layouts.panini_table(SMALL_MFR))
    change(tensors)
    path = official_file({"state_dict": tensors})
    with pytest.raises(CheckpointError) as caught:
        load_panini(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert caught.value.path == path
