from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from panini_core.faces import Face, RestoredFaces
from panini_core.models.face_parser import PARSENET, FaceParser
from panini_core.stages.align import align_faces, template
from panini_core.stages.parse import parse_faces
from panini_core.stages.paste import paste_faces_with_mask


class Brightness(nn.Module):
    """A stand-in: bright is skin (1), dark is hair (13)."""

    batches: list[int]

    def __init__(self, room: int = 8) -> None:
        super().__init__()
        self.room, self.batches = room, []

    def forward(self, images: Tensor) -> tuple[Tensor]:
        self.batches.append(len(images))
        if len(images) > self.room:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        logits = images.new_full((len(images), 19, *images.shape[-2:]), -30.0)
        logits[:, 1] = 30 * images.mean(1).sign()
        logits[:, 13] = -30 * images.mean(1).sign()
        return (logits,)


@pytest.fixture
def parser() -> FaceParser:
    return FaceParser(Brightness(), PARSENET).eval()


def half_bright(size: int = 512, count: int = 1) -> Tensor:
    crops = torch.zeros(count, 3, size, size)
    crops[..., size // 2 :] = 1  # the right half
    return crops


def test_masks_cover_the_face_softly_and_end_before_the_border(parser: FaceParser) -> None:
    mask = parse_faces(parser, half_bright())[0, 0]
    assert mask.shape == (512, 512)
    assert mask.dtype == torch.float32
    assert mask[256, 300:400].min() > 0.99
    assert mask[:, :230].max() < 0.01
    assert mask[256, 250:262].min() > 0.1
    assert mask.diff(dim=1).abs().max() < 0.15  # no hard edge
    assert mask[[0, -1]].eq(0).all()
    assert mask[:, [0, -1]].eq(0).all()
    assert 0 <= mask.min() <= mask.max() <= 1


@pytest.mark.parametrize("size", [64, 700])
def test_crops_of_any_size(parser: FaceParser, size: int) -> None:
    masks = parse_faces(parser, half_bright(size, 2))
    assert masks.shape == (2, 1, 512, 512)
    assert torch.equal(masks[0], masks[1])
    assert (masks[0] - parse_faces(parser, half_bright())[0]).abs().mean() < 0.01


def test_no_crops_give_no_masks(parser: FaceParser) -> None:
    assert parse_faces(parser, torch.zeros(0, 3, 64, 64)).shape == (0, 1, 512, 512)
    with pytest.raises(ValueError, match=r"got \(3, 64, 64\)"):
        parse_faces(parser, torch.zeros(3, 64, 64))


def test_chunks_shrink_when_memory_runs_out_and_are_reported() -> None:
    network = Brightness(room=2)
    crops = torch.cat([half_bright(64, 2), half_bright(64, 1).flip(3)])
    seen: list[tuple[int, int]] = []
    masks = parse_faces(
        FaceParser(network, PARSENET),
        crops,
        batch=3,
        on_chunk=lambda done, total, _: seen.append((done, total)),
    )
    assert network.batches == [3, 2, 1]
    assert seen == [(2, 3), (3, 3)]
    alone = parse_faces(FaceParser(Brightness(), PARSENET), crops[2:])
    torch.testing.assert_close(masks[2:], alone)


def test_what_is_in_front_of_a_face_stays_when_pasting(parser: FaceParser) -> None:
    images = half_bright(200)
    landmarks = template(512) * 0.3 + 20
    box = torch.cat([landmarks.amin(0), landmarks.amax(0)]).float()
    faces = align_faces(images, [Face(box, landmarks.float(), 0.9)], size=128)
    masks = parse_faces(parser, faces.crops)
    restored = RestoredFaces(faces, torch.full_like(faces.crops, 0.5))
    result, mask = paste_faces_with_mask(images, restored, masks=masks, match_colour=False)
    assert torch.equal(result[..., :85], images[..., :85])  # dark: hair
    assert mask[0, 0, 100, 120] > 0.99
    assert result[0, 0, 100, 120] == pytest.approx(0.5, abs=0.01)


# Files
