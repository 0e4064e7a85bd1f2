"""ComfyUI as the nodes see it; the only file that touches `comfy` and `folder_paths`."""

from __future__ import annotations

import dataclasses
import inspect
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import comfy.model_management as memory
import comfy.model_patcher
import comfy.utils
import folder_paths
import torch
from comfy_api.latest import io
from torch import Tensor, nn

from .. import panini_core as core
from ..panini_core.options import DEFAULT_BATCH

if TYPE_CHECKING:
    from ..panini_core import PaniniNet

MODEL_FOLDER = "facerestore_models"
DETECTOR_FOLDER = "facedetection"
DEGRADATION_FOLDER = "panini_degradations"
IMAGE_MODEL_FACTOR = 384  # memory of an upscale model's pass, in inputs, as ComfyUI estimates it
PARSER_FILES = ("parsing_parsenet.pth", "parsing_bisenet.pth")
PREVIEW_SIDE = 512  # px, of previews while a node runs
PREVIEW_QUALITY = 92  # of WebP
LIVE_FEATURES = 6  # copies of the largest feature map that a forward pass holds at its peak

Network = TypeVar("Network")  # a torch module, known by what it can do


# Files


def register_folders() -> None:
    """Make the model folders known, beside what other packs and extra_model_paths.yaml name."""
    models = Path(folder_paths.models_dir)
    for name in (MODEL_FOLDER, DETECTOR_FOLDER):
        folder_paths.add_model_folder_path(name, str(models / name))
        extensions = folder_paths.folder_names_and_paths[name][1]
        extensions.update(folder_paths.supported_pt_extensions)
    saved = degradation_folder()
    folder_paths.add_model_folder_path(DEGRADATION_FOLDER, str(saved))
    folder_paths.folder_names_and_paths[DEGRADATION_FOLDER][1].add(".safetensors")


def degradation_folder() -> Path:
    """Where saved degradations go."""
    return Path(folder_paths.get_output_directory()) / DEGRADATION_FOLDER


def list_files(folder: str) -> list[str]:
    """The files of a model folder, as relative names; ComfyUI re-reads it when it changes."""
    return folder_paths.get_filename_list(folder)


def find_file(folder: str, name: str) -> Path:
    """The path of a listed file. Raises FileNotFoundError if it is gone."""
    path = folder_paths.get_full_path(folder, name)
    if path is None:
        places = ", ".join(folder_paths.get_folder_paths(folder))
        raise FileNotFoundError(
            f"{name} is no longer in {places}: refresh the lists (press R) and choose another file."
        )
    return Path(path)


def fingerprint(folder: str, name: str) -> str:
    """Changes when the file behind a name does; never raises."""
    path = folder_paths.get_full_path(folder, name)
    if path is None:
        return f"{name}: missing"
    status = Path(path).stat()
    return f"{path}: {status.st_mtime_ns} {status.st_size}"


# Schemas


def supported(maker: Callable[..., Any], **later: Any) -> dict[str, Any]:
    """Those of the keywords that this version of ComfyUI knows (search aliases and the like)."""
    if dataclasses.is_dataclass(maker):
        known = {field.name for field in dataclasses.fields(maker)}
    else:
        known = set(inspect.signature(maker).parameters)
    return {name: value for name, value in later.items() if name in known}


def schema(*, aliases: Sequence[str] = (), **values: Any) -> io.Schema:
    """A schema in our category, with search aliases where ComfyUI has them."""
    return io.Schema(
        category="Panini", **values, **supported(io.Schema, search_aliases=list(aliases))
    )


# Networks in memory


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


def manage(network: Network, source: str | Path) -> ManagedNetwork[Network]:
    """Put a network under ComfyUI's memory management; `source` is the file of its weights."""
    # Newer versions split ModelPatcher: CoreModelPatcher is the one for whole modules.
    patcher = getattr(comfy.model_patcher, "CoreModelPatcher", comfy.model_patcher.ModelPatcher)
    return ManagedNetwork(
        patcher(
            PaniniModule(network),
            load_device=memory.get_torch_device(),
            offload_device=memory.unet_offload_device(),
        ),
        Path(source),
    )


def load_panini(model: ManagedNetwork[PaniniNet]) -> tuple[PaniniNet, int]:
    """The network on its device, and how many faces go through it together.

    On a CPU one by one: a batch is no quicker there, and results do not depend on who else is in
    the picture, to the bit.
    """
    network = model.network
    batch = 1 if memory.is_device_cpu(model.patcher.load_device) else DEFAULT_BATCH
    largest = max(
        width * (4 * 2**level) ** 2 for level, width in enumerate(network.config.prior_channels)
    )
    working_memory = batch * largest * network.dtype.itemsize * LIVE_FEATURES
    return model.load(working_memory=working_memory), batch


_parsers: dict[str, ManagedNetwork[Any]] = {}  # by fingerprint; only the last one


