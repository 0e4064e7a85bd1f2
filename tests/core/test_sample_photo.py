"""The photograph that comes with the package."""

from __future__ import annotations

import pytest
import torch

from panini_core import detect_faces, load_detector, sample_photo


def test_it_is_an_image_with_one_face() -> None:
    photo = sample_photo()
    assert photo.shape == (1, 3, 512, 512)
    assert photo.dtype == torch.float32
    assert 0 <= photo.min() < 0.05 and 0.95 < photo.max() <= 1
    (face,) = detect_faces(load_detector(), photo)
    assert 80 < face.size < 160


@pytest.mark.parametrize("preset", ["mild", "heavy"])
def test_it_is_made_worse_the_same_way_each_time(preset: str) -> None:
    worse = sample_photo(preset, seed=5)
    assert torch.equal(worse, sample_photo(preset, seed=5))
    assert not torch.equal(worse, sample_photo(preset, seed=6))
    assert worse.shape == sample_photo().shape


@pytest.mark.parametrize("preset", ["mild", "medium"])
def test_the_face_is_found_where_templates_begin(preset: str) -> None:
    faces = detect_faces(load_detector(), sample_photo(preset, seed=3))
    centres = [(face.box[:2] + face.box[2:]) / 2 for face in faces]
    assert sum(bool((centre - torch.tensor([225.0, 117.0])).norm() < 15) for centre in centres) == 1


def test_a_grey_one_has_three_equal_channels() -> None:
    red, green, blue = sample_photo("film-grain", seed=4, grey=True)[0]
    assert torch.equal(red, green) and torch.equal(green, blue)
    assert red.std() > 0.1


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ValueError, match="nonesuch"):
        sample_photo("nonesuch")
