"""LPIPS, the learned perceptual distance. Zhang et al. (2018), as torchmetrics computes it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .backbones import MetricUnavailable, check_hub_checkpoint

BACKBONE_URL = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"


def load_lpips_network() -> nn.Module:
    """The network for `lpips`, on the CPU: AlexNet's, which papers mostly report.

    Raises MetricUnavailable where torchmetrics is not installed or torchvision's weights of
    AlexNet are not in torch's cache.
    """
    check_hub_checkpoint(BACKBONE_URL)
    try:
        from torchmetrics.image import LearnedPerceptualImagePatchSimilarity
    except ImportError as error:
        raise MetricUnavailable(
            "it needs the packages torchmetrics and torchvision. Install them: "
            "pip install torchmetrics torchvision"
        ) from error
    return LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True)


def lpips(network: nn.Module, a: Tensor, b: Tensor) -> Tensor:
    """The distance of each pair, (N,), 0 for equal images.

    a, b: (N, 3, H, W) RGB in [0, 1]; one side may hold a single image for all of the other.
    """
    a, b = torch.broadcast_tensors(a, b)
    pairs = zip(a.split(1), b.split(1), strict=True)  # the network averages over a batch
    return torch.stack([network(x, y) for x, y in pairs])
