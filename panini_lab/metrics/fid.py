"""FID, the distance of two sets of images. Heusel et al. (2017), as torchmetrics computes it."""

from __future__ import annotations

from importlib.util import find_spec

from torch import Tensor, nn

from .backbones import MetricUnavailable, check_hub_checkpoint

_INCEPTION_URL = (
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
    "weights-inception-2015-12-05-6726825d.pth"
)
RELIABLE_COUNT = 2048  # images a set: below, the covariance of the 2048 features is singular


class FrechetDistance(nn.Module):
    """Collects two sets of images and compares the distributions of their Inception features.

    Depends on the number of images: compare only figures of equally large sets.
    """

    def __init__(self, features: nn.Module | None = None) -> None:
        """features: another network, float images (N, 3, H, W) -> (N, D); None: Inception v3.

        Raises MetricUnavailable where torchmetrics or torch-fidelity is not installed or the
        Inception weights are not in torch's cache.
        """
        super().__init__()
        if features is None:
            if find_spec("torch_fidelity") is None:
                raise MetricUnavailable(
                    "it needs the package torch-fidelity. Install it: pip install torch-fidelity"
                )
            check_hub_checkpoint(_INCEPTION_URL)
        try:
            from torchmetrics.image.fid import FrechetInceptionDistance
        except ImportError as error:
            raise MetricUnavailable(
                "it needs the package torchmetrics. Install it: pip install torchmetrics"
            ) from error
        self.metric = FrechetInceptionDistance(
            feature=2048 if features is None else features, normalize=True
        )

    def add(self, images: Tensor, *, reference: bool) -> None:
        """Adds (N, 3, H, W) RGB in [0, 1] to the reference set or to the one measured by it."""
        self.metric.update(images, real=reference)

    def distance(self) -> float:
        """The distance of the two sets. Each needs at least two images (RuntimeError)."""
        return float(self.metric.compute())
