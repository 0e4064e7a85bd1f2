"""A network as an ONNX file: it does the same, and says what it is."""

from __future__ import annotations

import copy
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import panini_core
from panini_core.checkpoints import load_panini
from panini_core.checkpoints.fingerprint import encoder_fingerprint, network_fingerprint
from panini_core.checkpoints.image_models import load_restorer
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.models.value_range import from_network, to_network
from panini_core.onnx_export import export_onnx
from panini_core.options import BUNDLED_NETWORKS
from panini_core.stages.align import template, whole_picture_faces
from panini_core.stages.restore import restore_faces

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package, reason=f"needs {package}: pip install {package}")

import onnx  # noqa: E402
import onnxruntime  # noqa: E402

TOLERANCE = 1e-3
WEIGHT_NOISE = 0.05  # more of it, and what comes out is all black or white
# The parts of the official networks, in a size for tests
SMALL_MFR = PaniniConfig(
    input_size=32,
    prior_channels=(12, 10, 8, 8, 6),
    style_size=16,
    mapping_layers=2,
    extractor_channels=4,
    extractor_blocks=1,
    attention_hidden=2,
    stem=((8, 1), (10, 2)),
    level_channels=(12, 12, 10),
    latent_hidden=4,
    degradation_size=16,
    degradation_layers=((8, 1), (16, 2)),
)
SMALL_SR = dataclasses.replace(SMALL_MFR, input_size=16, stem=((10, 1),), learned_degradation=True)
CONFIGS = {
    "tiny": PaniniConfig.preset("tiny"),
    "tiny-mobile": PaniniConfig.preset("tiny-mobile"),
    "official-mfr, smaller": SMALL_MFR,
    "official-sr, smaller": SMALL_SR,
}


