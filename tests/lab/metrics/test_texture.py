"""The texture distance: Gram matrices of VGG features."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from panini_core.images import read_image
from panini_lab.metrics.texture import TEXTURE_LAYERS, texture_distance
from panini_lab.metrics.vgg_distance import VggFeatures, load_vgg_features


@pytest.fixture(scope="module")
def small() -> VggFeatures:
    torch.manual_seed(0)
    return VggFeatures((4, 6, 8, 10))


@pytest.fixture(scope="module")
def vgg(shared: Path) -> VggFeatures:
    return load_vgg_features(shared / "data" / "weights" / "vgg19_features.safetensors")


@pytest.fixture(scope="module")
def face(shared: Path) -> Tensor:
    """(1, 3, 128, 128): hair, brow and skin of a crisp face."""
    return read_image(shared / "data" / "eval" / "clean" / "034.webp").pixels[
        None, :, 64:192, 128:256
    ]


def random_features(count: int, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(count, 5, 8, 6, generator=generator) for name in TEXTURE_LAYERS}


def test_equal_faces_have_the_distance_zero(small: VggFeatures) -> None:
    features = small(torch.rand(3, 3, 32, 32))
    assert torch.equal(texture_distance(features, features), torch.zeros(3))


def test_it_is_the_equation_layer_by_layer() -> None:
    """Recomputed entry by entry for one face."""
    restored, clean = random_features(1, 0), random_features(1, 1)
    distances: list[float] = []
    for name in TEXTURE_LAYERS:
        gram = [torch.einsum("chw,dhw->cd", x[name][0], x[name][0]) / 48 for x in (restored, clean)]
        distances.append(
            float((gram[0] - gram[1]).square().sum().sqrt() / gram[1].square().sum().sqrt())
        )
    assert texture_distance(restored, clean).item() == pytest.approx(sum(distances) / 3, rel=1e-5)


def test_other_layers_do_not_count() -> None:
    restored, clean = random_features(2, 0), random_features(2, 1)
    expected = texture_distance(restored, clean)
    restored["relu4_4"], clean["relu4_4"] = torch.rand(2, 5, 4, 3), torch.rand(2, 5, 4, 3)
    assert torch.equal(texture_distance(restored, clean), expected)


def test_places_do_not_count() -> None:
    """The same features elsewhere are the same texture; so are twice as many of each."""
    clean = random_features(1, 1)
    moved = {name: x.roll((3, 2), (2, 3)).flip(3) for name, x in clean.items()}
    repeated = {name: x.repeat(1, 1, 2, 3) for name, x in clean.items()}
    for other in (moved, repeated):
        assert texture_distance(other, clean).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("scale", [0.0, 0.5, 2.0])
def test_scaled_features_have_a_known_distance(scale: float) -> None:
    """Gram matrices are quadratic: s F is at |s^2 - 1| of F, whatever the scale of F."""
    clean = random_features(2, 1)
    scaled = {name: scale * x for name, x in clean.items()}
    expected = torch.full((2,), abs(scale**2 - 1))
    torch.testing.assert_close(texture_distance(scaled, clean), expected)
    larger = [{name: 1000 * x for name, x in side.items()} for side in (scaled, clean)]
    torch.testing.assert_close(texture_distance(larger[0], larger[1]), expected)


def test_faces_are_independent_and_one_clean_face_serves_all(small: VggFeatures) -> None:
    restored, clean = torch.rand(3, 3, 32, 32), torch.rand(3, 3, 32, 32)
    together = texture_distance(small(restored), small(clean))
    rows = [slice(i, i + 1) for i in range(3)]
    single = [texture_distance(small(restored[row]), small(clean[row])) for row in rows]
    torch.testing.assert_close(together, torch.cat(single))
    of_one = [texture_distance(small(restored[row]), small(clean[:1])) for row in rows]
    torch.testing.assert_close(
        texture_distance(small(restored), small(clean[:1])), torch.cat(of_one)
    )


def test_features_that_are_all_zero_stay_finite() -> None:
    nothing = {name: torch.zeros(1, 5, 8, 6) for name in TEXTURE_LAYERS}
    assert texture_distance(nothing, nothing).item() == 0
    assert texture_distance(random_features(1, 0), nothing).isfinite().all()


def test_a_missing_layer_is_named() -> None:
    features = random_features(1, 0)
    incomplete = {name: x for name, x in features.items() if name != "relu2_2"}
    for pair in ((incomplete, features), (features, incomplete)):
        with pytest.raises(ValueError, match=r"without \['relu2_2'\]"):
            texture_distance(*pair)


def test_autocast_does_not_round_the_gram_matrices() -> None:
    restored, clean = random_features(1, 0), random_features(1, 1)
    expected = texture_distance(restored, clean)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(texture_distance(restored, clean), expected)


def test_blur_raises_it_step_by_step(vgg: VggFeatures, face: Tensor) -> None:
    reference = vgg(face, TEXTURE_LAYERS)
    distances = [
        texture_distance(
            vgg(gaussian_blur(face, [25, 25], [sigma] * 2), TEXTURE_LAYERS), reference
        ).item()
        for sigma in (0.3, 0.6, 1.0, 2.0, 4.0)
    ]
    assert distances == sorted(distances)
    assert 0 < distances[0] < 0.05
    assert distances[-1] > 0.5


def test_invented_texture_is_nearer_than_none(vgg: VggFeatures, face: Tensor) -> None:
    """What PSNR gets wrong: hair that is elsewhere is worse for it than no hair."""
    reference = vgg(face, TEXTURE_LAYERS)
    softened = gaussian_blur(face, [13, 13], [2.0, 2.0])
    moved = face.roll((2, 2), (2, 3))
    errors = [(image - face).square().mean().item() for image in (softened, moved)]
    distances = [
        texture_distance(vgg(image, TEXTURE_LAYERS), reference).item()
        for image in (softened, moved)
    ]
    assert errors[0] < errors[1]
    assert distances[0] > distances[1]
