from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from panini_core.models.face_restorer import (
    KINDS,
    CropRestorer,
    FaceRestorer,
    RestorerKind,
    restorer_of,
)
from panini_core.models.panini import PaniniNet

SIZE = 8


class Network(nn.Module):
    """Keeps what it was called with, and gives half of the faces back, first of two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.5))
        self.called: tuple[Tensor, dict[str, Any]] | None = None

    def forward(self, faces: Tensor, **choices: Any) -> tuple[Tensor, list[Tensor]]:
        self.called = faces, choices
        return faces * self.gain, []


class Descriptor:
    """What spandrel gives for a face restorer."""

    purpose = "FaceSR"
    scale = 1
    input_channels = output_channels = 3
    supports_half, supports_bfloat16 = False, True
    tiling = None

    class architecture:
        id = "Other"
        name = "Other Restorer"

    def __init__(self) -> None:
        self.model = Network()

    def __call__(self, image: Tensor) -> Tensor:
        raise AssertionError("its own call has a range of its own")


def test_networks_of_other_methods_are_called_as_they_were_trained() -> None:
    faces = torch.rand(2, 3, 512, 512) * 2 - 1
    for name, expected in {
        "GFPGAN": {"return_rgb": False, "randomize_noise": False},
        "RestoreFormer": {},
        "CodeFormer": {"weight": 0.8},
    }.items():
        network = Network()
        restored = CropRestorer(network, KINDS[name])(faces, 0.8)
        assert network.called is not None
        assert torch.equal(network.called[0], faces) and network.called[1] == expected
        assert torch.equal(restored, faces / 2)


def test_only_codeformer_has_a_fidelity() -> None:
    assert [name for name, kind in KINDS.items() if kind.has_fidelity] == ["CodeFormer"]


def test_faces_of_another_size_or_shape_are_refused() -> None:
    kind = RestorerKind("Small", lambda network, faces, _: network(faces)[0], size=SIZE)
    restorer = CropRestorer(Network(), kind)
    for shape in ((1, 3, SIZE, SIZE + 1), (1, 1, SIZE, SIZE), (3, SIZE, SIZE)):
        with pytest.raises(ValueError, match=r"Small expects aligned faces \(N, 3, 8, 8\)"):
            restorer(torch.zeros(shape))


def test_faces_are_computed_in_the_networks_precision_and_come_back_in_float32() -> None:
    kind = RestorerKind("Small", lambda network, faces, _: network(faces)[0], size=SIZE)
    restorer = CropRestorer(Network(), kind).to(torch.bfloat16)
    assert restorer.dtype is torch.bfloat16
    restored = restorer(torch.rand(1, 3, SIZE, SIZE))
    assert restorer.network.called[0].dtype is torch.bfloat16
    assert restored.dtype is torch.float32


def test_unknown_restorers_are_taken_to_be_like_the_known_ones() -> None:
    descriptor = Descriptor()
    descriptor.model.train()
    restorer = restorer_of(descriptor)
    faces = torch.rand(1, 3, 512, 512)
    assert restorer.name == "Other Restorer" and not restorer.training
    assert torch.equal(restorer(faces), faces / 2)


def test_what_restores_no_faces_is_refused() -> None:
    descriptor = Descriptor()
    descriptor.purpose = "SR"
    with pytest.raises(ValueError, match="expected a face restorer, found an image model"):
        restorer_of(descriptor)


def test_all_restorers_say_the_same_about_themselves(tiny_model: PaniniNet) -> None:
    kind = RestorerKind("Small", lambda network, faces, _: network(faces)[0], size=SIZE)
    sizes: list[tuple[str, int, int]] = []
    restorers: list[FaceRestorer] = [tiny_model, CropRestorer(Network(), kind)]
    for restorer in restorers:
        assert (restorer.device, restorer.dtype) == (torch.device("cpu"), torch.float32)
        sizes.append((restorer.name, restorer.input_size, restorer.output_size))
    assert sizes == [("Panini", 64, 64), ("Small", SIZE, SIZE)]
