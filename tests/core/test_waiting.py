"""How often a device is waited for: as often for many faces as for few, and with the same result.

The device is imitated (see `far_device`), so that nothing here needs one.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from panini_core.faces import Face, FaceSet, RestoredFaces
from panini_core.models import transfer
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.options import NetworkOptions, PasteOptions
from panini_core.stages.align import align_faces, template
from panini_core.stages.paste import paste_faces_with_mask
from panini_core.stages.represent import represent_degradation
from panini_core.stages.restore import restore_faces
from panini_core.stages.steady import steady_faces

from .far_device import DEVICE, FarDevice, far_device, near

SIDE = 64  # of crops, px
HEIGHT, WIDTH = 190, 330
Stage = Callable[[Tensor, list[Face]], list[Tensor]]


def photographs(count: int, *, grain: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(count, 3, 5, 8, generator=generator) * 0.5 + 0.2
    pictures = F.interpolate(coarse, (HEIGHT, WIDTH), mode="bicubic").clamp(0, 1)
    noise = 0.04 * torch.randn(pictures.shape, generator=generator)
    return (pictures + noise).clamp(0, 1) if grain else pictures


def faces_in(count: int, images: int) -> list[Face]:
    """As many faces in each image, of different sizes."""
    faces: list[Face] = []
    for image in range(images):
        for place in range(count):
            side = 80.0 - 9 * place + image
            landmarks = template(1).float() * side + torch.tensor([20.0 + 55 * place, 30.0])
            box = torch.cat([landmarks.amin(0), landmarks.amax(0)])
            faces.append(Face(box, landmarks, 0.9, image, place, track=place))
    return faces


def restored(images: Tensor, faces: list[Face]) -> RestoredFaces:
    aligned = align_faces(images, faces, size=SIDE)
    soft = F.avg_pool2d(F.pad(aligned.crops, (2, 2, 2, 2), mode="reflect"), 5, 1)
    return RestoredFaces(aligned, soft)


def aligning(images: Tensor, faces: list[Face]) -> list[Tensor]:
    return [align_faces(images, faces, size=SIDE).crops]


def pasting(images: Tensor, faces: list[Face]) -> list[Tensor]:
    return list(paste_faces_with_mask(images, restored(images, faces), PasteOptions(upscale=1.5)))


def steadying(images: Tensor, faces: list[Face]) -> list[Tensor]:
    return [steady_faces(restored(images, faces), 2).crops]


STAGES = {"align": aligning, "paste": pasting, "steady": steadying}


def on_far_device(
    stage: Stage, images: Tensor, faces: list[Face], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Tensor], list[str]]:
    """The results of a stage on the imitated device, and what was waited for."""
    with far_device(monkeypatch) as device:
        there = transfer.to_device(images, DEVICE)
        device.waits.clear()
        result = stage(there, faces)
        waits = list(device.waits)
    return [near(one) for one in result], waits


@pytest.mark.parametrize("grain", [False, True])
@pytest.mark.parametrize("stage", STAGES)
def test_many_faces_wait_as_often_as_few_and_look_as_without_a_device(
    stage: str, grain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[list[str]] = []
    for images, faces in ((2, 1), (4, 1), (2, 3)):
        pictures, places = photographs(images, grain=grain), faces_in(faces, images)
        expected = STAGES[stage](pictures, places)
        found, waited = on_far_device(STAGES[stage], pictures, places, monkeypatch)
        for here, there in zip(expected, found, strict=True):
            torch.testing.assert_close(there, here, atol=2e-5, rtol=0)
        waits.append(waited)
    assert len(set(map(len, waits))) == 1, waits
    assert set(waits[0]) <= {"what was asked"}
    assert len(waits[0]) <= 12


def test_grey_photographs_and_given_masks_are_pasted_there_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures, places = photographs(2).mean(1, keepdim=True).repeat(1, 3, 1, 1), faces_in(2, 2)
    expected = pasting(pictures, places)
    found, waits = on_far_device(pasting, pictures, places, monkeypatch)
    for here, there in zip(expected, found, strict=True):
        torch.testing.assert_close(there, here, atol=2e-5, rtol=0)
    assert set(waits) == {"what was asked"}


@pytest.mark.parametrize("preset", ["tiny", "tiny-mobile"])
def test_the_network_is_never_waited_for(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = PaniniNet(PaniniConfig.preset(preset)).eval()
    options = NetworkOptions(fidelity="0.5; 1: 0.8", noise_amount=0.5, batch=2)
    crops = torch.rand(5, 3, SIDE, SIDE)
    landmarks = template(SIDE).float()
    faces = tuple(Face(torch.zeros(4), landmarks, 1.0, 0, number) for number in range(5))
    to_crop = torch.eye(2, 3, dtype=torch.float64).expand(5, -1, -1)
    with torch.no_grad():
        expected = restore_faces(model, FaceSet(faces, crops, to_crop), options=options).crops
    with far_device(monkeypatch) as device:
        model.to(DEVICE)
        there = FaceSet(faces, transfer.to_device(crops, DEVICE), to_crop)
        device.waits.clear()
        represent_degradation(model, there, batch=2)
        found = restore_faces(model, there, options=options).crops
        assert device.waits == []
    torch.testing.assert_close(near(found), expected, atol=1e-5, rtol=0)


def test_the_imitation_notices_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def waits(work: Callable[[Tensor], object]) -> int:
        with far_device(monkeypatch) as device:
            values = transfer.to_device(torch.arange(6.0), DEVICE)
            assert device.waits == []
            work(values)
            return len(device.waits)

    assert waits(lambda values: values * 2 + values.mean()) == 0
    assert waits(lambda values: values.mean().item()) == 1
    assert waits(lambda values: bool((values > 3).any())) == 1
    assert waits(lambda values: values[values > 3]) == 1
    assert waits(lambda values: values[[0, 2]]) == 1
    assert waits(lambda values: values.cpu()) == 1
    assert waits(lambda values: torch.ones(6).to(DEVICE)) == 1
    assert waits(lambda values: transfer.to_host([values, values])) == 1


def test_the_imitation_mixes_no_tensors_of_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    with far_device(monkeypatch) as device:
        assert isinstance(device, FarDevice)
        values = transfer.to_device(torch.arange(6.0), DEVICE)
        with pytest.raises(RuntimeError, match="tensors of both sides"):
            torch.add(values, torch.ones(6))
