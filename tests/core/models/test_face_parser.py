from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from panini_core.models.face_parser import BISENET, FACE, PARSENET, FaceParser, ParserKind

each_kind = pytest.mark.parametrize("kind", [PARSENET, BISENET], ids=lambda kind: kind.name)


class Certain(nn.Module):
    """Sure of one class everywhere; remembers what it was shown. More than one output."""

    def __init__(self, chosen: int, classes: int = 19) -> None:
        super().__init__()
        self.chosen, self.classes = chosen, classes
        self.seen = torch.empty(0)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        self.seen = images
        logits = images.new_full((len(images), self.classes, *images.shape[-2:]), -20.0)
        logits[:, self.chosen] = 20
        return logits, images


@each_kind
def test_the_tables_hold_the_same_classes(kind: ParserKind) -> None:
    assert len(kind.classes) == len(set(kind.classes)) == 19
    assert set(kind.classes) == set(PARSENET.classes)
    assert set(kind.classes) > FACE
    assert kind.classes[:2] == ("background", "skin")


# Indices as published with each network.
@pytest.mark.parametrize(
    ("kind", "name", "index"),
    [
        (PARSENET, "nose", 2),
        (PARSENET, "glasses", 3),
        (PARSENET, "lower lip", 12),
        (PARSENET, "hair", 13),
        (PARSENET, "clothes", 18),
        (BISENET, "glasses", 6),
        (BISENET, "nose", 10),
        (BISENET, "lower lip", 13),
        (BISENET, "hair", 17),
        (BISENET, "hat", 18),
    ],
)
def test_classes_stand_where_they_were_published(kind: ParserKind, name: str, index: int) -> None:
    assert kind.classes.index(name) == index


@each_kind
def test_the_face_is_skin_and_features(kind: ParserKind) -> None:
    faces = torch.rand(1, 3, 512, 512)
    for index, name in enumerate(kind.classes):
        share = FaceParser(Certain(index), kind)(faces)
        assert share.shape == (1, 1, 512, 512)
        assert share.mean().item() == pytest.approx(float(name in FACE), abs=1e-6), name


@each_kind
def test_the_network_sees_what_it_was_trained_on(kind: ParserKind) -> None:
    network = Certain(0)
    parser = FaceParser(network, kind)
    parser(torch.tensor(kind.mean).view(1, 3, 1, 1).expand(1, 3, 512, 512))
    assert network.seen.abs().max() < 1e-6
    parser(torch.ones(1, 3, 512, 512))
    expected = [(1 - mean) / std for mean, std in zip(kind.mean, kind.std, strict=True)]
    torch.testing.assert_close(network.seen[0, :, 0, 0], torch.tensor(expected))


def test_other_sizes_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"Expected faces \(N, 3, 512, 512\), got \(1, 3, 64, 64\)"
    ):
        FaceParser(Certain(0), PARSENET)(torch.zeros(1, 3, 64, 64))
