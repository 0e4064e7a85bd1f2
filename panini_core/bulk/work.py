"""The stages of a bulk run, each a worker's: read, detect, restore, write.

A worker gets tasks and returns them further on. What goes wrong with a picture becomes its
`problem`, and the later stages leave it alone.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq
import torch
from torch import Tensor

from ..checkpoints.detector import load_detector
from ..checkpoints.image_models import load_restorer, load_upscaler
from ..checkpoints.parser import load_parser
from ..compute import choose_device, choose_dtype
from ..faces import Face, FaceSet
from ..images import (
    ImageFile,
    ImageFileError,
    check_writable,
    decode_images,
    encode_file,
    have_same_format,
    lost_on_writing,
)
from ..models.compiled import compile_restorer
from ..models.transfer import to_device
from ..options import AUTO
from ..pipeline import describe_left_alone, describe_restored, restore_aligned
from ..stages.align import align_faces, whole_picture_faces
from ..stages.chunks import default_batch
from ..stages.detect import detect_faces
from ..stages.grouping import rows_of_images
from ..stages.paste import paste_onto_images
from ..stages.paste_masks import paste_masks
from ..stages.restore import check_choices, restore_faces
from ..stages.selection import select_faces, sort_faces
from .items import Item, Kind
from .manifest import DONE, FAILED, NOTHING_TO_DO, Record
from .packing import PackedImage
from .recipe import Recipe
from .sources import list_columns
from .storage import Folder, open_file, read_bytes

MOST_PIXELS = 64_000_000  # of pictures that are restored together: 28 bytes each, once as floats
UNCHANGED = "unchanged"  # an outcome that becomes the one that stood there before


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A picture on its way: what the stages so far have found and made."""

    item: Item
    content: str = ""  # hash of the picture's bytes
    data: bytes = b""
    images: tuple[PackedImage, ...] = ()  # several of an animation or a TIFF with pages
    faces: tuple[tuple[Face, ...], ...] = ()  # of each image, numbered
    restored: int = 0
    found: int = 0
    problem: str = ""
    unchanged: bool = False  # the result that is there was made of the same bytes

    @property
    def is_over(self) -> bool:
        return bool(self.problem) or self.unchanged

    @property
    def left_alone(self) -> int:
        """How many of its faces no landmarks fit."""
        return sum(not face.reliable for own in self.faces for face in own)

    def fail(self, error: Exception | str) -> Task:
        """The task with its problem, and without what weighs."""
        if isinstance(error, ImageFileError):  # the record names the file
            text = f"expected {error.expected}, got {error.got}. {error.remedy}"
        elif isinstance(error, (str, ValueError, ImportError)):
            text = str(error)
        else:
            text = f"{type(error).__name__}: {error}"
        return replace(self, problem=text, data=b"", images=(), faces=())


Stage = Callable[[Sequence[Task]], "list[Task]"]
Each = TypeVar("Each")
Rows = dict[
    tuple[str, int], "bytes | Exception"
]  # by list and number: bytes, or why there are none


def one_by_one(tasks: Sequence[Task], work: Callable[[Task], Task]) -> list[Task]:
    """Each task's work; its error is its own."""
    done: list[Task] = []
    for task in tasks:
        try:
            done.append(task if task.is_over else work(task))
        except Exception as error:
            done.append(task.fail(error))
    return done


