"""The network of RetinaFace (Deng et al., CVPR 2020) around MobileNetV1 x 0.25 or ResNet-50.

A body gives features at strides 8, 16 and 32, a feature pyramid joins them, a context module
widens what each position sees, and three heads answer for every prior box. The tensors are called
as in the files of facexlib and of the packs built on it, which therefore load as they are.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

PRIORS = 2  # prior boxes at each position
LEAK = 0.1  # slope below zero in MobileNet and its pyramid; ResNet's have none
KEY_OF_BACKBONE = {
    "mobile0.25": "body.stage1.0.0.weight",
    "resnet50": "body.layer1.0.conv1.weight",
}
FOLDED_KEY = "fpn.output1.0.bias"  # only where batch normalisation is folded into convolutions


def recognise_backbone(names: Collection[str]) -> str | None:
    """`mobile0.25` or `resnet50`, from the tensor names of a checkpoint, or None."""
    return next((name for name, key in KEY_OF_BACKBONE.items() if key in names), None)


def fold_batch_norms(network: nn.Module) -> None:
    """Put every batch normalisation into the convolution before it, for inference.

    The convolution gains a bias, the normalisation becomes the identity: a quarter less time.
    """
    for parent in list(network.modules()):
        for (name, layer), (norm_name, norm) in pairwise(list(parent.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(layer, norm))
                setattr(parent, norm_name, nn.Identity())


def convolve(
    in_channels: int,
    out_channels: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    groups: int = 1,
    leak: float | None = LEAK,  # None = no activation
) -> list[nn.Module]:
    """Convolution, batch normalisation and leaky ReLU."""
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, 1, groups, bias=False),
        nn.BatchNorm2d(out_channels),
    ]
    return layers if leak is None else [*layers, nn.LeakyReLU(leak, inplace=True)]


def convolve_separably(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """A 3 x 3 convolution of each channel by itself, then one across channels."""
    return nn.Sequential(
        *convolve(in_channels, in_channels, stride=stride, groups=in_channels),
        *convolve(in_channels, out_channels, kernel=1),
    )


class MobileNet(nn.Module):
    """MobileNetV1 (Howard et al., 2017) at a quarter of its width."""

    channels = (64, 128, 256)

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = nn.Sequential(
            nn.Sequential(*convolve(3, 8, stride=2)),
            convolve_separably(8, 16),
            convolve_separably(16, 32, stride=2),
            convolve_separably(32, 32),
            convolve_separably(32, 64, stride=2),
            convolve_separably(64, 64),
        )
        self.stage2 = nn.Sequential(
            convolve_separably(64, 128, stride=2),
            *(convolve_separably(128, 128) for _ in range(5)),
        )
        self.stage3 = nn.Sequential(
            convolve_separably(128, 256, stride=2),
            convolve_separably(256, 256),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = self.stage1(images)
        middle = self.stage2(fine)
        return fine, middle, self.stage3(middle)


class Bottleneck(nn.Module):
    """A residual block of ResNet-50 (He et al., 2016); its 3 x 3 convolution takes the stride."""

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        out_channels = 4 * width
        self.conv1, self.bn1 = convolve(in_channels, width, kernel=1, leak=None)
        self.conv2, self.bn2 = convolve(width, width, stride=stride, leak=None)
        self.conv3, self.bn3 = convolve(width, out_channels, kernel=1, leak=None)
        self.downsample = nn.Sequential()
        if in_channels != out_channels:  # the first block of a stage
            self.downsample.extend(
                convolve(in_channels, out_channels, kernel=1, stride=stride, leak=None)
            )

    def forward(self, features: Tensor) -> Tensor:
        x = F.relu_(self.bn1(self.conv1(features)))
        x = F.relu_(self.bn2(self.conv2(x)))
        return F.relu_(self.bn3(self.conv3(x)) + self.downsample(features))


class ResNet50(nn.Module):
    """ResNet-50 without its classifier."""

    channels = (512, 1024, 2048)

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = convolve(3, 64, kernel=7, stride=2, leak=None)
        self.layer1 = self._stage(64, 64, blocks=3, stride=1)
        self.layer2 = self._stage(256, 128, blocks=4, stride=2)
        self.layer3 = self._stage(512, 256, blocks=6, stride=2)
        self.layer4 = self._stage(1024, 512, blocks=3, stride=2)

    @staticmethod
    def _stage(in_channels: int, width: int, blocks: int, stride: int) -> nn.Sequential:
        first = Bottleneck(in_channels, width, stride)
        return nn.Sequential(first, *(Bottleneck(4 * width, width, 1) for _ in range(blocks - 1)))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = F.relu_(self.bn1(self.conv1(images)))
        fine = self.layer2(self.layer1(F.max_pool2d(x, 3, stride=2, padding=1)))
        middle = self.layer3(fine)
        return fine, middle, self.layer4(middle)


class FeaturePyramid(nn.Module):
    """Features of three strides, each brought to `channels` and joined with the coarser ones."""

    def __init__(self, body_channels: tuple[int, int, int], channels: int, leak: float) -> None:
        super().__init__()
        fine, middle, coarse = body_channels
        self.output1 = nn.Sequential(*convolve(fine, channels, kernel=1, leak=leak))
        self.output2 = nn.Sequential(*convolve(middle, channels, kernel=1, leak=leak))
        self.output3 = nn.Sequential(*convolve(coarse, channels, kernel=1, leak=leak))
        self.merge1 = nn.Sequential(*convolve(channels, channels, leak=leak))
        self.merge2 = nn.Sequential(*convolve(channels, channels, leak=leak))

    def forward(self, fine: Tensor, middle: Tensor, coarse: Tensor) -> list[Tensor]:
        fine, middle, coarse = self.output1(fine), self.output2(middle), self.output3(coarse)
        middle = self.merge2(middle + F.interpolate(coarse, middle.shape[-2:]))
        fine = self.merge1(fine + F.interpolate(middle, fine.shape[-2:]))
        return [fine, middle, coarse]


class ContextModule(nn.Module):
    """SSH's context module (Najibi et al., 2017): what 3 x 3, 5 x 5 and 7 x 7 pixels show."""

    def __init__(self, channels: int, leak: float) -> None:
        super().__init__()
        half, quarter = channels // 2, channels // 4
        self.conv3X3 = nn.Sequential(*convolve(channels, half, leak=None))
        self.conv5X5_1 = nn.Sequential(*convolve(channels, quarter, leak=leak))
        self.conv5X5_2 = nn.Sequential(*convolve(quarter, quarter, leak=None))
        self.conv7X7_2 = nn.Sequential(*convolve(quarter, quarter, leak=leak))
        self.conv7x7_3 = nn.Sequential(*convolve(quarter, quarter, leak=None))

    def forward(self, features: Tensor) -> Tensor:
        wider = self.conv5X5_1(features)
        widest = self.conv7x7_3(self.conv7X7_2(wider))
        return F.relu_(torch.cat([self.conv3X3(features), self.conv5X5_2(wider), widest], dim=1))


