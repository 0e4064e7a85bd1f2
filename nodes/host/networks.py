"""Networks under ComfyUI's memory management."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import comfy.model_management as memory
import comfy.model_patcher
import torch
from torch import nn

from ... import panini_core as core
from .schemas import supported

if TYPE_CHECKING:
    from ...panini_core import FaceRestorer, PaniniNet

LIVE_FEATURES = 6  # copies of the largest feature map that a forward pass holds at its peak
IMAGE_MODEL_FACTOR = 384  # memory of another network's pass, in inputs, as ComfyUI estimates it

Network = TypeVar("Network")  # a torch module, known by what it can do


class PaniniModule(nn.Module):
    """Around a network: ComfyUI writes attributes of its own (`device`) on what it loads."""

    def __init__(self, network: object) -> None:
        super().__init__()
        self.network = network  # registered as a submodule, for it is a module


@dataclass(frozen=True, slots=True, eq=False)
class ManagedNetwork(Generic[Network]):
    """A network that ComfyUI loads onto the device, and unloads when others need the memory."""

    patcher: Any  # comfy.model_patcher.ModelPatcher
    source: Path  # the file of its weights

    @property
    def network(self) -> Network:
        """The network wherever it is now, to ask it about itself."""
        return cast("Network", self.patcher.model.network)

    def load(self, *, working_memory: float = 0) -> Network:
        """The network, on the device; `working_memory` in bytes comes on top of its weights."""
        options = supported(memory.load_models_gpu, force_full_load=True)
        memory.load_models_gpu([self.patcher], memory_required=working_memory, **options)
        return self.network


def compute_device() -> torch.device:
    """The device that ComfyUI loads networks onto."""
    return memory.get_torch_device()


def manage(network: Network, source: str | Path) -> ManagedNetwork[Network]:
    """Put a network under ComfyUI's memory management; `source` is the file of its weights."""
    # Newer versions split ModelPatcher: CoreModelPatcher is the one for whole modules.
    patcher = getattr(comfy.model_patcher, "CoreModelPatcher", comfy.model_patcher.ModelPatcher)
    return ManagedNetwork(
        patcher(
            PaniniModule(network),
            load_device=compute_device(),
            offload_device=memory.unet_offload_device(),
        ),
        Path(source),
    )


def require_panini(model: ManagedNetwork[FaceRestorer]) -> PaniniNet:
    """The network wherever it is now. Raises ValueError if it is another method's."""
    network = model.network
    if not isinstance(network, core.PaniniNet):
        raise ValueError(
            f"{network.name} ({model.source.name}) knows no degradation and no fusion weights, "
            "which are Panini's: choose a Panini model in Load Face Restoration Model, or "
            "disconnect what needs one."
        )
    return network


def load_restorer(model: ManagedNetwork[FaceRestorer]) -> tuple[FaceRestorer, int]:
    """The network of whichever method on its device, and how many faces go through it together."""
    network = model.network
    if isinstance(network, core.PaniniNet):
        return load_panini(model)
    pixels = 3 * network.input_size**2
    model.load(working_memory=pixels * network.dtype.itemsize * IMAGE_MODEL_FACTOR)
    return network, 1


def load_panini(model: ManagedNetwork[FaceRestorer]) -> tuple[PaniniNet, int]:
    """The network on its device, and how many faces go through it together.

    Raises ValueError if it is another method's.
    """
    network = require_panini(model)
    batch = core.default_batch(model.patcher.load_device)
    sides, widths = network.gan_prior.resolutions, network.config.prior_channels
    largest = max(width * side**2 for side, width in zip(sides, widths, strict=True))
    working_memory = batch * largest * network.dtype.itemsize * LIVE_FEATURES
    model.load(working_memory=working_memory)
    return network, batch
