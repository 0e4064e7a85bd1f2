from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from panini_core.faces import DegradationRepresentation, FaceSet, InterpolationWeights
from panini_core.models.fidelity_curve import straight_curve
from panini_core.models.panini import PaniniNet
from panini_core.stages.alpha import (
    apply_fidelity,
    bias_levels,
    move_levels,
    override_levels,
    weigh_features,
)

MakeFaces = Callable[..., FaceSet]


@pytest.fixture
def model(either_model: PaniniNet) -> PaniniNet:
    return either_model


def some_weights(faces: int = 3) -> InterpolationWeights:
    generator = torch.Generator().manual_seed(1)
    return InterpolationWeights(torch.rand(faces, 4, 12, generator=generator))


def test_a_representation_of_another_model_is_refused(model: PaniniNet) -> None:
    with pytest.raises(ValueError, match=r"must be \(N, 16\)"):
        weigh_features(model, DegradationRepresentation(torch.zeros(2, 256)))


def test_neutral_edits_change_nothing() -> None:
    weights = some_weights()
    assert torch.equal(apply_fidelity(weights, 0.5).alpha, weights.alpha)
    assert torch.equal(bias_levels(weights, [0.0] * 4).alpha, weights.alpha)
    assert torch.equal(override_levels(weights, [None] * 4).alpha, weights.alpha)


@settings(deadline=None)
@given(low=st.floats(0, 1), high=st.floats(0, 1))
def test_more_fidelity_never_trusts_the_prior_more(low: float, high: float) -> None:
    low, high = sorted((low, high))
    weights = some_weights()
    more = apply_fidelity(weights, high).alpha
    less = apply_fidelity(weights, low).alpha
    assert (more <= less + 1e-6).all()
    assert 0 <= more.min()
    assert less.max() <= 1


def test_faces_have_fidelities_of_their_own() -> None:
    weights = some_weights()
    own = [0.2, 0.5, 0.9][: len(weights)]
    mixed = apply_fidelity(weights, own).alpha
    for row, fidelity in enumerate(own):
        assert torch.equal(mixed[row], apply_fidelity(weights, fidelity).alpha[row])
    with pytest.raises(ValueError, match=f"Got 1 fidelities for {len(weights)} faces"):
        apply_fidelity(weights, [0.5])


def test_the_ends_of_fidelity() -> None:
    assert (apply_fidelity(some_weights(), 1.0).alpha == 0).all()
    assert (apply_fidelity(some_weights(), 0.0).alpha == 1).all()
    with pytest.raises(ValueError, match=r"0\.\.1"):
        apply_fidelity(some_weights(), 1.2)


def test_a_curve_moves_each_level_by_itself() -> None:
    weights = some_weights()
    curve = straight_curve([(0.1, 0.5, 0.9, 0.5), (0.5, 1.0, 0.5, 0.7)])
    assert apply_fidelity(weights, 0.5, curve) is weights
    for fidelity, places in ((0.0, (0.1, 0.5, 0.9, 0.5)), (0.75, (0.5, 0.75, 0.5, 0.6))):
        moved = apply_fidelity(weights, fidelity, curve).alpha
        for level, place in enumerate(places):
            expected = apply_fidelity(weights, place).alpha[:, level]
            torch.testing.assert_close(moved[:, level], expected)
    with pytest.raises(ValueError, match="place of the fidelity curve for each of 4 levels, got 2"):
        apply_fidelity(weights, 0.2, straight_curve([(0.5, 0.5)] * 2))


def test_a_bias_moves_its_level_only() -> None:
    weights = some_weights()
    biased = bias_levels(weights, [0.0, 2.0, -math.inf, math.inf]).alpha
    assert torch.equal(biased[:, 0], weights.alpha[:, 0])
    expected = torch.sigmoid(torch.logit(weights.alpha[:, 1]) + 2)
    torch.testing.assert_close(biased[:, 1], expected)
    assert (biased[:, 2] == 0).all()
    assert (biased[:, 3] == 1).all()


def test_faders_go_from_the_image_to_the_prior() -> None:
    weights = some_weights()
    moved = move_levels(weights, [0.0, 1.0, -1.0, 0.5]).alpha
    assert torch.equal(moved[:, 0], weights.alpha[:, 0])
    assert (moved[:, 1] == 1).all()
    assert (moved[:, 2] == 0).all()
    expected = torch.sigmoid(torch.logit(weights.alpha[:, 3]) + math.log(3))
    torch.testing.assert_close(moved[:, 3], expected)
    even = InterpolationWeights(torch.full((1, 4, 2), 0.5))
    moved = move_levels(even, [-0.8, -0.2, 0.2, 0.8]).alpha[0, :, 0]
    torch.testing.assert_close(moved, torch.tensor([0.1, 0.4, 0.6, 0.9]))


@given(low=st.floats(-1, 1), high=st.floats(-1, 1))
def test_a_higher_fader_never_trusts_the_prior_less(low: float, high: float) -> None:
    low, high = sorted((low, high))
    less, more = (move_levels(some_weights(), [v] * 4).alpha for v in (low, high))
    assert (less <= more + 1e-6).all()
    assert 0 <= less.min()
    assert more.max() <= 1


@pytest.mark.parametrize("value", [-1.01, 1.01, math.inf, math.nan])
def test_faders_out_of_range_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="level 2"):
        move_levels(some_weights(), [0, 0, value, 0])
    with pytest.raises(ValueError, match="each of 4 levels, got 1"):
        move_levels(some_weights(), [0])


def test_an_override_replaces_its_level_only() -> None:
    weights = some_weights()
    replaced = override_levels(weights, [None, 0.25, None, 1.0]).alpha
    assert torch.equal(replaced[:, [0, 2]], weights.alpha[:, [0, 2]])
    assert (replaced[:, 1] == 0.25).all()
    with pytest.raises(ValueError, match="level 2"):
        override_levels(weights, [None, None, 1.5, None])
    with pytest.raises(ValueError, match="each of 4 levels, got 1"):
        override_levels(weights, [0.5])


class NoDoublesOnDevice(TorchDispatchMode):
    """Fails where a float64 tensor is made on a device, as MPS does (torch imitates CUDA only)."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.device.type != "cpu":
            assert result.dtype != torch.float64, func
        return result


def test_faders_move_weights_on_devices_without_float64() -> None:
    with FakeTensorMode(), NoDoublesOnDevice():
        weights = InterpolationWeights(torch.rand(2, 3, 8, device="cuda"))
        assert move_levels(weights, [0.5, -1.0, 0.0]).alpha.device.type == "cuda"
