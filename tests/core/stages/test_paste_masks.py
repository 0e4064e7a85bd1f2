"""Which mask a mask source stands for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from panini_core.faces import Face, FaceSet, RestoredFaces
from panini_core.models.face_parser import PARSENET, FaceParser
from panini_core.options import MASK_SOURCES, PasteOptions
from panini_core.stages.align import align_faces, template
from panini_core.stages.layers import face_mask
from panini_core.stages.paste import paste_faces_with_mask
from panini_core.stages.paste_masks import paste_masks


class SkinEverywhere(nn.Module):
    """A stand-in for a parsing network that takes all it sees for skin."""

    def forward(self, images: Tensor) -> tuple[Tensor]:
        logits = images.new_full((len(images), 19, *images.shape[-2:]), -30.0)
        logits[:, 1] = 30
        return (logits,)


@pytest.fixture
def parser() -> FaceParser:
    return FaceParser(SkinEverywhere(), PARSENET).eval()


@pytest.fixture
def images() -> Tensor:
    return torch.rand(1, 3, 140, 150, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def faces(images: Tensor) -> FaceSet:
    landmarks = template(128).float() + 8
    box = torch.cat([landmarks.amin(0), landmarks.amax(0)])
    return align_faces(images, [Face(box, landmarks, 0.9)], size=64)


def test_the_soft_mask_is_the_usual_one(faces: FaceSet, parser: FaceParser) -> None:
    assert paste_masks(faces, 64, PasteOptions(), parser) is None
    assert paste_masks(faces, 64, PasteOptions(mask_source="auto")) is None


def test_auto_parses_where_it_can(faces: FaceSet, parser: FaceParser) -> None:
    auto = paste_masks(faces, 64, PasteOptions(mask_source="auto"), parser)
    parse = paste_masks(faces, 64, PasteOptions(mask_source="parse"), parser)
    assert auto is not None and parse is not None
    assert torch.equal(auto, parse)
    with pytest.raises(ValueError, match=r"needs a face parser.*auto, oval or soft"):
        paste_masks(faces, 64, PasteOptions(mask_source="parse"))


@pytest.mark.parametrize("source", ["oval", "parse"])
@pytest.mark.parametrize("feather", [0.0, 0.1, 0.4])
def test_no_mask_is_harder_at_the_border_than_the_usual_one(
    faces: FaceSet, parser: FaceParser, source: str, feather: float
) -> None:
    options = PasteOptions(mask_source=source, feather=feather)
    masks = paste_masks(faces, 96, options, parser)
    assert masks is not None
    assert (masks <= face_mask(masks.shape[-1], feather) + 1e-6).all()
    assert masks.min() == 0
    assert masks[0, 0, masks.shape[-2] // 2, masks.shape[-1] // 2] > 0.9


@pytest.mark.parametrize("source", MASK_SOURCES)
def test_pasting_draws_under_it(
    images: Tensor, faces: FaceSet, parser: FaceParser, source: str
) -> None:
    restored = RestoredFaces(faces, 1 - faces.crops)
    options = PasteOptions(mask_source=source)
    result, mask = paste_faces_with_mask(images, restored, options, parser=parser)
    given = paste_masks(faces, 64, options, parser)
    again = paste_faces_with_mask(images, restored, masks=given)
    assert torch.equal(result, again[0])
    assert torch.equal(mask, again[1])
    outside = (mask == 0).expand_as(images)
    assert torch.equal(result[outside], images[outside])


@pytest.mark.parametrize("source", MASK_SOURCES)
def test_regions_are_drawn_less(
    images: Tensor, faces: FaceSet, parser: FaceParser, source: str
) -> None:
    def draw(regions: str) -> Tensor:
        masks = paste_masks(faces, 64, PasteOptions(mask_source=source, regions=regions), parser)
        return face_mask(64, 0.1)[None] if masks is None else masks

    whole, no_eyes, only_mouth = draw(""), draw("eyes: 0"), draw("skin: 0; eyes:0; brows:0; nose:0")
    assert torch.equal(draw("eyes: 1; skin: 1"), whole)
    side = whole.shape[-1]
    eye, nose, mouth = (template(side)[row].round().int().tolist() for row in (0, 2, 3))
    assert no_eyes[0, 0, eye[1], eye[0]] < 0.05
    assert no_eyes[0, 0, nose[1], nose[0]] == whole[0, 0, nose[1], nose[0]]
    assert only_mouth[0, 0, mouth[1], mouth[0]] > 0.5
    assert only_mouth[0, 0, eye[1], eye[0]] < 0.05
    half = draw("eyes:0.5; brows: 0.5; nose: .5; mouth: 0.5; skin: 0.5")
    torch.testing.assert_close(half, whole / 2)


def test_regions_of_a_picture_that_is_a_face_reach_up_to_its_border(faces: FaceSet) -> None:
    whole = paste_masks(faces, 64, PasteOptions(), border=False)
    assert whole is not None and (whole == 1).all()
    masks = paste_masks(faces, 64, PasteOptions(regions="eyes: 0"), border=False)
    assert masks is not None
    assert masks.min() < 0.05 and (masks[..., 0] == 1).all() and (masks[..., -1, :] == 1).all()


def test_an_oval_leaves_more_of_the_photograph_than_the_soft_mask(
    images: Tensor, faces: FaceSet
) -> None:
    restored = RestoredFaces(faces, 1 - faces.crops)
    soft = paste_faces_with_mask(images, restored)[1]
    oval = paste_faces_with_mask(images, restored, mask_source="oval")[1]
    assert (oval <= soft + 1e-6).all()
    assert 0.3 * soft.sum() < oval.sum() < 0.8 * soft.sum()
