"""The whole way of a film: read, detect, follow, restore, paste and write, frame after frame.

A film may be of any length: of its frames, only those are held that are on their way. It is read
twice, side by side: once to find the faces, which looks a little ahead, and once to restore them.
Finished parts stay, so that work that was stopped goes on there.
"""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from .checkpoints.whole_file import shorten_name, whole_file
from .faces import DegradationRepresentation, Face, FaceSet, InterpolationWeights, RestoredFaces
from .models.face_detector import FaceDetector
from .models.face_parser import FaceParser
from .models.face_restorer import FaceRestorer
from .models.image_upscaler import ImageUpscaler
from .models.panini import PaniniNet
from .models.transfer import to_device
from .options import FilmOptions, RestoreOptions
from .stages.align import align_faces
from .stages.alpha import weigh_features
from .stages.chunks import OnChunk, OnImage
from .stages.clip import Find, Look, detect_in_passing, finder
from .stages.grouping import rows_of_images
from .stages.paste import paste_onto_images
from .stages.paste_masks import paste_masks
from .stages.represent import represent_degradation
from .stages.restore import check_choices, restore_faces
from .stages.selection import select_in_passing
from .stages.smooth import REACH, Part, smooth_parts, smooth_stretches
from .stages.steady import frames_of_reach, steady_in_passing
from .stages.track import Stretch
from .video import Film, FilmFrame, VideoFileError
from .video.encoders import Coding, choose_coding
from .video.joining import join_parts
from .video.parts import bit_rate_of, part_path, part_times, write_part

PART_FRAMES = 250  # of a part: what is lost at most when work is stopped by force
FACES_PER_GROUP = 32  # crops that are held at a time, beside those that smoothing needs
_PARTS = ".parts"  # how the name of the folder of parts ends
_ABOUT = "film.json"  # in the folder of parts: which film they are of, and how it is restored
_FACES = "faces.jsonl"  # what was detected, in the order in which it was asked


@dataclass(slots=True)
class FilmFace:
    """Where a face was seen in a film, whether it was restored or not."""

    first: int  # frame
    last: int  # frame
    size: float  # px, the longer side of its largest box


@dataclass(slots=True)
class FilmReport:
    """What happened to a film."""

    frames: int = 0  # that were written
    resumed: int = 0  # of these, the ones of an earlier run
    restored: int = 0  # faces, each counted in every frame
    filled: int = 0  # of these, those that were filled in between frames
    left_alone: int = 0  # faces, likewise, since no landmarks fit them
    tracks: set[int] = field(default_factory=set[int])  # that were restored
    faces: dict[int, FilmFace] = field(default_factory=dict[int, FilmFace])  # seen, by number
    notes: list[str] = field(default_factory=list[str])  # what differs from the source, in words
    seconds: float = 0.0


def parts_folder(target: Path) -> Path:
    """Where the finished parts of a film lie until it is whole.

    Only a name that file systems would refuse with the ending is shortened, always to the same.
    """
    return target.with_name(f"{shorten_name(target.name, len(_PARTS))}{_PARTS}")


