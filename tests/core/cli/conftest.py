"""What the command line's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from panini_core.checkpoints import save_panini
from panini_core.models.face_detector import Detections
from panini_core.models.face_restorer import CropRestorer, RestorerKind
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.stages.align import template


class FakeDetector:
    """Takes every block of bright pixels' bounding box for the one face of a picture.

    Black pictures have none, so that tests decide where faces are by painting them.
    """

    name = "fake"
    device = torch.device("cpu")

    def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
        return [self._find(image) for image in images]

    def _find(self, image: Tensor) -> Detections:
        rows, columns = torch.nonzero(image.mean(dim=0) > 0.3, as_tuple=True)
        if len(rows) == 0:
            return Detections(torch.empty(0, 4), torch.empty(0, 5, 2), torch.empty(0))
        corner = torch.stack([columns.min(), rows.min()]).float()
        size = torch.stack([columns.max(), rows.max()]).float() + 1 - corner
        landmarks = corner + template(512).float() / 512 * size
        return Detections(torch.cat([corner, corner + size])[None], landmarks[None], torch.ones(1))


@pytest.fixture
def fake_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command uses the fake detector."""
    from panini_core.cli import opening

    def load(name_or_path: str = "auto", *, device: str = "cpu") -> FakeDetector:
        return FakeDetector()

    monkeypatch.setattr(opening, "load_detector", load)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the smallest network, with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = PaniniNet(PaniniConfig.preset("tiny"))
        for parameter in model.parameters():  # a new network may be neutral on purpose
            parameter.data += 0.1 * torch.randn_like(parameter)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_panini(path, model)
    return path


@pytest.fixture
def other_restorer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every --model is another method's network, which turns faces white."""
    from panini_core.cli import opening

    def load(path: object, **_: object) -> CropRestorer:
        network = nn.Conv2d(3, 3, 1)
        nn.init.zeros_(network.weight)
        nn.init.ones_(network.bias)
        kind = RestorerKind("Other", lambda network, faces, _: network(faces), size=32)
        return CropRestorer(network, kind)

    monkeypatch.setattr(opening, "load_restorer", load)
