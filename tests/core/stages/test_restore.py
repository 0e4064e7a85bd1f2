from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from panini_core.faces import FaceSet, InterpolationWeights
from panini_core.models.face_restorer import CropRestorer, RestorerKind
from panini_core.models.panini import PaniniNet
from panini_core.options import NetworkOptions
from panini_core.stages.alpha import apply_fidelity, weigh_features
from panini_core.stages.represent import represent_degradation
from panini_core.stages.restore import restore_faces

MakeFaces = Callable[..., FaceSet]


@pytest.fixture
def model(either_model: PaniniNet) -> PaniniNet:
    return either_model


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
    latest: list[Tensor] = []

    def note(done: int, total: int, crops: Tensor) -> None:
        seen.append((done, total))
        latest.append(crops)

    faces = random_faces(5)
    chunked = restore_faces(model, faces, batch=2, on_chunk=note)
    torch.testing.assert_close(
        chunked.crops, restore_faces(model, faces, batch=5).crops, atol=1e-3, rtol=0
    )
    assert seen == [(2, 5), (4, 5), (5, 5)]
    assert torch.equal(torch.cat(latest), chunked.crops)


def test_an_interrupt_from_the_callback_passes_through(
    model: PaniniNet, random_faces: MakeFaces
) -> None:
    class StopError(Exception):
        pass

    def stop(done: int, count: int, crops: Tensor) -> None:
        raise StopError

    with pytest.raises(StopError):
        restore_faces(model, random_faces(5), batch=2, on_chunk=stop)


def with_noise(model: PaniniNet, strength: float = 0.5) -> PaniniNet:
    """A copy whose layers listen to the noise."""
    net = PaniniNet(model.config).eval()
    net.load_state_dict(model.state_dict())
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(strength)
    return net


def test_noise_varies_with_its_seed_and_amount(model: PaniniNet, random_faces: MakeFaces) -> None:
    faces, model = random_faces(2), with_noise(model)
    plain = restore_faces(model, faces).crops
    assert torch.equal(restore_faces(model, faces, noise_seed=5).crops, plain)
    little, full, other = (
        restore_faces(model, faces, noise_seed=seed, noise_amount=amount).crops
        for seed, amount in ((5, 0.1), (5, 1.0), (2**32 + 5, 1.0))
    )
    assert 0 < (little - plain).abs().mean() < (full - plain).abs().mean()
    assert not torch.equal(full, other)


def test_noise_depends_on_the_face_not_on_the_chunks(
    model: PaniniNet, random_faces: MakeFaces
) -> None:
    one = random_faces(1)
    faces = FaceSet(one.faces * 3, one.crops.expand(3, -1, -1, -1), one.to_crop.expand(3, -1, -1))
    model = with_noise(model)
    whole, parts = (
        restore_faces(model, faces, noise_seed=1, noise_amount=0.5, batch=batch).crops
        for batch in (3, 2)
    )
    torch.testing.assert_close(whole, parts, atol=1e-4, rtol=0)
    assert (whole[0] - whole[1]).abs().mean() > 0.001  # the same face in another place


class Listening(PaniniNet):
    """Keeps the noise images that it was given last."""

    heard: Sequence[Tensor]

    def forward(
        self, *args: object, noise: Sequence[Tensor] | None = None, **kwargs: object
    ) -> Tensor:
        assert noise is not None
        self.heard = noise
        return super().forward(*args, noise=noise, **kwargs)  # type: ignore[arg-type]


def listening(model: PaniniNet) -> Listening:
    net = Listening(model.config).eval()
    net.load_state_dict(model.state_dict())
    return net


def owned_by(faces: FaceSet, owners: Sequence[int]) -> FaceSet:
    """The same faces as those of the images with these numbers."""
    moved = zip(faces.faces, owners, strict=True)
    return replace(faces, faces=tuple(replace(face, image_index=own) for face, own in moved))