def restore_film(
    detector: FaceDetector,
    model: FaceRestorer,
    source: str | Path,
    target: str | Path,
    options: RestoreOptions | None = None,
    film_options: FilmOptions | None = None,
    *,
    parser: FaceParser | None = None,
    upscaler: ImageUpscaler | None = None,
    resume: bool = False,
    overwrite: bool = False,
    model_name: str = "",
    detector_name: str = "",
    parser_name: str = "",
    on_image: OnImage | None = None,
    on_chunk: OnChunk | None = None,
) -> FilmReport:
    """Restore the faces of a film into the file `target`, whose suffix names its format.

    Faces are followed from frame to frame until a cut, and with `options.smoothing`, in frames,
    steadied: their places, DR and the restored faces themselves. They are numbered as they appear
    in the film. `parser`: for mask_source `parse` and `auto`. `upscaler` draws what is around them
    (see `paste_faces`). Sound, subtitles, times, rotation, colours and their tags are kept;
    `film_options` says how the frames are coded, by default as the source's are. Values of pixels
    in which nothing was drawn are the source's, as the codec gives them back.

    `on_image(done, total)` is called for each frame that is written, `on_chunk` with the latest
    crops; both may raise to stop. Then, as on any error, what was done so far becomes the film, and
    its parts stay in the folder `parts_folder(target)`: with `resume` the work goes on there, after
    the last full part. `model_name`, `detector_name` and `parser_name` tell networks apart that
    must not be mixed so.

    Raises VideoFileError for a film that cannot be read, or written so; ValueError if the parts of
    another run are there that do not fit, or are neither to be resumed nor overwritten; ImportError
    without PyAV.
    """
    options, film_options = options or RestoreOptions(), film_options or FilmOptions()
    check_choices(model, options)
    source, target = Path(source), Path(target)
    started = time.perf_counter()
    film = Film(source)
    coding = choose_coding(
        film, codec=film_options.codec, crf=film_options.crf, scale=options.upscale
    )
    networks = {"model": model_name, "detector": detector_name, "parser": parser_name}
    about = _about(film, options, coding, networks)
    folder = _open_folder(target, about, resume=resume, overwrite=overwrite)
    parts = _finished(folder) if resume else []
    begin = sum(len(part_times(path)) for path in parts)
    report = FilmReport(frames=begin, resumed=begin, notes=list(coding.notes))

    with (folder / _FACES).open("a+b") as remembered:
        device = torch.device(detector.device)
        limits = {"min_size": options.min_size, "max_size": options.max_size or math.inf}
        find = _Remembered(finder(detector, device, **limits), remembered)
        frames = _restore(
            film,
            model,
            options,
            find,
            begin,
            report,
            parser=parser,
            upscaler=upscaler,
            on_chunk=on_chunk,
        )
        stopped = _write(frames, film, folder, parts, coding, report, on_image)
    if film.other_sizes:
        sizes = ", ".join(f"{width}x{height}" for width, height in sorted(film.other_sizes))
        report.notes.append(f"frames of {sizes} were brought to {film.width}x{film.height}")
    if parts:
        report.notes += join_parts(film, coding, parts, target)
    report.seconds = time.perf_counter() - started
    if stopped is not None:
        raise stopped
    if not parts:
        raise VideoFileError(source, "a film", "one without a frame", "Leave it out.")
    shutil.rmtree(folder)
    return report


def _write(
    frames: Iterator[FilmFrame],
    film: Film,
    folder: Path,
    parts: list[Path],
    coding: Coding,
    report: FilmReport,
    on_image: OnImage | None,
) -> BaseException | None:
    """Writes frames into further `parts`. Returns what stopped it, also Ctrl-C; None at the end."""
    total = len(film.timeline)
    while True:
        path = part_path(folder, len(parts))
        before = report.frames
        stopped: BaseException | None = None
        try:
            first = next(frames, None)
            if first is None:
                return None
            rate = bit_rate_of(film, range(first.index, first.index + PART_FRAMES), coding)
            with write_part(path, coding, rate) as writer:
                try:
                    for frame in chain([first], islice(frames, PART_FRAMES - 1)):
                        writer.write(frame)
                        report.frames += 1
                        if on_image is not None:
                            on_image(report.frames, max(total, report.frames))
                except BaseException as error:  # the part ends here
                    stopped = error
                    if not writer.times:
                        raise
        except BaseException as error:  # there is no such part
            report.frames = before
            return stopped or error
        parts.append(path)
        if stopped is not None:
            return stopped


def _restore(
    film: Film,
    model: FaceRestorer,
    options: RestoreOptions,
    find: Find,
    begin: int,
    report: FilmReport,
    *,
    parser: FaceParser | None,
    upscaler: ImageUpscaler | None,
    on_chunk: OnChunk | None,
) -> Iterator[FilmFrame]:
    """The frames from `begin` on, restored."""
    height, width = film.size
    looks: Iterator[Look] = (frame.pixels for frame in film.frames())

    def count_left_alone(faces: Sequence[Face]) -> None:
        report.left_alone += len(faces)

    stretches = detect_in_passing(
        looks, film.size, find, options.threshold, on_left_alone=count_left_alone
    )
    stretches = _note(stretches, report)
    stretches = select_in_passing(
        stretches, options.faces, height=height, width=width, max_faces=options.max_faces
    )
    stretches = smooth_stretches(stretches, options.smoothing)
    # So many frames before are worked on as well, for what they tell of those that follow.
    needed = begin - math.ceil(REACH * options.smoothing) - frames_of_reach(options.smoothing) - 1

    waiting: deque[list[FilmFrame]] = deque()
    aligned = _align(film, model, _split(stretches, needed), waiting)
    restored = _draw(model, aligned, options, on_chunk)
    for frames, faces in steady_in_passing(restored, options.smoothing):
        rows = rows_of_images(faces.face_set.faces)
        masks = paste_masks(faces.face_set, faces.crops.shape[-1], options, parser)
        for frame in waiting.popleft():
            if frame.index < begin:
                continue
            own = rows.get(frame.index, [])
            _count(report, [faces.face_set.faces[row] for row in own])
            yield _paste(
                frame,
                faces,
                own,
                options,
                masks=masks,
                upscaler=upscaler,
                device=model.device,
            )
        del frames