def parse_masks(crops: Tensor) -> Tensor:
    """Masks (F, 1, M, M) of skin and features of crops (F, 3, S, S).

    Raises FileNotFoundError without a parser's file, ImportError without facexlib.
    """
    name = next((name for name in PARSER_FILES if name in list_files(DETECTOR_FOLDER)), None)
    if name is None:
        raise FileNotFoundError(
            f"mask_source parse needs {' or '.join(PARSER_FILES)} (as of facexlib's releases) in "
            f"models/{DETECTOR_FOLDER}: put one there, or choose soft."
        )
    known = fingerprint(DETECTOR_FOLDER, name)
    if known not in _parsers:
        path = find_file(DETECTOR_FOLDER, name)
        parser = manage(core.load_parser(path), path)
        _parsers.clear()
        _parsers[known] = parser
    return core.parse_faces(_parsers[known].load(), crops).to(crops.device)


def apply_image_model(descriptor: Any, images: Tensor, progress: Progress) -> Tensor:
    """What a model of ComfyUI's upscale model loader (spandrel) makes of (N, 3, H, W) in [0, 1].

    One image at a time. Face restorers take and give [-1, 1]; spandrel leaves that to the caller.
    """
    device = memory.get_torch_device()
    working_memory = images[:1].numel() * images.element_size() * IMAGE_MODEL_FACTOR
    memory.free_memory(memory.module_size(descriptor.model) + working_memory, device)
    descriptor.to(device)
    results: list[Tensor] = []
    try:
        for index, image in enumerate(images):
            picture = image[None].to(device, descriptor.dtype)
            if descriptor.purpose == "FaceSR":
                output = descriptor.model(picture * 2 - 1)
                output = output[0] if isinstance(output, (tuple, list)) else output
                result = (output + 1) / 2
            else:
                result = descriptor(picture)
            results.append(result.float().clamp(0, 1).cpu())
            progress(index + 1, len(images))
    finally:
        descriptor.to("cpu")
    return torch.cat(results)


# Images


def to_images(image: Tensor) -> Tensor:
    """IMAGE (N, H, W, 1, 3 or 4) -> (N, 3, H, W) RGB, a view where it can be; alpha is left out."""
    if image.ndim != 4 or image.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"Expected an IMAGE (N, H, W, 1, 3 or 4 channels), got {tuple(image.shape)}."
        )
    images = image.movedim(-1, 1)
    return images.expand(-1, 3, -1, -1) if image.shape[-1] == 1 else images[:, :3]


def to_image(images: Tensor, like: Tensor | None = None) -> Tensor:
    """(N, 3, H, W) -> IMAGE (N, H, W, 3) on ComfyUI's intermediate device.

    `like`: the IMAGE that it came from, whose type it gets, and whose alpha channel (enlarged
    where the picture was).
    """
    image = images.movedim(1, -1)
    if like is not None:
        image = image.to(like.dtype)
        if like.shape[-1] == 4:
            alpha = like[..., 3:].movedim(-1, 1)
            if alpha.shape[-2:] != images.shape[-2:]:
                alpha = nn.functional.interpolate(
                    alpha.float(), images.shape[-2:], mode="bilinear"
                ).to(like.dtype)
            image = torch.cat([image, alpha.movedim(1, -1).to(image)], dim=-1)
    return image.to(memory.intermediate_device())


def to_mask(masks: Tensor) -> Tensor:
    """(N, 1, H, W) -> MASK (N, H, W), float32."""
    return masks[:, 0].float().to(memory.intermediate_device())


def blank(count: int, height: int, width: int) -> Tensor:
    """Black images (N, 3, H, W), where a node has nothing to show but another one waits."""
    return torch.zeros((1, 3, 1, 1)).expand(count, 3, height, width)


# Progress


class Progress:
    """A node's progress bar; also stops the work when the user interrupts."""

    def __init__(self, *, preview: bool = False) -> None:
        self.preview = preview
        self.bar: Any = None

    def __call__(self, done: int, total: int, latest: Tensor | None = None) -> None:
        """`latest`: crops (k, 3, R, R) of which the last one is shown. Raises when interrupted."""
        memory.throw_exception_if_processing_interrupted()
        if self.bar is None:
            self.bar = comfy.utils.ProgressBar(total)
        picture = None
        if self.preview and latest is not None and len(latest):
            picture = ("JPEG", core.to_pillow(latest[-1]), PREVIEW_SIDE)
        self.bar.update_absolute(done, total, picture)


# Pictures for the browser


def save_preview(image: Tensor, *, longest: int | None = None) -> dict[str, str]:
    """Write (3, H, W) in [0, 1] to ComfyUI's temporary folder; a reference for its /view route.

    `longest`: shrink it so that no side is longer, px.
    """
    picture = core.to_pillow(image)
    if longest is not None:
        picture.thumbnail((longest, longest))
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    name = f"panini_{uuid.uuid4().hex}.webp"
    picture.save(folder / name, quality=PREVIEW_QUALITY)
    return {"filename": name, "subfolder": "", "type": "temp"}