class Read:
    """Reads and decodes; on CPUs, beside what the others do."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def __call__(self, tasks: Sequence[Task]) -> list[Task]:
        rows = _read_rows([task.item for task in tasks if task.item.kind is Kind.ROW])
        return one_by_one(tasks, lambda task: self._read(task, rows))

    def _read(self, task: Task, rows: Rows) -> Task:
        item = task.item
        if item.problem:
            return task.fail(item.problem)
        if item.kind is Kind.ROW:
            data = rows.get((item.address, item.offset))
            if data is None:
                return task.fail("expected a picture, got a list without this row")
            if isinstance(data, Exception):
                raise data
        elif item.kind is Kind.MEMBER:
            data = read_bytes(item.address, item.offset, item.length)
            if len(data) < item.length:
                return task.fail(
                    f"expected {item.length} bytes of a member, got {len(data)}: the tar is cut off"
                )
        else:
            data = read_bytes(item.address)
        if not data:
            return task.fail("expected a picture, got no bytes")
        content = hashlib.blake2b(data, digest_size=16).hexdigest()
        if content == item.known:
            return replace(task, content=content, unchanged=True)
        images = tuple(PackedImage.pack(one) for one in decode_images(Path(item.name), data))
        target = self._target(item, images[0].image)
        check_writable(target, images[0].unpack())  # before the work, not after it
        return replace(
            task,
            item=replace(item, target=target),
            content=content,
            data=data,
            images=images,
        )

    def _target(self, item: Item, first: ImageFile) -> str:
        """A GIF is written as one again only where it is an animation."""
        return item.still if item.still and first.place is None else item.target


def _read_rows(items: Sequence[Item]) -> Rows:
    """The rows of lists, each group of rows read once."""
    wanted: dict[str, set[int]] = {}
    for item in items:
        wanted.setdefault(item.address, set()).add(item.offset)
    found: Rows = {}
    for address, numbers in wanted.items():
        try:
            for number, value in _rows_of(address, numbers):
                found[address, number] = value
        except Exception as error:
            found = {(address, number): error for number in numbers} | found
    return found


def _rows_of(address: str, numbers: set[int]) -> Iterator[tuple[int, bytes | Exception]]:
    """Those of one list; the error of a damaged group in place of its rows."""
    with open_file(address) as file:
        table = pq.ParquetFile(file)
        column = list_columns(table)["bytes"]
        start = 0
        for group in range(table.num_row_groups):
            end = start + table.metadata.row_group(group).num_rows
            left = {number - start for number in numbers if start <= number < end}
            try:
                for place, value in _values(table, group, column, set(left)):
                    yield start + place, value
                    left.remove(place)
            except Exception as error:
                yield from ((start + place, error) for place in left)
            start = end


def _values(
    table: pq.ParquetFile, group: int, column: str, places: set[int]
) -> Iterator[tuple[int, bytes]]:
    """The bytes at some places of a group of rows; a few rows in memory at a time."""
    if not places:
        return
    start = 0
    for batch in table.iter_batches(batch_size=64, row_groups=[group], columns=[column]):
        for place in sorted(places):
            if start <= place < start + len(batch):
                value = batch.slice(place - start, 1).to_pylist()[0]
                for part in column.split("."):
                    value = None if value is None else value[part]
                yield place, value or b""
        start += len(batch)
        if start > max(places):
            return


class Detect:
    """Finds the faces; holds a detector."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        self._options = recipe.options
        self._detector = None
        self._device = choose_device(device)
        if recipe.detector is not None:
            self._detector = load_detector(recipe.detector, device=self._device)

    def __call__(self, tasks: Sequence[Task]) -> list[Task]:
        return one_by_one(tasks, self._detect)

    def _detect(self, task: Task) -> Task:
        faces = tuple(tuple(self._find(packed)) for packed in task.images)
        return replace(task, faces=faces, found=sum(map(len, faces)))

    def _find(self, packed: PackedImage) -> list[Face]:
        pixels = packed.unpack().pixels
        if self._detector is None:
            return list(whole_picture_faces(pixels[None]).faces)
        options = self._options
        found = detect_faces(
            self._detector,
            to_device(pixels[None], self._device),
            threshold=options.threshold,
            min_size=options.min_size,
            max_size=options.max_size or float("inf"),
        )
        height, width = pixels.shape[1:]
        return sort_faces(found, options.sort, height=height, width=width)