def _note(stretches: Iterator[Stretch], report: FilmReport) -> Iterator[Stretch]:
    """The stretches as they are; their faces are noted in the report."""
    for stretch in stretches:
        for face in stretch.faces:
            if face.number is None:
                continue
            frame = face.image_index
            seen = report.faces.setdefault(face.number, FilmFace(frame, frame, face.size))
            seen.first, seen.last = min(seen.first, frame), max(seen.last, frame)
            seen.size = max(seen.size, face.size)
        yield stretch


def _split(stretches: Iterator[Stretch], needed: int) -> Iterator[Stretch]:
    """The stretches, in pieces with few faces; without those of frames before `needed`."""
    for stretch in stretches:
        faces = [face for face in stretch.faces if face.image_index >= needed]
        rows = rows_of_images(faces)
        first, held = stretch.frames.start, list[Face]()
        for frame in stretch.frames:
            own = [faces[row] for row in rows.get(frame, [])]
            if held and len(held) + len(own) > FACES_PER_GROUP:
                yield Stretch(range(first, frame), tuple(held))
                first, held = frame, []
            held += own
        yield Stretch(range(first, stretch.frames.stop), tuple(held))


def _align(
    film: Film, model: FaceRestorer, stretches: Iterator[Stretch], waiting: deque[list[FilmFrame]]
) -> Iterator[tuple[range, FaceSet]]:
    """The crops of each stretch; its frames go to `waiting`, as they were decoded."""
    frames = film.frames()
    size = model.input_size
    for stretch in stretches:
        held = list(islice(frames, len(stretch.frames)))
        rows = rows_of_images(stretch.faces)
        sets = [align_faces(torch.empty(0, 3, 1, 1, device=model.device), [], size=size)]
        for frame in held:
            if own := [stretch.faces[row] for row in rows.get(frame.index, [])]:
                image = to_device(frame.pixels()[None], model.device)
                here = [replace(face, image_index=0) for face in own]
                cut = align_faces(image, here, size=size)
                placed = (replace(face, image_index=frame.index) for face in cut.faces)
                sets.append(replace(cut, faces=tuple(placed)))
        waiting.append(held)
        yield stretch.frames, FaceSet.join(sets)


def _draw(
    model: FaceRestorer,
    aligned: Iterator[tuple[range, FaceSet]],
    options: RestoreOptions,
    on_chunk: OnChunk | None,
) -> Iterator[tuple[range, RestoredFaces]]:
    """The restored faces of each stretch, their DR steadied over time."""
    done = 0
    for frames, faces, weights in _weigh(model, aligned, options):
        count = _count_on(on_chunk, done)
        yield frames, restore_faces(model, faces, weights, options, on_chunk=count)
        done += len(faces)


def _weigh(
    model: FaceRestorer, aligned: Iterator[tuple[range, FaceSet]], options: RestoreOptions
) -> Iterator[tuple[range, FaceSet, InterpolationWeights | None]]:
    if options.smoothing == 0 or not isinstance(model, PaniniNet):
        yield from ((frames, faces, None) for frames, faces in aligned)
        return
    batch = options.batch
    parts = (
        Part(
            frames,
            faces.faces,
            represent_degradation(model, faces, batch=batch).vectors,
            (frames, faces),
        )
        for frames, faces in aligned
    )
    for (frames, faces), vectors in smooth_parts(parts, options.smoothing):
        degradation = DegradationRepresentation(vectors)
        yield frames, faces, weigh_features(model, degradation, batch=batch)


