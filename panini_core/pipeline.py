"""The whole way of an image: detect, align, represent the degradation, restore, paste back."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .align import align_faces
from .chunks import OnChunk
from .degradation import apply_fidelity, represent_degradation, weigh_features
from .detect import detect_faces
from .faces import Face, FaceSet, RestoredFaces
from .models.face_detector import FaceDetector
from .models.panini import PaniniNet
from .options import RestoreOptions
from .paste import paste_faces_with_mask
from .restore import restore_faces
from .selection import select_faces, sort_faces


@dataclass(frozen=True, slots=True, eq=False)
class ImageReport:
    """What happened to one image of a batch."""

    found: tuple[Face, ...]  # in the order of their numbers
    restored: tuple[bool, ...]  # which of them were restored
    note: str  # one sentence


@dataclass(frozen=True, slots=True, eq=False)
class Restoration:
    """The result of a batch, and how it came about."""

    images: Tensor  # (N, 3, upscale * H, upscale * W), type and device of the input
    masks: Tensor  # (N, 1, upscale * H, upscale * W) in [0, 1]: where faces were drawn
    restored: RestoredFaces  # the selected faces, before and after, of all images
    reports: tuple[ImageReport, ...]  # one an image
    seconds: float  # for the whole batch


def restore_images(
    detector: FaceDetector,
    model: PaniniNet,
    images: Tensor,
    options: RestoreOptions | None = None,
    *,
    on_chunk: OnChunk | None = None,
) -> Tensor:
    """Restore the faces of a batch of images (N, 3, H, W), RGB in [0, 1].

    `options` None: the defaults. `on_chunk(done, total)` is called as faces are restored, and may
    raise to stop. Returns (N, 3, upscale * H, upscale * W) in the images' type, on their device;
    pixels away from restored faces, and images without one, are the input's.
    """
    return restore_images_with_report(detector, model, images, options, on_chunk=on_chunk).images


def restore_images_with_report(
    detector: FaceDetector,
    model: PaniniNet,
    images: Tensor,
    options: RestoreOptions | None = None,
    *,
    on_chunk: OnChunk | None = None,
) -> Restoration:
    """As `restore_images`, with the masks, the faces before and after, and a report an image.

    All selected faces of all images go through the network together, in chunks of
    `options.batch`; when memory runs out the chunks become smaller.
    """
    options = options or RestoreOptions()
    start = time.perf_counter()

    # Stage one: where the faces are, upright and in FFHQ's framing
    found = detect_faces(
        detector,
        images,
        threshold=options.threshold,
        min_size=options.min_size,
        max_size=options.max_size or math.inf,
    )
    height, width = images.shape[-2:]
    found = sort_faces(found, options.sort, height=height, width=width)
    selected = select_faces(
        found, options.faces, height=height, width=width, max_faces=options.max_faces
    )
    faces = align_faces(images, selected, size=model.config.input_size)

    # Stages two and three: how they are degraded, what that says about the prior's share, and
    # the restored faces
    restored = _restore(model, faces, options, on_chunk)

    # Last stage: back into the photographs
    result, masks = paste_faces_with_mask(
        images,
        restored,
        feather=options.feather,
        strength=options.strength,
        match_colour=options.match_colour,
        upscale=options.upscale,
    )
    reports = tuple(
        _report([face for face in found if face.image_index == index], selected, options.faces)
        for index in range(len(images))
    )
    return Restoration(result, masks, restored, reports, time.perf_counter() - start)


@torch.inference_mode()
def _restore(
    model: PaniniNet, faces: FaceSet, options: RestoreOptions, on_chunk: OnChunk | None
) -> RestoredFaces:
    degradation = represent_degradation(model, faces, batch=options.batch)
    weights = apply_fidelity(weigh_features(model, degradation), options.fidelity)
    return restore_faces(model, faces, weights, batch=options.batch, on_chunk=on_chunk)


def _report(found: Sequence[Face], selected: Sequence[Face], rule: str) -> ImageReport:
    chosen = {id(face) for face in selected}
    restored = tuple(id(face) in chosen for face in found)
    if not found:
        note = "No face was found, so nothing was restored."
    elif not any(restored):
        note = f"{rule!r} names none of the {len(found)} faces found."
    else:
        note = f"{sum(restored)} of {len(found)} faces found were restored."
    return ImageReport(tuple(found), restored, note)
