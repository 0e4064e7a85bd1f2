"""Stage three: aligned faces and interpolation weights -> restored faces."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import torch
from torch import Tensor

from ..faces import Face, FaceSet, InterpolationWeights, RestoredFaces
from ..models.panini import PaniniNet
from ..models.value_range import from_network
from ..options import DEFAULT_BATCH
from .chunks import OnChunk, run_in_chunks
from .grouping import face_numbers
from .represent import network_input


@torch.no_grad()
def restore_faces(
    model: PaniniNet,
    faces: FaceSet,
    weights: InterpolationWeights | None = None,
    *,
    noise_seed: int = 0,
    noise_amount: float = 0.0,
    latent_pull: float = 0.0,
    batch: int = DEFAULT_BATCH,
    on_chunk: OnChunk | None = None,
) -> RestoredFaces:
    """Restore every face (section 3.2); `weights` None: as the model derives them from the faces.

    noise_amount: 0..1; the share of fresh noise, drawn from `noise_seed`, in the noise images of
    the GAN prior, which shape hair, pores and stubble. The paper keeps them fixed; StyleGAN varies
    them for diversity. The noise keeps its variance. It depends only on the seed and on the face's
    track, or on its number where it is not followed (see `face_numbers`): not on other images, so
    that it stands still in a clip. 0 is the stored noise, to the bit.
    latent_pull: 0..1; how far the W+ codes are moved toward the mean latent (StyleGAN's
    truncation): more typical faces, fewer accidents, less of the person.

    The faces go through the network in chunks of `batch`, which are halved when the device runs
    out of memory.

    Returns crops (F, 3, R, R) RGB float32 in [0, 1] on the faces' device, R the model's output
    size. Raises ValueError for values out of range, and if the weights are not for these faces or
    this model.
    """
    if weights is not None and len(weights) != len(faces):
        raise ValueError(
            f"Got interpolation weights for {len(weights)} faces, but {len(faces)} faces."
        )
    for name, value in (("noise_amount", noise_amount), ("latent_pull", latent_pull)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must lie in 0..1, got {value}.")

    numbers = _noise_numbers(faces.faces)

    def restore(chunk: slice) -> Tensor:
        alpha = None if weights is None else weights.alpha[chunk].to(model.device)
        noise = None
        if noise_amount > 0:
            noise = _mix_noise(model, numbers[chunk], noise_seed, noise_amount)
        images = network_input(model, faces.crops[chunk])
        restored = model(images, alpha, noise=noise, latent_pull=latent_pull)
        return from_network(restored.float()).to(faces.crops.device)

    size = model.config.output_size
    crops = [torch.empty((0, 3, size, size), device=faces.crops.device)]
    crops += run_in_chunks(restore, len(faces), batch=batch, device=model.device, on_chunk=on_chunk)
    return RestoredFaces(faces, torch.cat(crops))


def _noise_numbers(faces: Sequence[Face]) -> list[int]:
    """What tells the noise of one face from another's: its track, else its number."""
    return [
        number if face.track is None else face.track
        for face, number in zip(faces, face_numbers(faces), strict=True)
    ]


def _mix_noise(model: PaniniNet, numbers: Sequence[int], seed: int, amount: float) -> list[Tensor]:
    """The stored noise images with a share of fresh ones: (F, 1, s, s) each, variance kept.

    A seed and a number give the same fresh noise, drawn on the CPU for every device.
    """
    stored = model.gan_prior.fixed_noise()
    fresh: list[list[Tensor]] = [[] for _ in stored]
    for number in numbers:
        # A checksum, since torch's generator uses 32 bits of a seed only.
        generator = torch.Generator().manual_seed(zlib.crc32(f"{seed} {number}".encode()))
        for image, drawn in zip(stored, fresh, strict=True):
            drawn.append(torch.randn(image.shape, generator=generator))
    keep = math.sqrt(1 - amount**2)
    return [
        keep * image + amount * torch.cat(drawn).to(image)
        for image, drawn in zip(stored, fresh, strict=True)
    ]
