"""Files of face parsers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from panini_core.checkpoints import CheckpointError
from panini_core.checkpoints.parser import PARSER_FILES, find_parser, load_parser
from panini_core.models.face_parser import BISENET, PARSENET
from panini_core.stages.parse import parse_faces

Save = Callable[..., Path]


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
        logits = network((faces - parser.mean) / parser.std)[0]
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


def test_the_preferred_file_of_all_folders_is_found(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    assert find_parser([first, second]) is None
    preferred, other = PARSER_FILES
    (first / other).touch()
    assert find_parser([first, second]) == first / other
    (second / preferred).touch()
    assert find_parser([first, second]) == second / preferred
    assert find_parser([]) is None
