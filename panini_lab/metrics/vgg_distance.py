"""Perceptual distance: features of VGG19, compared after unit normalisation over the channels.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (2018),
equation 1, without the learned weights. Serves as a metric and as a training loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

VGG_LAYERS = ("relu1_2", "relu2_2", "relu3_4", "relu4_4")
"""The layers that the distance compares, from fine to coarse."""

_BLOCKS = (2, 2, 4, 4)  # convolutions of each block of VGG19; a 2x2 max pooling between blocks
_BGR_MEAN = (103.939, 116.779, 123.68)  # of ImageNet, in 0..255: the input these weights expect


class VggFeatures(nn.Module):
    """VGG19 up to relu4_4 with frozen weights; the input may carry a gradient.

    `widths` are the output channels of the four blocks, or of the first ones. Works under autocast
    and with channels_last inputs. Weights come from `load_vgg_features`.
    """

    mean: Tensor

    def __init__(self, widths: Sequence[int] = (64, 128, 256, 512)) -> None:
        super().__init__()
        if not 0 < len(widths) <= len(_BLOCKS):
            raise ValueError(f"VggFeatures needs up to {len(_BLOCKS)} widths, got {list(widths)}.")
        self.blocks = nn.ModuleList()
        channels = 3
        for width, depth in zip(widths, _BLOCKS, strict=False):
            block = nn.ModuleList()
            for _ in range(depth):
                block.append(nn.Conv2d(channels, width, 3, padding=1))
                channels = width
            self.blocks.append(block)
        self.register_buffer("mean", torch.tensor(_BGR_MEAN).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)
        self.eval()

    def forward(self, images: Tensor, layers: Sequence[str] = VGG_LAYERS) -> dict[str, Tensor]:
        """The features after the named layers, in the order of the network.

        images: (N, 3, H, W) RGB in [0, 1]. Layers are of `VGG_LAYERS`; nothing is computed
        after the deepest one. Layer l of (1, 2, 3, 4) has H / 2**(l - 1) rows.
        Raises ValueError for an unknown layer or no layer.
        """
        unknown = [name for name in layers if name not in VGG_LAYERS]
        if unknown or not layers:
            raise ValueError(f"VGG layers must be some of {VGG_LAYERS}, got {tuple(layers)}.")
        deepest = max(VGG_LAYERS.index(name) for name in layers)
        if deepest >= len(self.blocks):
            raise ValueError(
                f"These VGG features end with {VGG_LAYERS[len(self.blocks) - 1]}; "
                f"{VGG_LAYERS[deepest]} was asked for. Use the whole file, or fewer layers."
            )

        features: dict[str, Tensor] = {}
        x = images.flip(1) * 255 - self.mean  # RGB -> BGR
        for index in range(deepest + 1):
            if index > 0:
                x = F.max_pool2d(x, 2)
            for convolution in self.blocks[index].children():
                x = F.relu(convolution(x))
            if VGG_LAYERS[index] in layers:
                features[VGG_LAYERS[index]] = x
        return features


def vgg_distance(
    features: VggFeatures, a: Tensor, b: Tensor, layers: Sequence[str] = VGG_LAYERS
) -> Tensor:
    """The VGG distance of each pair of images, (N,), 0 for equal images and at most 2.

    a, b: (N, 3, H, W) RGB in [0, 1]; one side may hold a single image for all of the other.
    Differentiable in both; for a loss against a target without a gradient its features are
    computed without a graph. Early layers alone are much cheaper.
    """
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(f"Images must have equal shapes, got {tuple(a.shape)}, {tuple(b.shape)}.")
    return feature_distance(features(a, layers), features(b, layers))


def feature_distance(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> Tensor:
    """Mean over layers and positions of the squared distance of unit feature vectors, (N,).

    The two mappings come from `VggFeatures` with the same layers. Reduced in float32.
    """
    distances = [
        (_unit(a[name]) - _unit(b[name])).square().sum(dim=1).mean(dim=(1, 2)) for name in a
    ]
    return torch.stack(distances).mean(dim=0)


def _unit(features: Tensor) -> Tensor:
    """(N, C, H, W) with every channel vector scaled to length 1, in float32."""
    features = features.float()
    # Lengths are in the hundreds; the constant bounds the gradient where all channels are near 0.
    return features * (features.square().sum(dim=1, keepdim=True) + 1e-4).rsqrt()


def load_vgg_features(path: str | Path) -> VggFeatures:
    """VGG19's convolutions from a safetensors file with torchvision's keys (`0.weight` ...).

    The file may end after any block. The weights must be those that take BGR in 0..255 minus the
    ImageNet mean. Float32, on the
    CPU, frozen. Raises FileNotFoundError, or ValueError if the file does not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No VGG19 weights at {path}.")
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a readable safetensors file: {error}.") from error

    renamed: dict[str, str] = {}  # torchvision counts convolutions, ReLUs and poolings together
    position = 0
    starts = [key for key in ("0.weight", "5.weight", "10.weight", "19.weight") if key in state]
    for block, depth in enumerate(_BLOCKS[: max(1, len(starts))]):
        for convolution in range(depth):
            for kind in ("weight", "bias"):
                renamed[f"{position}.{kind}"] = f"blocks.{block}.{convolution}.{kind}"
            position += 2
        position += 1
    missing, extra = sorted(renamed.keys() - state.keys()), sorted(state.keys() - renamed.keys())
    if missing or extra:
        raise ValueError(
            f"{path} does not hold VGG19 up to conv4_4: missing {missing[:4]}, extra {extra[:4]}."
        )

    features = VggFeatures([state[key].shape[0] for key in starts])
    try:
        features.load_state_dict({new: state[old].float() for old, new in renamed.items()})
    except RuntimeError as error:
        raise ValueError(f"{path} does not hold VGG19 up to conv4_4: {error}.") from error
    return features