def _count_on(on_chunk: OnChunk | None, before: int) -> OnChunk | None:
    """Counts the faces of a stretch on; how many there will be in all is not known."""
    if on_chunk is None:
        return None
    return lambda done, total, latest: on_chunk(before + done, before + total, latest)


def _count(report: FilmReport, faces: Sequence[Face]) -> None:
    report.restored += len(faces)
    report.filled += sum(face.filled for face in faces)
    report.tracks |= {face.track for face in faces if face.track is not None}


def _paste(
    frame: FilmFrame,
    restored: RestoredFaces,
    rows: Sequence[int],
    options: RestoreOptions,
    *,
    masks: Tensor | None,  # of all restored faces
    upscaler: ImageUpscaler | None,
    device: torch.device,
) -> FilmFrame:
    if not rows and options.upscale == 1 and upscaler is None:
        return frame
    before = frame.pixels()
    image = to_device(before, device)
    ((picture, _),) = paste_onto_images(
        [image], restored, [rows], options, masks=masks, upscaler=upscaler
    )
    return frame.changed(before, picture.cpu())


# --- what stays of work that was stopped ----------------------------------------------------------


def _about(
    film: Film, options: RestoreOptions, coding: Coding, networks: Mapping[str, str]
) -> dict[str, Any]:
    """What must be the same for parts to fit together, as JSON gives it back."""
    status = film.path.stat()
    about = {
        "source": [film.path.name, status.st_size, status.st_mtime_ns],
        "options": dataclasses.asdict(options) | {"batch": None},
        "coding": [coding.encoder, coding.pixel_format, coding.width, coding.height, coding.crf],
        "frames": PART_FRAMES,
        **networks,
    }
    return json.loads(json.dumps(about))


def _open_folder(target: Path, about: dict[str, Any], *, resume: bool, overwrite: bool) -> Path:
    folder = parts_folder(target)
    described = folder / _ABOUT
    if folder.is_dir() and any(folder.iterdir()):
        if resume:
            known: dict[str, Any] = json.loads(described.read_bytes()) if described.exists() else {}
            if others := [key for key in about if known.get(key) != about[key]]:
                raise ValueError(
                    f"{folder} holds parts of another film, or restored otherwise (not the same: "
                    f"{', '.join(others)}), which cannot be resumed. Take the same file, options, "
                    "model, detector and parser, or overwrite it (--force)."
                )
        if not resume and not overwrite:
            raise ValueError(
                f"{folder} holds parts of a run that was stopped. Go on with it (--resume), or "
                "overwrite it (--force)."
            )
        if not resume:
            shutil.rmtree(folder)
    folder.mkdir(exist_ok=True)
    with whole_file(described) as temporary:
        temporary.write_text(json.dumps(about), encoding="utf-8")
    return folder


def _finished(folder: Path) -> list[Path]:
    """The full parts from the first one on; a shorter one is done again."""
    parts: list[Path] = []
    while (path := part_path(folder, len(parts))).exists():
        if len(part_times(path)) != PART_FRAMES:
            break
        parts.append(path)
    return parts


class _Remembered:
    """Detection that is not done twice: a file holds every answer, in the order of the questions,
    which is the same in every run."""

    def __init__(self, find: Find, file: IO[bytes]) -> None:
        self._find = find
        self._file = file
        file.seek(0)

    def __call__(
        self, numbers: Sequence[int], looks: Sequence[Callable[[], Tensor]], threshold: float
    ) -> list[list[Face]]:
        question: list[Any] = [list(numbers), threshold]
        place = self._file.tell()
        line = self._file.readline()
        if line.endswith(b"\n"):
            known = json.loads(line)
            if known[0] == question:
                return [
                    [_face(values, number) for values in found]
                    for number, found in zip(numbers, known[1], strict=True)
                ]
        self._file.seek(place)
        self._file.truncate()
        faces = self._find(numbers, looks, threshold)
        told = [[_values(face) for face in found] for found in faces]
        self._file.write(json.dumps([question, told]).encode() + b"\n")
        self._file.flush()
        return faces


def _values(face: Face) -> list[Any]:
    return [face.box.tolist(), face.landmarks.tolist(), face.score, face.number, face.reliable]


def _face(values: Sequence[Any], frame: int) -> Face:
    box, landmarks, score, number, reliable = values
    place = torch.tensor(box), torch.tensor(landmarks)
    return Face(*place, score, frame, number, reliable=reliable)