def test_noise_goes_by_the_faces_number_in_its_image(
    model: PaniniNet, random_faces: MakeFaces
) -> None:
    net, three = listening(model), random_faces(3)

    def heard(faces: FaceSet) -> list[list[Tensor]]:
        """Of each face, its noise images."""
        restore_faces(net, faces, noise_seed=4, noise_amount=0.5, batch=len(faces))
        return [[image[row] for image in net.heard] for row in range(len(faces))]

    def same(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
        return all(torch.equal(*pair) for pair in zip(some, others, strict=True))

    first, second, third = heard(owned_by(three, [0, 0, 0]))
    assert not same(first, second) and not same(first, third) and not same(second, third)

    # In any batch, and in any order of its images: the first of each image, and the second
    for owners, expected in (
        ([0, 1, 2], [first, first, first]),
        ([0, 0, 7], [first, second, first]),
        ([3, 1, 3], [first, first, second]),
        ([5, 2, 2], [first, first, second]),
    ):
        for found, wanted in zip(heard(owned_by(three, owners)), expected, strict=True):
            assert same(found, wanted), owners

    # And alone
    for row in range(3):
        (alone,) = heard(three.select([row]))
        assert same(alone, first)


def test_a_face_is_restored_with_noise_in_a_batch_as_alone(
    model: PaniniNet, random_faces: MakeFaces
) -> None:
    faces, net = owned_by(random_faces(4), [0, 0, 1, 1]), with_noise(model)
    options = {"noise_seed": 3, "noise_amount": 0.6, "batch": 1}
    together = restore_faces(net, faces, **options).crops  # type: ignore[arg-type]
    for rows in ([0, 1], [2, 3], [2]):
        apart = restore_faces(net, faces.select(rows), **options).crops  # type: ignore[arg-type]
        assert torch.equal(apart, together[rows])


def test_noise_keeps_its_variance(model: PaniniNet, random_faces: MakeFaces) -> None:
    net = listening(model)
    for amount in (0.3, 0.7, 1.0):
        restore_faces(net, random_faces(8), noise_amount=amount, batch=8)
        assert [image.shape[0] for image in net.heard] == [8] * len(net.gan_prior.fixed_noise())
        stored = net.gan_prior.fixed_noise()[-1]
        heard = net.heard[-1]
        assert heard.std().item() == pytest.approx(1, abs=0.1)
        share = (heard * stored).mean() / stored.square().mean()
        assert share.item() == pytest.approx((1 - amount**2) ** 0.5, abs=0.1)


@pytest.mark.parametrize("name", ["noise_amount", "latent_pull"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_amounts_out_of_range_are_refused(
    name: str, value: float, model: PaniniNet, random_faces: MakeFaces
) -> None:
    with pytest.raises(ValueError, match=f"{name} must lie in 0..1"):
        restore_faces(model, random_faces(1), **{name: value})  # type: ignore[arg-type]


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


def test_noise_stays_with_a_face_that_carries_its_number_or_its_track(
    model: PaniniNet, random_faces: MakeFaces
) -> None:
    net, two = with_noise(model), random_faces(2)

    def restored(**carried: int) -> Tensor:
        """The first face, which carries this, beside another one."""
        first, second = two.faces
        faces = replace(two, faces=(replace(first, **carried), replace(second, number=5)))
        return restore_faces(net, faces, noise_seed=3, noise_amount=0.6, batch=1).crops[0]

    third = restored(number=2)
    assert not torch.equal(third, restored(number=0))
    assert torch.equal(third, restored(number=2, image_index=4))
    assert torch.equal(third, restored(number=1, track=2))  # who is followed needs no number
    alone = replace(two.select([0]), faces=(replace(two.faces[0], number=2),))
    again = restore_faces(net, alone, noise_seed=3, noise_amount=0.6, batch=1)
    assert torch.equal(again.crops[0], third)


def test_options_are_passed_whole_or_by_name(model: PaniniNet, random_faces: MakeFaces) -> None:
    faces = random_faces(2)
    options = NetworkOptions(fidelity=0.8, noise_seed=4, noise_amount=0.2, batch=1)
    whole = restore_faces(model, faces, options=options).crops
    named = restore_faces(model, faces, fidelity=0.8, noise_seed=4, noise_amount=0.2, batch=1)
    assert torch.equal(whole, named.crops)
    other = restore_faces(model, faces, options=options, fidelity=0.2).crops
    assert not torch.equal(whole, other)
    with pytest.raises(TypeError, match="fidelty"):
        restore_faces(model, faces, fidelty=0.2)


def test_fidelity_moves_derived_and_given_weights_alike(
    model: PaniniNet, random_faces: MakeFaces
) -> None:
    faces = random_faces(2)
    weights = weigh_features(model, represent_degradation(model, faces, batch=1), batch=1)
    moved = restore_faces(model, faces, apply_fidelity(weights, 0.9), batch=1).crops
    for given in (None, weights):
        found = restore_faces(model, faces, given, fidelity=0.9, batch=1).crops
        torch.testing.assert_close(found, moved, atol=1e-5, rtol=0)


def test_each_face_has_its_own_fidelity(model: PaniniNet, random_faces: MakeFaces) -> None:
    faces = random_faces(3)  # not numbered: numbers are places
    mixed = restore_faces(model, faces, fidelity="0.5; 2: 0.9; 1: 0.1", batch=1).crops
    for row, fidelity in enumerate((0.5, 0.1, 0.9)):
        alone = restore_faces(model, faces, fidelity=fidelity, batch=1).crops
        assert torch.equal(mixed[row], alone[row])
    assert not torch.equal(mixed[2], restore_faces(model, faces, batch=1).crops[2])


# --- other methods' networks ----------------------------------------------------------------------


class Darken(nn.Module):
    """Gives faces back darker, the more so the less fidelity it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, faces: Tensor, fidelity: float) -> Tensor:
        return (faces + 1) * self.gain * fidelity - 1


def other_restorer(*, has_fidelity: bool = False) -> CropRestorer:
    """Another method's network, for faces of 32 px."""

    def call(network: nn.Module, faces: Tensor, fidelity: float) -> Tensor:
        return network(faces, fidelity)

    return CropRestorer(Darken(), RestorerKind("Other", call, has_fidelity=has_fidelity, size=32))


def test_other_restorers_restore_crops_one_by_one(random_faces: MakeFaces) -> None:
    seen: list[tuple[int, int]] = []
    faces = random_faces(3, 32)
    restored = restore_faces(
        other_restorer(), faces, on_chunk=lambda done, total, _: seen.append((done, total))
    )
    assert restored.face_set is faces
    torch.testing.assert_close(restored.crops, faces.crops / 2)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert not restored.crops.requires_grad
    assert restore_faces(other_restorer(), random_faces(0)).crops.shape == (0, 3, 32, 32)


def test_crops_of_another_size_are_brought_to_the_networks(random_faces: MakeFaces) -> None:
    assert restore_faces(other_restorer(), random_faces(2, 64)).crops.shape == (2, 3, 32, 32)


def test_fidelity_reaches_the_network_that_has_one(random_faces: MakeFaces) -> None:
    faces = random_faces(1, 32)
    restored = restore_faces(other_restorer(has_fidelity=True), faces, fidelity=0.25)
    torch.testing.assert_close(restored.crops, faces.crops / 4)


@pytest.mark.parametrize("choice", [{"fidelity": 0.8}, {"noise_amount": 0.1}, {"latent_pull": 1}])
def test_what_another_network_has_no_choice_of_is_refused(
    choice: dict[str, float], random_faces: MakeFaces
) -> None:
    (name,) = choice
    with pytest.raises(ValueError, match=f"Other has no {name}, got .*: set it to 0"):
        restore_faces(other_restorer(), random_faces(1, 32), **choice)


def test_weights_for_another_network_are_refused(model: PaniniNet, random_faces: MakeFaces) -> None:
    faces = random_faces(1)
    weights = weigh_features(model, represent_degradation(model, faces))
    with pytest.raises(ValueError, match="Other takes no interpolation weights"):
        restore_faces(other_restorer(), faces, weights)
