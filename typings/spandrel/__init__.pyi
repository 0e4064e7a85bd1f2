from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

class UnsupportedModelError(Exception): ...

class ImageModelDescriptor:
    purpose: str
    scale: int
    input_channels: int
    output_channels: int
    supports_half: bool
    supports_bfloat16: bool
    tiling: Any
    model: nn.Module
    architecture: Any
    def __call__(self, image: Tensor) -> Tensor: ...

class MaskedImageModelDescriptor: ...
class ArchSupport: ...

class ArchRegistry:
    def copy(self) -> ArchRegistry: ...
    def add(self, *architectures: ArchSupport, ignore_duplicates: bool = False) -> object: ...
    def load(
        self, state_dict: Mapping[str, Tensor]
    ) -> ImageModelDescriptor | MaskedImageModelDescriptor: ...
    def __iter__(self) -> Iterator[ArchSupport]: ...

MAIN_REGISTRY: ArchRegistry
