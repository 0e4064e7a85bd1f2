"""Identity: how far two pictures show the same person, by a face recognition network."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from panini_core.stages.align import TEMPLATE_SIZE, estimate_similarity, template
from panini_core.stages.warp import invert_affine

from .mobilefacenet import MobileFaceNet, load_mobilefacenet
from .mobilefacenet_onnx import read_mobilefacenet_onnx

# Where ArcFace puts the five landmarks, x and y in px, in the order of FFHQ's template.
_ARCFACE_112 = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_SMOOTHED_SIZE = 300  # px: below it, bilinear sampling at 112 leaves no gaps to speak of


class IdentityNetwork(nn.Module):
    """A recognition network behind the fixed warp from aligned FFHQ crops to its ArcFace frame.

    The warp is the similarity between the two five-point templates, the same for every face:
    landmarks found in a degraded face would move with the degradation. `recognise` maps
    (N, 3, 112, 112), normalised with ImageNet's mean and std, to (N, D).
    """

    mean: Tensor
    std: Tensor
    grid: Tensor

    def __init__(self, recognise: nn.Module) -> None:
        super().__init__()
        self.recognise = recognise
        for name, values in (("mean", _IMAGENET_MEAN), ("std", _IMAGENET_STD)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("grid", _arcface_grid(), persistent=False)
        self.requires_grad_(False)
        self.eval()

    def forward(self, images: Tensor, antialias: bool = False) -> Tensor:
        """The same as `embed`."""
        return self.embed(images, antialias)

    def embed(self, images: Tensor, antialias: bool = False) -> Tensor:
        """Unit vectors (N, D) in float32 for aligned faces; differentiable.

        images: (N, 3, S, S) RGB in [0, 1], FFHQ crops of any size. With `antialias` the picture
        is averaged down first, so that every pixel counts and receives a gradient: right for a
        loss; the metric samples every third pixel or so, like its reference figures.
        """
        vectors = self.recognise((self.crop(images, antialias) - self.mean) / self.std)
        return F.normalize(vectors.float(), dim=1)

    def crop(self, images: Tensor, antialias: bool = False) -> Tensor:
        """(N, 3, 112, 112) in ArcFace's frame, from the images that `embed` takes."""
        if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] != images.shape[3]:
            raise ValueError(f"Faces must be (N, 3, S, S), got {tuple(images.shape)}.")
        while antialias and images.shape[-1] > _SMOOTHED_SIZE:
            images = F.avg_pool2d(images, 2)
        grid = self.grid.expand(len(images), -1, -1, -1)
        # Float32, since half a pixel does not survive in the positions of a half-precision grid.
        return F.grid_sample(images.float(), grid.float(), align_corners=False)


def identity_similarity(network: IdentityNetwork, a: Tensor, b: Tensor) -> Tensor:
    """Cosine of the identities of each pair, (N,): 1 the same, about 0 different people.

    a, b: (N, 3, S, S) RGB in [0, 1], aligned FFHQ crops; the two sizes may differ, and one side
    may hold a single face for all of the other.
    """
    if len(a) != len(b) and 1 not in (len(a), len(b)):
        raise ValueError(f"Need as many faces on both sides, got {len(a)} and {len(b)}.")
    return (network.embed(a) * network.embed(b)).sum(dim=1)


def load_identity_network(path: str | Path) -> IdentityNetwork:
    """The identity network, MobileFaceNet, frozen, on the CPU.

    From a `.safetensors` file as `panini convert` writes it, or from the published `.onnx` file.
    Raises FileNotFoundError, ValueError if the file does not fit, and MetricUnavailable where an
    ONNX file is to be read and the package `onnx` is not installed.
    """
    is_onnx = Path(path).suffix.lower() == ".onnx"
    return IdentityNetwork(read_mobilefacenet_onnx(path) if is_onnx else load_mobilefacenet(path))


def _arcface_grid() -> Tensor:
    """(1, 112, 112, 2): where each pixel of ArcFace's frame lies in an FFHQ crop, in [-1, 1].

    ArcFace's template counts from the centre of the first pixel, FFHQ's from its corner.
    """
    arcface = torch.tensor(_ARCFACE_112, dtype=torch.float64)
    to_arcface = estimate_similarity(template(TEMPLATE_SIZE)[None], arcface)
    to_ffhq = invert_affine(to_arcface)[0]
    pixels = torch.arange(MobileFaceNet.input_size, dtype=torch.float64)
    y, x = torch.meshgrid(pixels, pixels, indexing="ij")
    positions = torch.stack([x, y], dim=-1) @ to_ffhq[:, :2].T + to_ffhq[:, 2]
    return (positions / TEMPLATE_SIZE * 2 - 1).float()[None]