class Head(nn.Module):
    """Features (N, C, H, W) -> `values` numbers for each prior box, (N, H * W * PRIORS, values)."""

    def __init__(self, channels: int, values: int) -> None:
        super().__init__()
        self.values = values
        self.conv1x1 = nn.Conv2d(channels, PRIORS * values, 1)

    def forward(self, features: Tensor) -> Tensor:
        answers = self.conv1x1(features)
        return rearrange(answers, "n (prior value) h w -> n (h w prior) value", value=self.values)


class RetinaFace(nn.Module):
    """Images (N, 3, H, W), BGR in 0..255 minus the mean -> boxes, scores and landmarks.

    Boxes (N, P, 4) and landmarks (N, P, 10) are offsets to the P prior boxes, scores (N, P, 2)
    the probabilities of background and face. Initial weights are random.
    """

    def __init__(self, backbone: str) -> None:
        super().__init__()
        mobile = backbone == "mobile0.25"
        if not mobile and backbone != "resnet50":
            raise ValueError(f"Expected {' or '.join(KEY_OF_BACKBONE)}, got {backbone!r}.")
        channels, leak = (64, LEAK) if mobile else (256, 0.0)
        self.body = MobileNet() if mobile else ResNet50()
        self.fpn = FeaturePyramid(self.body.channels, channels, leak)
        self.ssh1 = ContextModule(channels, leak)
        self.ssh2 = ContextModule(channels, leak)
        self.ssh3 = ContextModule(channels, leak)
        self.ClassHead = nn.ModuleList(Head(channels, 2) for _ in range(3))
        self.BboxHead = nn.ModuleList(Head(channels, 4) for _ in range(3))
        self.LandmarkHead = nn.ModuleList(Head(channels, 10) for _ in range(3))

    def forward(self, bgr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine, middle, coarse = self.fpn(*self.body(bgr))
        levels = [self.ssh1(fine), self.ssh2(middle), self.ssh3(coarse)]
        boxes, scores, landmarks = (
            torch.cat([head(level) for head, level in zip(heads, levels, strict=True)], dim=1)
            for heads in (self.BboxHead, self.ClassHead, self.LandmarkHead)
        )
        return boxes, scores.softmax(dim=-1), landmarks
