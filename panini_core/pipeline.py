"""The whole way of an image: detect, align, represent the degradation, restore, paste back."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .faces import (
    DegradationRepresentation,
    Face,
    FaceSet,
    InterpolationWeights,
    RestoredFaces,
)
from .models.face_detector import FaceDetector
from .models.face_parser import FaceParser
from .models.face_restorer import FaceRestorer
from .models.image_upscaler import ImageUpscaler
from .models.panini import PaniniNet
from .options import RestoreOptions
from .stages.align import align_faces, whole_picture_faces
from .stages.alpha import weigh_features
from .stages.chunks import OnChunk, OnImage
from .stages.clip import detect_in_clip
from .stages.detect import detect_faces
from .stages.grouping import Group, group_images, rows_of_images
from .stages.paste import paste_faces, paste_onto_images
from .stages.paste_masks import paste_masks
from .stages.represent import represent_degradation
from .stages.restore import check_choices, restore_faces
from .stages.selection import select_faces, sort_faces
from .stages.smooth import smooth_faces, smooth_in_passing
from .stages.steady import steady_in_passing

# So many crops are held at a time; where they are pasted, those of one image if it has more.
FACES_PER_GROUP = 32


@dataclass(frozen=True, slots=True, eq=False)
class ImageReport:
    """What happened to one image of a batch."""

    # In the order of their numbers, where the detector saw them or (`Face.filled`) where they were
    # filled in between frames of a clip.
    found: tuple[Face, ...]
    selected: tuple[bool, ...]  # which of them were selected, and so restored
    note: str  # a sentence or two

    @property
    def left_alone(self) -> int:
        """How many of the faces found are left alone, since no landmarks fit them."""
        return sum(not face.reliable for face in self.found)


@dataclass(frozen=True, slots=True, eq=False)
class Restoration:
    """The result of a batch, and how it came about."""

    images: Tensor  # (N, 3, upscale * H, upscale * W), type and device of the input
    masks: Tensor  # (N, 1, upscale * H, upscale * W) in [0, 1]: where faces were drawn
    restored: RestoredFaces | None  # the selected faces, before and after; None: not kept
    reports: tuple[ImageReport, ...]  # one an image
    seconds: float  # for the whole batch


def restore_images(
    detector: FaceDetector,
    model: FaceRestorer,
    images: Tensor,
    options: RestoreOptions | None = None,
    *,
    upscaler: ImageUpscaler | None = None,
    parser: FaceParser | None = None,
    on_image: OnImage | None = None,
    on_chunk: OnChunk | None = None,
) -> Tensor:
    """Restore the faces of a batch of images (N, 3, H, W), RGB in [0, 1].

    `options` None: the defaults. `upscaler`: draws what is around the faces (see `paste_faces`),
    of every image. `parser`: for mask_source `parse` and `auto`.
    While faces are searched `on_image(done, total)` is called, then,
    as they are restored, `on_chunk(done, total, latest)` with the latest crops (k, 3, R, R) in
    [0, 1]; both count over the whole batch, and may raise to stop. Returns
    (N, 3, upscale * H, upscale * W) in the images' type, on their device; pixels away from
    restored faces, and images without one, are the input's, unless there is an upscaler.
    """
    return restore_images_with_report(
        detector,
        model,
        images,
        options,
        upscaler=upscaler,
        keep_faces=False,
        parser=parser,
        on_image=on_image,
        on_chunk=on_chunk,
    ).images


def restore_images_with_report(
    detector: FaceDetector,
    model: FaceRestorer,
    images: Tensor,
    options: RestoreOptions | None = None,
    *,
    upscaler: ImageUpscaler | None = None,
    keep_faces: bool = True,
    parser: FaceParser | None = None,
    on_image: OnImage | None = None,
    on_chunk: OnChunk | None = None,
) -> Restoration:
    """As `restore_images`, with the masks, the faces before and after, and a report an image.

    The images are worked through a few at a time. Beside them and the results, the memory needed
    does not grow with their number if `keep_faces` is False: then `Restoration.restored` is None.
    With `options.smoothing` the images are frames of a clip: faces are followed, also through
    frames that hardly show them or miss them (see `detect_in_clip`), numbers, order and limit are
    those of the tracks, and places, DR and the restored faces are steadied over time (see
    `smooth_faces`, `steady_faces`). The crops of the frames that this looks ahead are held as well.
    Faces of several images go through the network together, in chunks of `options.batch` (None: as
    suits the device, see `default_batch`), which become smaller when memory runs out. Its
    arithmetic may depend on the size of a chunk in the last bits: with a batch of 1 every image's
    result is the same whatever the others are.
    """
    options = options or RestoreOptions()
    check_choices(model, options)
    start = time.perf_counter()

    # Stage one: where the faces are, in all images
    found = _find(detector, images, options, on_image)
    height, width = images.shape[-2:]
    selected = select_faces(
        found, options.faces, height=height, width=width, max_faces=options.max_faces
    )
    smooth = smooth_faces(selected, options.smoothing)
    groups = group_images(smooth, len(images), max(FACES_PER_GROUP, options.batch or 0))

    # Stages two and three, and back into the photographs
    size = (round(height * options.upscale), round(width * options.upscale))
    result = images.new_empty((len(images), 3, *size))
    masks = images.new_empty((len(images), 1, *size))
    kept: list[RestoredFaces] = []
    aligned = _align(model, images, smooth, groups, options)
    parts = _restore(model, groups, aligned, options, on_chunk)
    for frames, restored in steady_in_passing(parts, options.smoothing):
        rows = rows_of_images(restored.face_set.faces)
        drawn = paste_masks(restored.face_set, restored.crops.shape[-1], options, parser)
        paste_onto_images(
            [images[index] for index in frames],
            restored,
            [rows.get(index, []) for index in frames],
            options,
            masks=drawn,
            upscaler=upscaler,
            into=[(result[index], masks[index]) for index in frames],
        )
        if keep_faces:
            kept.append(restored)

    reports = _report(found, selected, len(images), options.faces)
    seconds = time.perf_counter() - start
    return Restoration(result, masks, _join(kept) if keep_faces else None, reports, seconds)


def _find(
    detector: FaceDetector, images: Tensor, options: RestoreOptions, on_image: OnImage | None
) -> list[Face]:
    """The faces of all images in the order of their numbers, in a clip with their tracks."""
    detect = detect_in_clip if options.smoothing else detect_faces
    found = detect(
        detector,
        images,
        threshold=options.threshold,
        min_size=options.min_size,
        max_size=options.max_size or math.inf,
        on_image=on_image,
    )
    height, width = images.shape[-2:]
    return sort_faces(found, options.sort, height=height, width=width)


def restore_aligned(
    model: FaceRestorer,
    images: Tensor,
    options: RestoreOptions | None = None,
    *,
    parser: FaceParser | None = None,
) -> tuple[Tensor, RestoredFaces]:
    """Restore aligned faces: square images (N, 3, S, S), RGB in [0, 1], in FFHQ's framing.

    `parser`: for mask_source `parse` and `auto`. With `soft` the whole picture is drawn.

    Returns (N, 3, upscale * S, upscale * S) in the images' type, on their device, and the faces
    before and after. Raises ValueError for other shapes.
    """
    options = options or RestoreOptions()
    restored = restore_faces(model, whole_picture_faces(images), options=options)
    size = restored.crops.shape[-1]
    masks = paste_masks(restored.face_set, size, options, parser, border=False)
    return paste_faces(images, restored, options, masks=masks), restored


def represent_in_images(
    model: PaniniNet, images: Tensor, faces: Sequence[Face], *, batch: int | None = None
) -> DegradationRepresentation:
    """The degradation representation of each face of a batch of images (N, 3, H, W), [0, 1].

    As of their crops (see `represent_degradation`), which are cut out a few at a time and not
    kept: the memory needed does not grow with their number. Faces that `align_faces` leaves out
    have none.
    """
    vectors = [torch.empty((0, model.config.degradation_size), device=model.device)]
    most = max(FACES_PER_GROUP, batch or 0)
    for start in range(0, len(faces), most):
        chunk = faces[start : start + most]
        aligned = align_faces(images, chunk, size=model.input_size)
        vectors.append(represent_degradation(model, aligned, batch=batch).vectors)
    return DegradationRepresentation(torch.cat(vectors))


def _align(
    model: FaceRestorer,
    images: Tensor,
    faces: Sequence[Face],
    groups: Sequence[Group],
    options: RestoreOptions,
) -> Iterator[tuple[FaceSet, InterpolationWeights | None]]:
    """The crops of each group, and their weights where these are steadied over time."""
    size = model.input_size
    aligned = (align_faces(images, faces[group.faces], size=size) for group in groups)
    if options.smoothing == 0 or not isinstance(model, PaniniNet):
        yield from ((crops, None) for crops in aligned)
        return
    batch = options.batch
    represented = ((crops, represent_degradation(model, crops, batch=batch)) for crops in aligned)
    for crops, degradation in smooth_in_passing(represented, options.smoothing):
        yield crops, weigh_features(model, degradation, batch=batch)


def _restore(
    model: FaceRestorer,
    groups: Sequence[Group],
    aligned: Iterable[tuple[FaceSet, InterpolationWeights | None]],
    options: RestoreOptions,
    on_chunk: OnChunk | None,
) -> Iterator[tuple[range, RestoredFaces]]:
    """The images of each group, and their restored faces."""
    total = groups[-1].faces.stop
    for group, (faces, weights) in zip(groups, aligned, strict=True):
        count_on = _count_on(on_chunk, group.faces.start, total)
        yield group.images, restore_faces(model, faces, weights, options, on_chunk=count_on)


def _count_on(on_chunk: OnChunk | None, before: int, total: int) -> OnChunk | None:
    """Counts a group's faces among all."""
    if on_chunk is None:
        return None
    return lambda done, _, latest: on_chunk(before + done, total, latest)


