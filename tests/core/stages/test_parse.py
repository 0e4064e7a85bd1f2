from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from panini_core.checkpoints import CheckpointError
from panini_core.checkpoints.parser import load_parser
from panini_core.faces import Face, RestoredFaces
from panini_core.models.face_parser import BISENET, PARSENET, FaceParser
from panini_core.stages.align import align_faces, template
from panini_core.stages.parse import parse_faces
from panini_core.stages.paste import paste_faces_with_mask

Save = Callable[..., Path]


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


def random_network(name: str) -> nn.Module:
    pytest.importorskip("facexlib", reason="needs facexlib's networks")
    torch.manual_seed(0)
    if name == "parsenet":
        from facexlib.parsing.parsenet import ParseNet

        return ParseNet(in_size=512, out_size=512, parsing_ch=19)
    from facexlib.parsing.bisenet import BiSeNet

    return BiSeNet(num_class=19)


@pytest.fixture
def saved(tmp_path: Path) -> Save:
    def write(tensors: Any, name: str = "parsing.pth") -> Path:
        torch.save(tensors, tmp_path / name)
        return tmp_path / name

    return write


@pytest.mark.parametrize(("name", "kind"), [("parsenet", PARSENET), ("bisenet", BISENET)])
def test_files_in_facexlibs_layout_load(name: str, kind: Any, saved: Save) -> None:
    network = random_network(name)
    path = saved(network.state_dict())
    state = torch.get_rng_state()
    parser = load_parser(path)
    assert torch.equal(torch.get_rng_state(), state)
    assert parser.kind is kind
    assert not parser.training
    assert parser.device == torch.device("cpu")
    loaded = parser.network.state_dict()
    assert loaded.keys() == network.state_dict().keys()
    for key, tensor in network.state_dict().items():
        assert torch.equal(loaded[key], tensor), key


def test_a_loaded_network_parses(saved: Save) -> None:
    network = random_network("bisenet").eval()
    parser = load_parser(saved(network.state_dict()))
    faces = torch.rand(1, 3, 512, 512, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = network((faces - parser.mean) / parser.deviation)[0]
        share = parser(faces)
    face = [index for index, name in enumerate(BISENET.classes) if name in ("skin", "nose")]
    assert (logits.softmax(1)[:, face].sum(1, keepdim=True) <= share + 1e-5).all()
    assert parse_faces(parser, faces).shape == (1, 1, 512, 512)


def test_incomplete_and_other_files_are_refused(saved: Save, tmp_path: Path) -> None:
    tensors = dict(random_network("bisenet").state_dict())
    tensors.pop("ffm.conv1.weight")
    with pytest.raises(CheckpointError, match=r"does not match BiSeNet.*ffm\.conv1\.weight"):
        load_parser(saved(tensors))
    with pytest.raises(CheckpointError, match=r"not a face parser of facexlib.*such as body\.x"):
        load_parser(saved({"body.x": torch.zeros(2)}))
    with pytest.raises(CheckpointError, match="no such file"):
        load_parser(tmp_path / "none.pth")


def test_a_missing_facexlib_is_named(saved: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("facexlib")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "facexlib", None)
    with pytest.raises(ImportError, match=r"facexlib's BiSeNet.*pip install facexlib"):
        load_parser(saved({"ffm.x": torch.zeros(2)}))


def test_importing_the_module_does_not_import_facexlib() -> None:
    import subprocess

    code = "import sys, panini_core.checkpoints.parser; sys.exit('facexlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
