"""What is compiled, and how batches are filled up for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from panini_core.faces import Face, FaceSet
from panini_core.models.compiled import compile_restorer, fill_up, size_to_fill
from panini_core.models.panini import PaniniNet
from panini_core.stages.align import template
from panini_core.stages.restore import restore_faces


@given(st.integers(1, 200), st.integers(1, 64))
def test_batches_have_few_sizes(count: int, batch: int) -> None:
    sizes = {size_to_fill(size, batch) for size in range(1, batch + 1)}
    assert len(sizes) <= batch.bit_length() + 1
    assert size_to_fill(min(count, batch), batch) <= batch
    assert size_to_fill(count, batch) >= count


def test_batches_are_filled_with_the_last_sample() -> None:
    samples = torch.rand(3, 2, 5)
    assert fill_up(samples, 3) is samples
    filled = fill_up(samples, 5)
    assert torch.equal(filled, samples[[0, 1, 2, 2, 2]])


@pytest.mark.parametrize("noise", [0, 0.5])
def test_filled_batches_give_the_same_faces(
    tiny_model: PaniniNet, noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = tiny_model.input_size
    faces = tuple(Face(torch.zeros(4), template(side), 1.0, 0, number) for number in range(7))
    to_crop = torch.eye(2, 3, dtype=torch.float64).expand(7, -1, -1)
    crops = torch.rand(7, 3, side, side, generator=torch.Generator().manual_seed(0))
    given_faces = FaceSet(faces, crops, to_crop)
    expected = restore_faces(tiny_model, given_faces, batch=4, noise_amount=noise).crops
    sizes: list[int] = []
    handle = tiny_model.register_forward_pre_hook(lambda _, args: sizes.append(len(args[0])))
    monkeypatch.setattr(tiny_model, "fills_batches", True)
    try:
        found = restore_faces(tiny_model, given_faces, batch=4, noise_amount=noise).crops
    finally:
        handle.remove()
    assert sizes == [4, 4]  # four and three faces
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_only_cuda_gets_graphs(tiny_model: PaniniNet, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(PaniniNet, "compile", lambda _, **how: asked.append(how))
    compile_restorer(tiny_model)
    assert asked == [{}] and not tiny_model.fills_batches
    monkeypatch.setattr(PaniniNet, "device", SimpleNamespace(type="cuda"))
    monkeypatch.setattr(tiny_model, "fills_batches", False)
    compile_restorer(tiny_model)
    assert asked[1:] == [{"mode": "reduce-overhead"}] and tiny_model.fills_batches


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device: for CUDA graphs")
def test_graphs_give_the_faces_of_the_plain_network(tiny_model: PaniniNet) -> None:
    device, side = torch.device("cuda"), tiny_model.input_size
    model = PaniniNet(tiny_model.config).eval()
    model.load_state_dict(tiny_model.state_dict())
    model.to(device)
    faces = tuple(Face(torch.zeros(4), template(side), 1.0, 0, number) for number in range(7))
    to_crop = torch.eye(2, 3, dtype=torch.float64).expand(7, -1, -1)
    given_faces = FaceSet(faces, torch.rand(7, 3, side, side, device=device), to_crop)
    expected = restore_faces(model, given_faces, batch=4).crops
    compile_restorer(model)
    for _ in range(3):  # warm-up, recording, replay
        found = restore_faces(model, given_faces, batch=4).crops
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
