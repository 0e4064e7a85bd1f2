from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from panini_core.degradation import represent_degradation, weigh_features
from panini_core.faces import FaceSet, InterpolationWeights
from panini_core.models.panini import PaniniNet
from panini_core.restore import restore_faces

MakeFaces = Callable[..., FaceSet]


@pytest.fixture
def model(tiny_model: PaniniNet) -> PaniniNet:
    return tiny_model


def test_explicit_weights_equal_the_models_own(model: PaniniNet, random_faces: MakeFaces) -> None:
    faces = random_faces(3)
    weights = weigh_features(model, represent_degradation(model, faces))
    own, given = restore_faces(model, faces), restore_faces(model, faces, weights)
    torch.testing.assert_close(own.crops, given.crops, atol=1e-3, rtol=0)
    assert own.face_set is faces
    assert own.crops.shape == (3, 3, 64, 64)
    assert own.crops.min() >= 0
    assert own.crops.max() <= 1
    assert (own.crops - faces.crops).abs().mean() > 0.01


def test_chunks_do_not_change_the_result_and_are_reported(
    model: PaniniNet, random_faces: MakeFaces
) -> None:
    seen: list[tuple[int, int]] = []
    faces = random_faces(5)
    chunked = restore_faces(model, faces, batch=2, on_chunk=lambda *done: seen.append(done))
    torch.testing.assert_close(
        chunked.crops, restore_faces(model, faces, batch=5).crops, atol=1e-3, rtol=0
    )
    assert seen == [(2, 5), (4, 5), (5, 5)]


def test_an_interrupt_from_the_callback_passes_through(
    model: PaniniNet, random_faces: MakeFaces
) -> None:
    class StopError(Exception):
        pass

    def stop(done: int, count: int) -> None:
        raise StopError

    with pytest.raises(StopError):
        restore_faces(model, random_faces(5), batch=2, on_chunk=stop)


class Limited(PaniniNet):
    """Fails as a device with memory for `room` faces would."""

    room = 1
    batches: list[int]

    def forward(self, images: Tensor, *args: object, **kwargs: object) -> Tensor:
        self.batches.append(len(images))
        if len(images) > self.room:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return super().forward(images, *args, **kwargs)  # type: ignore[arg-type]


def limited(model: PaniniNet, room: int) -> Limited:
    net = Limited(model.config).eval()
    net.load_state_dict(model.state_dict())
    net.room, net.batches = room, []
    return net


def test_out_of_memory_halves_the_chunk_and_goes_on(
    model: PaniniNet, random_faces: MakeFaces
) -> None:
    faces = random_faces(7)
    small = limited(model, room=2)
    restored = restore_faces(small, faces, batch=7)
    assert small.batches == [7, 4, 2, 2, 2, 1]
    torch.testing.assert_close(restored.crops, restore_faces(model, faces).crops, atol=1e-3, rtol=0)


def test_a_single_face_that_does_not_fit_raises(model: PaniniNet, random_faces: MakeFaces) -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        restore_faces(limited(model, room=0), random_faces(3))


def test_other_errors_are_not_taken_for_lack_of_memory(
    model: PaniniNet, random_faces: MakeFaces
) -> None:
    class Broken(PaniniNet):
        def forward(self, *args: object, **kwargs: object) -> Tensor:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        restore_faces(Broken(model.config), random_faces(4), batch=4)


def test_no_face_and_crops_of_other_sizes(model: PaniniNet, random_faces: MakeFaces) -> None:
    assert restore_faces(model, random_faces(0)).crops.shape == (0, 3, 64, 64)
    assert restore_faces(model, random_faces(2, size=100)).crops.shape == (2, 3, 64, 64)


def test_weights_of_other_faces_and_bad_batches_are_refused(
    model: PaniniNet, random_faces: MakeFaces
) -> None:
    with pytest.raises(ValueError, match="weights for 2 faces, but 3"):
        restore_faces(model, random_faces(3), InterpolationWeights(torch.rand(2, 5, 12)))
    with pytest.raises(ValueError, match="at least 1"):
        restore_faces(model, random_faces(3), batch=0)


def test_bfloat16_stays_close_to_full_precision(model: PaniniNet, random_faces: MakeFaces) -> None:
    half = PaniniNet(model.config).eval()
    half.load_state_dict(model.state_dict())
    faces = random_faces(2)
    low = restore_faces(half.to(torch.bfloat16), faces)
    full = restore_faces(model, faces)
    assert low.crops.dtype == torch.float32
    assert (low.crops - full.crops).abs().mean() < 2 / 255
