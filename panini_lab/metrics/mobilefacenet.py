"""MobileFaceNet, a small face recognition network: Chen et al. (2018), table 1.

The sizes and activations are those of the published ONNX file (`mobilefacenet_onnx.py`), whose
batch normalisations are part of the convolutions.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from panini_core.checkpoints.tensor_file import read_tensor_file, write_tensor_file

# Of every stage: how many times wider a block is inside, channels in units of the stem's, blocks,
# and the stride of the first one.
STAGES = ((2, 1, 5, 2), (4, 2, 1, 2), (2, 2, 6, 1), (4, 2, 1, 2), (2, 2, 2, 1))
_KIND = "recogniser"


class Bottleneck(nn.Module):
    """More channels, a 3x3 convolution of each by itself, fewer channels; a residual if it fits."""

    def __init__(self, in_channels: int, out_channels: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        inside = expansion * in_channels
        self.expand = nn.Conv2d(in_channels, inside, 1)
        self.depthwise = nn.Conv2d(inside, inside, 3, stride, padding=1, groups=inside)
        self.project = nn.Conv2d(inside, out_channels, 1)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        inside = F.relu6(self.depthwise(F.relu6(self.expand(x))))
        result = self.project(inside)
        return x + result if self.residual else result


class MobileFaceNet(nn.Module):
    """Faces (N, 3, 112, 112) in ArcFace's frame, normalised -> (N, D), not of unit length."""

    input_size = 112

    def __init__(self, width: int = 64, embedding_size: int = 128) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.pointwise = nn.Conv2d(width, width, 1)
        blocks: list[nn.Module] = []
        channels = width
        for expansion, multiple, count, stride in STAGES:
            for index in range(count):
                blocks.append(
                    Bottleneck(
                        channels,
                        multiple * width,
                        expansion=expansion,
                        stride=stride if index == 0 else 1,
                    )
                )
                channels = multiple * width
        self.blocks = nn.Sequential(*blocks)
        self.widen = nn.Conv2d(channels, 8 * width, 1)
        # A learned weight for each of the 7x7 positions, where others take the mean.
        self.gather = nn.Conv2d(8 * width, 8 * width, 7, groups=8 * width)
        self.embed = nn.Conv2d(8 * width, embedding_size, 1)

    def forward(self, faces: Tensor) -> Tensor:
        x = F.relu6(self.stem(faces))
        x = F.relu(self.pointwise(F.relu(self.depthwise(x))))
        x = F.relu6(self.widen(self.blocks(x)))
        return self.embed(self.gather(x)).flatten(1)


def save_mobilefacenet(
    path: str | Path, network: MobileFaceNet, *, dtype: torch.dtype = torch.float32
) -> None:
    """Write the network as `.safetensors`, for `load_mobilefacenet`; the file appears whole.

    Raises ValueError for weights that are not finite in `dtype`.
    """
    tensors = {name: tensor.to(dtype) for name, tensor in network.state_dict().items()}
    write_tensor_file(Path(path), _KIND, tensors, {})


def load_mobilefacenet(path: str | Path) -> MobileFaceNet:
    """The network with the sizes that the file's tensors have, float32, on the CPU.

    Raises FileNotFoundError, and CheckpointError (a ValueError) for a file of another kind or one
    that is not whole.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No face recognition network at {path}.")
    dimensions = {name: tensor.ndim for name, tensor in MobileFaceNet(1, 1).state_dict().items()}
    tensors = read_tensor_file(path, _KIND, dimensions).tensors
    network = MobileFaceNet(tensors["stem.weight"].shape[0], tensors["embed.weight"].shape[0])
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{path} does not hold MobileFaceNet: {error}.") from error
    return network
