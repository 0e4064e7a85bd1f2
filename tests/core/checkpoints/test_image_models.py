"""Files of other methods' networks: their real layouts, with random weights."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from panini_core.checkpoints.bundled import DEFAULT_WEIGHTS
from panini_core.checkpoints.files import CheckpointError
from panini_core.checkpoints.image_models import load_restorer, load_upscaler
from panini_core.checkpoints.own_format import save_panini
from panini_core.models.face_restorer import CropRestorer
from panini_core.models.panini import PaniniNet
from panini_core.stages.align import whole_picture_faces
from panini_core.stages.restore import restore_faces

from .other_restorers import (
    code_former,
    gfpgan,
    image_upscaler,
    restore_former,
    write_as_published,
)

EXTRA = "spandrel_extra_arches"


@pytest.mark.parametrize(
    ("make", "name", "key", "choices"),
    [
        (gfpgan, "GFPGANv1.4.pth", "params_ema", {}),
        (restore_former, "RestoreFormer.pth", "params", {}),
        (code_former, "codeformer.pth", "params_ema", {"fidelity": 0.8}),
    ],
)
def test_published_files_restore_faces(
    make: Callable[[], nn.Module], name: str, key: str, choices: dict[str, Any], tmp_path: Path
) -> None:
    """The network of the file sees RGB in [-1, 1], and its first output is the face."""
    network = make()
    path = write_as_published(network, tmp_path / name, key)
    state = torch.random.get_rng_state()
    restorer = load_restorer(path)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert isinstance(restorer, CropRestorer) and not restorer.training
    assert restorer.name == make.__name__.title().replace("_", "").replace("Gfpgan", "GFPGAN")
    read = restorer.network.state_dict()
    for tensor_name, tensor in network.state_dict().items():
        assert torch.equal(tensor.half().to(tensor), read[tensor_name])

    seen: list[Tensor] = []
    outputs: list[Tensor] = []
    restorer.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    restorer.network.register_forward_hook(lambda *call: outputs.append(call[2][0]))
    faces = whole_picture_faces(torch.rand(1, 3, 512, 512))
    crops = restore_faces(restorer, faces, **choices).crops
    assert torch.equal(seen[0], faces.crops * 2 - 1)
    assert crops.shape == (1, 3, 512, 512)
    assert torch.equal(crops, ((outputs[0] + 1) / 2).clamp(0, 1))
    assert crops.std() > 0


def test_safetensors_serve_as_well(tmp_path: Path) -> None:
    path = write_as_published(restore_former(), tmp_path / "RestoreFormer.safetensors", None)
    restorer = load_restorer(path, dtype=torch.bfloat16)
    assert (restorer.name, restorer.dtype) == ("RestoreFormer", torch.bfloat16)


def test_precisions_that_a_network_lacks_are_refused(tmp_path: Path) -> None:
    path = write_as_published(restore_former(), tmp_path / "RestoreFormer.pth", "params")
    with pytest.raises(ValueError, match="RestoreFormer computes in float32 or bfloat16, got flo"):
        load_restorer(path, dtype=torch.float16)


def test_panini_loads_in_the_same_way(tiny_model: PaniniNet, tmp_path: Path) -> None:
    save_panini(tmp_path / "mine.safetensors", tiny_model)
    loaded = load_restorer(tmp_path / "mine.safetensors")
    assert isinstance(loaded, PaniniNet) and loaded.config == tiny_model.config
    default = load_restorer(dtype=torch.bfloat16)
    assert isinstance(default, PaniniNet) and default.dtype is torch.bfloat16
    assert isinstance(load_restorer(DEFAULT_WEIGHTS), PaniniNet)


def save_names(target: Path, names: Sequence[str]) -> Path:
    torch.save({"params_ema": {name: torch.zeros(2, 2) for name in names}}, target)
    return target


def test_without_spandrel_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    path = save_names(tmp_path / "GFPGANv1.4.pth", ["toRGB.0.weight"])
    with pytest.raises(ImportError, match=r"GFPGANv1\.4\.pth: no Panini.*pip install '.*restorers"):
        load_restorer(path)


def test_codeformer_asks_for_the_package_that_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("spandrel")
    monkeypatch.setitem(sys.modules, EXTRA, None)
    path = save_names(tmp_path / "codeformer.pth", ["position_emb", "quantize.embedding.weight"])
    with pytest.raises(CheckpointError, match=r"this is CodeFormer.*non-commercial.*pip install"):
        load_restorer(path)


def test_reading_leaves_spandrels_own_registry_alone(tmp_path: Path) -> None:
    spandrel: Any = pytest.importorskip("spandrel")
    pytest.importorskip(EXTRA)
    before = [support.architecture.id for support in spandrel.MAIN_REGISTRY]
    load_restorer(write_as_published(restore_former(), tmp_path / "r.pth", None))
    assert [support.architecture.id for support in spandrel.MAIN_REGISTRY] == before


def test_gpen_is_named(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    path = save_names(tmp_path / "GPEN-BFR-512.pth", ["ecd0.0.weight", "generator.input.input"])
    with pytest.raises(CheckpointError, match=r"this is GPEN, .*GPEN-BFR-512\.onnx"):
        load_restorer(path)


def test_a_version_that_does_not_fit_is_a_problem_of_the_file(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    names = ["toRGB.0.weight", "stylegan_decoder.style_mlp.1.weight"]
    with pytest.raises(CheckpointError, match=r"looks like a network that spandrel reads.*GFPGAN"):
        load_restorer(save_names(tmp_path / "GFPGANv1.pth", names))


def test_upscalers_are_no_restorers(tmp_path: Path) -> None:
    path = write_as_published(image_upscaler(), tmp_path / "x2.pth", "params")
    with pytest.raises(CheckpointError, match="expected a face restorer, found an image model"):
        load_restorer(path)


def test_other_files_are_named(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    path = save_names(tmp_path / "something.pth", ["some.weight"])
    with pytest.raises(
        CheckpointError, match=r"GFPGAN, RestoreFormer, CodeFormer, or in ONNX.*some.weight"
    ):
        load_restorer(path)
    encoder = save_names(tmp_path / "encoder.pth", ["encoder_q.E.0.weight"])
    with pytest.raises(CheckpointError, match="found an official degradation encoder"):
        load_restorer(encoder)


# --- upscale models -------------------------------------------------------------------------------


def test_upscale_models_enlarge(tmp_path: Path) -> None:
    network = image_upscaler().eval()
    upscaler = load_upscaler(write_as_published(network, tmp_path / "x2.pth", "params_ema"))
    picture = torch.rand(1, 3, 8, 12)
    assert upscaler.scale == 2 and upscaler.tiled
    with torch.no_grad():
        expected = network.half().float()(picture).clamp(0, 1)
        torch.testing.assert_close(upscaler(picture), expected)


def test_restorers_are_no_upscalers(tmp_path: Path) -> None:
    path = write_as_published(restore_former(), tmp_path / "RestoreFormer.pth", "params")
    with pytest.raises(CheckpointError, match=r"found a face restorer \(RestoreFormer\)"):
        load_upscaler(path)


def test_what_is_no_upscaler_is_named(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    with pytest.raises(CheckpointError, match=r"expected an upscale model.*some\.weight"):
        load_upscaler(save_names(tmp_path / "something.pth", ["some.weight"]))