class Exported:
    """A network, and what onnxruntime makes of its file."""

    def __init__(self, model: PaniniNet, path: Path) -> None:
        export_onnx(path, model)
        self.model, self.path = model, path
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # it warns of inputs that may be left out
        self.session: Any = onnxruntime.InferenceSession(path, options)

    def __call__(self, faces: Tensor, alpha: Tensor | None = None) -> tuple[Tensor, Tensor]:
        given = {"faces": faces.numpy()} | ({} if alpha is None else {"alpha": alpha.numpy()})
        restored, used = self.session.run(["restored", "alpha_used"], given)
        return torch.from_numpy(restored), torch.from_numpy(used)

    @torch.no_grad()
    def expect(self, faces: Tensor, alpha: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What torch makes of them."""
        images = to_network(faces)
        if alpha is None:
            alpha = self.model.predict_alpha(self.model.encode_degradation(images))
        return from_network(self.model(images, alpha)), alpha


def random_network(config: PaniniConfig) -> PaniniNet:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = PaniniNet(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += WEIGHT_NOISE * torch.randn(parameter.shape)
    return model


def random_faces(model: PaniniNet, count: int) -> Tensor:
    size = model.input_size
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(count))


@pytest.fixture(scope="module", params=list(CONFIGS))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("onnx")
    return Exported(random_network(CONFIGS[request.param]), folder / "new" / "model.onnx")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    path = tmp_path_factory.mktemp("onnx") / "tiny.onnx"
    return Exported(random_network(PaniniConfig.preset("tiny")), path)


def check_same(exported: Exported, count: int) -> None:
    faces = random_faces(exported.model, count)
    restored, used = exported(faces)
    expected, chosen = exported.expect(faces)
    torch.testing.assert_close(restored, expected, atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(used, chosen, atol=TOLERANCE, rtol=0)
    assert restored.std() > 10 * TOLERANCE  # something to compare
    assert ((restored > 0) & (restored < 1)).float().mean() > 0.5

    other = torch.rand(chosen.shape, generator=torch.Generator().manual_seed(0))
    restored, used = exported(faces, other)
    torch.testing.assert_close(restored, exported.expect(faces, other)[0], atol=TOLERANCE, rtol=0)
    assert torch.equal(used, other)
    assert (restored - expected).abs().max() > 10 * TOLERANCE  # alpha mattered


@pytest.mark.parametrize("count", [1, 3])
def test_onnxruntime_restores_as_torch_does(exported: Exported, count: int) -> None:
    check_same(exported, count)


@pytest.mark.parametrize("name", BUNDLED_NETWORKS)
def test_the_bundled_networks_are_exported(tmp_path: Path, name: str) -> None:
    model = Exported(load_panini(name, dtype=torch.float32), tmp_path / "bundled.onnx")
    for count in (1, 3):
        check_same(model, count)


def test_alpha_may_be_one_number_a_level(tiny: Exported) -> None:
    faces = random_faces(tiny.model, 3)
    channels = tiny.model.config.interpolated_channels
    numbers = torch.linspace(0, 1, len(channels))[None, :, None]
    restored, used = tiny(faces, numbers)
    whole = numbers.expand(3, -1, max(channels)).contiguous()
    assert torch.equal(used, whole)
    torch.testing.assert_close(restored, tiny.expect(faces, whole)[0], atol=TOLERANCE, rtol=0)


def test_the_network_chooses_alpha_where_it_is_negative(tiny: Exported) -> None:
    faces = random_faces(tiny.model, 3)
    restored, chosen = tiny(faces)
    asked = torch.full((1, chosen.shape[1], 1), -1.0)
    again, used = tiny(faces, asked)
    assert torch.equal(again, restored) and torch.equal(used, chosen)
    asked[:, 1] = 0.25
    _, used = tiny(faces, asked)
    assert (used[:, 1] == 0.25).all()
    others = [level for level in range(chosen.shape[1]) if level != 1]
    assert torch.equal(used[:, others], chosen[:, others])


def test_the_alpha_of_a_run_can_be_given_back(tiny: Exported) -> None:
    faces = random_faces(tiny.model, 2)
    restored, used = tiny(faces)
    assert torch.equal(tiny(faces, used)[0], restored)


def test_the_file_says_what_it_takes_and_gives(tiny: Exported) -> None:
    assert [item.name for item in tiny.session.get_inputs()] == ["faces"]
    assert [item.name for item in tiny.session.get_overridable_initializers()] == ["alpha"]
    levels, channels = tiny(random_faces(tiny.model, 1))[1].shape[1:]
    file = onnx.load(tiny.path)
    sizes = {
        value.name: [
            dimension.dim_param or dimension.dim_value
            for dimension in value.type.tensor_type.shape.dim
        ]
        for value in (*file.graph.input, *file.graph.output)
    }
    assert sizes == {
        "faces": ["N", 3, 64, 64],
        "alpha": ["alpha_N", levels, "alpha_C"],
        "restored": ["N", 3, 64, 64],
        "alpha_used": ["N", levels, channels],
    }
    assert all(value.doc_string for value in (*file.graph.input, *file.graph.output))


def test_the_file_says_what_it_is(tiny: Exported) -> None:
    said = tiny.session.get_modelmeta().custom_metadata_map
    assert (said["value_range"], said["colour_order"], said["noise"]) == ("[0, 1]", "RGB", "fixed")
    assert said["network_fingerprint"] == network_fingerprint(tiny.model)
    assert said["encoder_fingerprint"] == encoder_fingerprint(tiny.model)
    assert json.loads(said["landmarks"]) == template(tiny.model.input_size).tolist()
    assert json.loads(said["alpha_channels"]) == list(tiny.model.config.interpolated_channels)
    assert PaniniConfig.from_dict(json.loads(said["panini_config"])) == tiny.model.config


def test_the_file_serves_as_a_restorer(tiny: Exported) -> None:
    faces = whole_picture_faces(random_faces(tiny.model, 3))
    restored = restore_faces(load_restorer(tiny.path), faces).crops
    expected = restore_faces(tiny.model, faces).crops
    torch.testing.assert_close(restored, expected, atol=TOLERANCE, rtol=0)


def test_the_file_does_not_say_where_it_was_made(tiny: Exported) -> None:
    data = tiny.path.read_bytes()
    for module in (panini_core, torch):
        assert module.__file__ is not None
        assert str(Path(module.__file__).parent).encode() not in data
    assert b"site-packages" not in data and b".py" not in data


def test_the_model_stays_as_it_was(tmp_path: Path) -> None:
    model = random_network(PaniniConfig.preset("tiny")).train()
    before = copy.deepcopy(model.state_dict())
    export_onnx(tmp_path / "model.onnx", model)
    assert model.training
    torch.testing.assert_close(dict(model.state_dict()), dict(before), rtol=0, atol=0)


def test_other_precisions_are_refused(tmp_path: Path) -> None:
    model = PaniniNet(PaniniConfig.preset("tiny")).to(torch.bfloat16)
    with pytest.raises(ValueError, match=r"float32 is exported, got torch.bfloat16; load it with"):
        export_onnx(tmp_path / "model.onnx", model)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    model = PaniniNet(PaniniConfig.preset("tiny"))
    with pytest.raises(ImportError, match=r"needs onnxscript, not.*restoration\[export\]"):
        export_onnx(tmp_path / "model.onnx", model)
    assert list(tmp_path.iterdir()) == []