class Restore:
    """Restores and pastes the selected faces of several pictures together; holds the networks."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        self._options = recipe.options
        self._aligned = recipe.detector is None
        where = choose_device(device)
        dtype = None if recipe.dtype == AUTO else choose_dtype(recipe.dtype, where)
        self._model = load_restorer(recipe.model, device=where, dtype=dtype)
        check_choices(self._model, recipe.options)
        if recipe.compiled:
            compile_restorer(self._model)
        self._parser = None if recipe.parser is None else load_parser(recipe.parser, device=where)
        self._upscaler = None
        if recipe.upscaler is not None:
            self._upscaler = load_upscaler(recipe.upscaler, device=where)

    def __call__(self, tasks: Sequence[Task]) -> list[Task]:
        done: list[Task] = []
        for few in self._portions([task for task in tasks if not task.is_over], _pixels_of_task):
            try:
                done += self._restore(few)
            except Exception:  # one picture's fault: find out whose
                done += one_by_one(few, lambda task: self._restore([task])[0])
        after = iter(done)
        return [task if task.is_over else next(after) for task in tasks]

    def _portions(
        self, values: Sequence[Each], pixels_of: Callable[[Each], int]
    ) -> list[list[Each]]:
        """The values in order, as many together as MOST_PIXELS allow in results, at least one.

        One by one where their faces go through the network so anyway.
        """
        batch = self._options.batch or default_batch(self._model.device)
        most = MOST_PIXELS / max(1, self._options.upscale) ** 2 if batch > 1 else 0
        portions: list[list[Each]] = []
        room = 0.0
        for value in values:
            pixels = pixels_of(value)
            if not portions or pixels > room:
                portions.append([])
                room = most
            portions[-1].append(value)
            room -= pixels
        return portions

    def _restore(self, tasks: Sequence[Task]) -> list[Task]:
        """Tasks whose faces were found, all together as far as memory allows."""
        found = [own for task in tasks for own in task.faces]
        images = [packed for task in tasks for packed in task.images]
        results: list[tuple[PackedImage, int]] = []
        for few in self._portions(list(zip(images, found, strict=True)), _pixels_of_pair):
            results += self._restore_images(*zip(*few, strict=True))
        after = iter(results)
        done: list[Task] = []
        for task in tasks:
            own = [next(after) for _ in task.images]
            restored = sum(count for _, count in own)
            done.append(replace(task, images=tuple(one for one, _ in own), restored=restored))
        return done

    def _restore_images(
        self, packed: Sequence[PackedImage], found: Sequence[Sequence[Face]]
    ) -> list[tuple[PackedImage, int]]:
        """Images, and how many faces of each were restored."""
        images = [one.unpack() for one in packed]
        pixels = [to_device(image.pixels, self._model.device) for image in images]
        chosen = [self._select(own, one) for own, one in zip(found, pixels, strict=True)]
        paste = self._restore_whole if self._aligned else self._restore_faces
        return [
            (PackedImage.pack(image.with_pixels(result.cpu())), len(own))
            for image, own, result in zip(images, chosen, paste(pixels, chosen), strict=True)
        ]

    def _select(self, faces: Sequence[Face], pixels: Tensor) -> list[Face]:
        options = self._options
        height, width = pixels.shape[1:]
        return select_faces(
            faces, options.faces, height=height, width=width, max_faces=options.max_faces
        )

    def _restore_faces(
        self, pixels: Sequence[Tensor], faces: Sequence[Sequence[Face]]
    ) -> list[Tensor]:
        """Photographs (3, H, W) of any sizes, and those of their faces that are restored."""
        sets: list[FaceSet] = []
        for index, (one, own) in enumerate(zip(pixels, faces, strict=True)):
            cut = align_faces(one[None], own, size=self._model.input_size)
            placed = (replace(face, image_index=index) for face in cut.faces)
            sets.append(replace(cut, faces=tuple(placed)))
        restored = restore_faces(self._model, FaceSet.join(sets), options=self._options)
        rows = rows_of_images(restored.face_set.faces)
        masks = paste_masks(
            restored.face_set, restored.crops.shape[-1], self._options, self._parser
        )
        pasted = paste_onto_images(
            pixels,
            restored,
            [rows.get(index, []) for index in range(len(pixels))],
            self._options,
            masks=masks,
            upscaler=self._upscaler,
        )
        return [picture for picture, _ in pasted]

    def _restore_whole(
        self, pixels: Sequence[Tensor], faces: Sequence[Sequence[Face]]
    ) -> list[Tensor]:
        """Aligned faces (3, S, S); those of one size together."""
        sizes: dict[torch.Size, list[int]] = {}
        for index, one in enumerate(pixels):
            sizes.setdefault(one.shape, []).append(index)
        results = list(pixels)
        for indices in sizes.values():
            images = torch.stack([pixels[index] for index in indices])
            after, _ = restore_aligned(self._model, images, self._options, parser=self._parser)
            for index, result in zip(indices, after, strict=True):
                results[index] = result
        return results


def _pixels_of(packed: PackedImage) -> int:
    height, width = packed.pixels.shape[-2:]
    return height * width


def _pixels_of_task(task: Task) -> int:
    return sum(map(_pixels_of, task.images))


def _pixels_of_pair(pair: tuple[PackedImage, Sequence[Face]]) -> int:
    return _pixels_of(pair[0])


class Write:
    """Encodes and writes results; returns what was done."""

    def __init__(self, recipe: Recipe, output: Folder) -> None:
        self._recipe = recipe
        self._output = output

    def __call__(self, tasks: Sequence[Task]) -> list[Task]:
        return one_by_one(tasks, self._write)

    def _write(self, task: Task) -> Task:
        target = task.item.target
        same = self._recipe.options.upscale == 1 and self._recipe.upscaler is None
        if not task.restored and same and have_same_format(task.item.name, target):
            data = task.data
        else:
            data = encode_file(target, (packed.unpack() for packed in task.images))
        self._output.write(target, data)
        return replace(task, data=b"")

    def record(self, task: Task) -> Record:
        """What the manifest says about a task that is over or written."""
        item, recipe = task.item, self._recipe
        outcome, reason = DONE, ""
        if task.problem:
            outcome, reason = FAILED, task.problem
        elif task.unchanged:
            outcome = UNCHANGED
        elif not task.restored:
            outcome, reason = NOTHING_TO_DO, _why_none(task, recipe)
        return Record(
            name=item.name,
            source=item.source,
            version=item.version,
            content=task.content,
            target="" if task.problem else item.target,
            outcome=outcome,
            faces=task.restored,
            reason=reason,
            notes="; ".join(_notes(task)),
            recipe=recipe.mark,
            model=recipe.label,
            options=recipe.text,
        )


def check_recipe(recipe: Recipe) -> None:
    """Loads once, on the CPU, what every worker will load: what is wrong shows before the run.

    Raises ValueError, OSError or ImportError for files and choices that cannot be used.
    """
    Detect(recipe, "cpu")
    Restore(recipe, "cpu")


def _why_none(task: Task, recipe: Recipe) -> str:
    drawn = "" if recipe.upscaler is None else " It was drawn by the upscale model."
    if not task.found:
        return f"No face was found.{drawn}"
    note = describe_restored(0, task.found, task.left_alone, recipe.options.faces)
    return f"{note}{drawn}"


def _notes(task: Task) -> list[str]:
    notes = dict.fromkeys(note for packed in task.images for note in packed.image.notes)
    if task.images and not have_same_format(task.item.name, task.item.target):
        first = task.images[0].image
        suffix = posixpath.splitext(task.item.target)[1]
        notes[f"{first.format} was written as {suffix[1:].upper()}"] = None
        if lost := lost_on_writing(task.item.target, first):
            notes[f"not kept: {', '.join(lost)}"] = None
    if task.restored and task.left_alone:
        notes[describe_left_alone(task.left_alone)] = None
    return list(notes)
