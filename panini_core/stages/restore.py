"""Stage three: aligned faces and interpolation weights -> restored faces."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..faces import Face, FaceSet, InterpolationWeights, RestoredFaces
from ..models.compiled import fill_up, size_to_fill
from ..models.face_restorer import CropRestorer, FaceRestorer
from ..models.panini import PaniniNet
from ..models.transfer import to_device, to_like
from ..models.value_range import from_network
from ..options import NetworkOptions
from .alpha import apply_fidelity
from .chunks import OnChunk, default_batch, run_in_chunks
from .grouping import face_numbers
from .per_face import values_of_faces
from .represent import network_input


@torch.no_grad()
def restore_faces(
    model: FaceRestorer,
    faces: FaceSet,
    weights: InterpolationWeights | None = None,
    options: NetworkOptions | None = None,
    *,
    on_chunk: OnChunk | None = None,
    **choices: Any,
) -> RestoredFaces:
    """Restore every face (section 3.2); `weights` None: as the model derives them from the faces.

    options: how; None: the defaults. `choices` replace some of them by name:
    - fidelity: 0..1; moves the weights, given or derived, as `apply_fidelity` does with the
      model's curve. A text such as `0.5; 2: 0.8` gives some faces another one, by their numbers
      (see `parse_per_face`).
    - noise_amount: 0..1; the share of fresh noise, drawn from `noise_seed`, in the noise images of
      the GAN prior, which shape hair, pores and stubble. The paper keeps them fixed; StyleGAN
      varies them for diversity. The noise keeps its variance. It depends only on the seed and on
      the face's track, or on its number where it is not followed (see `face_numbers`): not on other
      images, so that it stands still in a clip. 0 is the stored noise, to the bit.
    - latent_pull: 0..1; how far the W+ codes are moved toward the mean latent (StyleGAN's
      truncation): more typical faces, fewer accidents, less of the person.
    - batch: the faces go through the network in chunks of so many, None: as suits the device (see
      `default_batch`), which are halved when it runs out of memory.
    on_chunk(done, total, latest): called after each chunk with its crops; may raise to stop.

    Another method's network (`CropRestorer`) has no weights, noise or latents to choose, and a
    fidelity only if it is CodeFormer (its w). Its faces go through it one by one.

    Returns crops (F, 3, R, R) RGB float32 in [0, 1] on the faces' device, R the model's output
    size. Raises ValueError for values out of range, for what this model has no choice of, and if
    the weights are not for these faces or this model, TypeError for a choice that there is not.
    """
    options = replace(options or NetworkOptions(), **choices)
    check_choices(model, options)
    if isinstance(model, CropRestorer):
        if weights is not None:
            raise ValueError(
                f"{model.name} takes no interpolation weights, which are Panini's: leave them out, "
                "or load a Panini model."
            )
        restore, batch = _with_other(model, faces, options), 1
    else:
        restore, batch = _with_panini(model, faces, weights, options), options.batch
    size = model.output_size
    crops = [torch.empty((0, 3, size, size), device=faces.crops.device)]
    crops += run_in_chunks(restore, len(faces), batch=batch, device=model.device, on_chunk=on_chunk)
    return RestoredFaces(faces, torch.cat(crops))


def check_choices(model: FaceRestorer, options: NetworkOptions) -> None:
    """Raises ValueError for what was chosen about a network that has no such choice."""
    if isinstance(model, PaniniNet):
        return
    names = ["noise_amount", "latent_pull"] + ["fidelity"] * (not model.kind.has_fidelity)
    neutral = NetworkOptions()
    for name in names:
        value, default = getattr(options, name), getattr(neutral, name)
        if value != default:
            raise ValueError(
                f"{model.name} has no {name}, got {value}: set it to {default}, which is without "
                "effect, or use a Panini model. strength works with every restorer."
            )


def _with_other(
    model: CropRestorer, faces: FaceSet, options: NetworkOptions
) -> Callable[[slice], Tensor]:
    """Restores the one face of a slice with another method's network."""
    fidelity = values_of_faces(options.fidelity, faces.faces)

    def restore(chunk: slice) -> Tensor:
        images = network_input(model, faces.crops[chunk])
        return from_network(model(images, fidelity[chunk.start])).to(faces.crops.device)

    return restore


def _with_panini(
    model: PaniniNet,
    faces: FaceSet,
    weights: InterpolationWeights | None,
    options: NetworkOptions,
) -> Callable[[slice], Tensor]:
    """Restores the faces of a slice as the paper does (section 3.2)."""
    if weights is not None and len(weights) != len(faces):
        raise ValueError(
            f"Got interpolation weights for {len(weights)} faces, but {len(faces)} faces."
        )
    numbers = _noise_numbers(faces.faces)
    fidelity = values_of_faces(options.fidelity, faces.faces)

    def restore(chunk: slice) -> Tensor:
        images = network_input(model, faces.crops[chunk])
        if weights is None:
            alpha = model.predict_alpha(model.encode_degradation(images))
        else:
            alpha = to_device(weights.alpha[chunk], model.device)
        alpha = apply_fidelity(
            InterpolationWeights(alpha), fidelity[chunk], model.fidelity_curve
        ).alpha
        noise: list[Tensor] | None = None
        if options.noise_amount > 0:
            noise = _mix_noise(model, numbers[chunk], options.noise_seed, options.noise_amount)
        count = len(images)
        if model.fills_batches:
            size = size_to_fill(count, options.batch or default_batch(model.device))
            images, alpha = fill_up(images, size), fill_up(alpha, size)
            noise = noise and [fill_up(one, size) for one in noise]
        restored = model(images, alpha, noise=noise, latent_pull=options.latent_pull)[:count]
        return from_network(restored.float()).to(faces.crops.device)

    return restore


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
        keep * image + amount * to_like(torch.cat(drawn), image)
        for image, drawn in zip(stored, fresh, strict=True)
    ]