def _join(parts: Sequence[RestoredFaces]) -> RestoredFaces:
    """The faces of all groups (at least one) as one set."""
    crops = torch.cat([part.crops for part in parts])
    return RestoredFaces(FaceSet.join([part.face_set for part in parts]), crops)


def _report(
    found: Sequence[Face], chosen: Sequence[Face], count: int, rule: str
) -> tuple[ImageReport, ...]:
    """What happened to each of `count` images."""
    keys = {(face.image_index, face.number) for face in chosen}
    rows = rows_of_images(found)
    reports: list[ImageReport] = []
    for index in range(count):
        own = tuple(found[row] for row in rows.get(index, []))
        selected = tuple((index, face.number) in keys for face in own)
        left_alone = sum(not face.reliable for face in own)
        filled = sum(one and face.filled for one, face in zip(selected, own, strict=True))
        note = "No face was found, so nothing was restored."
        if own:
            note = describe_restored(sum(selected), len(own), left_alone, rule, filled=filled)
        reports.append(ImageReport(own, selected, note))
    return tuple(reports)


def describe_restored(
    restored: int, found: int, left_alone: int, rule: str, *, filled: int = 0
) -> str:
    """Sentences about the faces of a picture: how many of those found were restored, and why not.

    left_alone: those that no landmarks fit; rule: which others were to be restored; filled: of the
    restored ones, those that were not found but filled in between frames.
    """
    if not restored and left_alone < found:
        note = f"{rule!r} names none of the {found} faces found."
    else:
        note = f"{restored} of {found} faces found were restored."
    if filled:
        note += f" Filled in between frames: {filled}."
    return f"{note} {describe_left_alone(left_alone)}" if left_alone else note


def describe_left_alone(count: int) -> str:
    return f"Left alone, since no landmarks fit: {count}."
