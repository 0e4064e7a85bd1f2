"""Which files a command reads, and where their results go."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..checkpoints.whole_file import shorten_name
from ..images import (
    ANIMATION_SUFFIX,
    FORMAT_OF_SUFFIX,
    WRITABLE_SUFFIXES,
    have_same_format,
    is_animation,
    readable_suffixes,
)
from ..video import VIDEO_SUFFIXES, WRITABLE_FILMS
from .console import UsageError
from .others import describe_others

SIDECAR_ROOM = 40  # bytes of a name, for the ending of an extra file


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read."""

    path: Path
    relative: Path  # its name below the output folder


@dataclass(frozen=True, slots=True)
class Job:
    """A file to read, the file to write, and further results beside that."""

    source: Path
    target: Path
    extras: tuple[Path, ...] = ()
    problem: str = ""  # why it cannot be done
    goes_on: bool = False  # with what an earlier run left there

    @property
    def results(self) -> tuple[Path, ...]:
        return (self.target, *self.extras)


def find_sources(inputs: Sequence[str], output: Path, *, recursive: bool) -> list[Source]:
    """Files as they are, pictures of folders (sub-folders if `recursive`), pictures of globs.

    A file keeps its name, a folder's picture its place below the folder, a glob's its place
    below the first part without wildcards. A name that does not exist is kept: reading says so.
    Earlier results, in an `output` below an input folder, are not taken as inputs again. Raises
    UsageError where a folder or glob holds no picture.
    """
    sources: dict[Path, Source] = {}
    for text in inputs:
        base, found = _expand(text, output, recursive=recursive)
        own = [Source(path, path.relative_to(base)) for path in found if _is_taken(path, text)]
        if not own:
            raise UsageError(_no_picture(text, found, recursive=recursive))
        for source in own:
            sources.setdefault(source.path.resolve(), source)
    return list(sources.values())


def find_others(inputs: Sequence[str], output: Path, *, recursive: bool) -> list[Path]:
    """The files of folders and globs that `find_sources` leaves aside; hidden ones do not count."""
    others: dict[Path, Path] = {}
    for text in inputs:
        for path in _expand(text, output, recursive=recursive)[1]:
            if not _is_taken(path, text):
                others.setdefault(path.resolve(), path)
    return list(others.values())


def plan_jobs(sources: Sequence[Source], output: Path, *, suffix: str | None = None) -> list[Job]:
    """One job a source: into the folder `output`, or to the file `output` of a single source.

    Formats that cannot be written (PPM, a GIF that is no animation, …) become PNG; `suffix`: all
    become what it names. Where a picture would so get another one's name, the suffix is put
    behind its own: photo.tga.png. Raises UsageError where a result would overwrite an input, or
    `output` is a file though a folder is needed.
    """
    if len(sources) == 1 and _names_a_file(output, sources[0]):
        if suffix is not None and _new_suffix(output, suffix):
            raise UsageError(f"{output}: expected a name that ends in {suffix}, as --format says.")
        jobs = [Job(sources[0].path, output)]
    else:
        require_folder(output)
        names = _target_names(sources, suffix)
        jobs = [
            Job(source.path, output / name) for source, name in zip(sources, names, strict=True)
        ]
    inputs = {_key(job.source) for job in jobs}
    for job in jobs:
        if _key(job.target) in inputs:
            raise UsageError(
                f"{job.target} is an input and would be overwritten. Choose another output folder."
            )
    return settle_clashes(jobs)


def keeps_format(job: Job) -> bool:
    """Whether a result has the format that its picture's name promises."""
    return have_same_format(job.source, job.target)


def settle_clashes(jobs: Sequence[Job]) -> list[Job]:
    """The jobs; each that would write what an earlier one writes has a problem instead."""
    writer: dict[str, Path] = {}
    settled: list[Job] = []
    for job in jobs:
        keys = {_key(path): path for path in job.results}
        taken = next((key for key in keys if key in writer), None)
        if taken is not None and not job.problem:
            job = replace(
                job,
                problem=f"{writer[taken]} is written to {keys[taken]} as well. Do this one in a "
                "run of its own, into another output folder.",
            )
        if not job.problem:
            writer |= dict.fromkeys(keys, job.source)
        settled.append(job)
    return settled


def require_folder(output: Path) -> None:
    """Raises UsageError where `output` cannot be a folder of results."""
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output}: expected a folder for the results, got a file. Name a folder.")
    if output.suffix.lower() in readable_suffixes() and not output.is_dir():
        raise UsageError(
            f"{output}: expected a folder for several pictures (or, for one, a name that ends in "
            f"{', '.join(sorted(WRITABLE_SUFFIXES))}), got a picture's name."
        )
    if output.suffix.lower() in VIDEO_SUFFIXES and not output.is_dir():
        raise UsageError(
            f"{output}: expected a folder (or, for one film, a name that ends in "
            f"{', '.join(WRITABLE_FILMS)}), got a film's name."
        )


def require_new_file(path: Path, taken: Iterable[Path], *, force: bool) -> None:
    """Raises UsageError where an extra result may not be written to `path`."""
    if path.is_dir():
        raise UsageError(f"{path}: expected a file name, got a folder.")
    if path.resolve() in {other.resolve() for other in taken}:
        raise UsageError(f"{path} is also one of the pictures. Choose another name.")
    if path.exists() and not force:
        raise UsageError(f"{path} exists already. Choose another name, or --force to overwrite it.")


def make_folder(folder: Path) -> None:
    """The folder and its parents; UsageError where that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder}: expected a folder that can be made, got “{error.strerror or error}”. "
            "Choose another place or change its permissions."
        ) from error


def sidecar(target: Path, ending: str) -> Path:
    """An extra file beside a result; keeps the whole name, so that a.jpg and a.png stay apart.

    Only a name that file systems would refuse with an ending is shortened, always to the same.
    """
    return target.with_name(f"{shorten_name(target.name, SIDECAR_ROOM)}.{ending}")


def _expand(text: str, output: Path, *, recursive: bool) -> tuple[Path, list[Path]]:
    """The files that an argument stands for, and the folder that their names begin at."""
    path = Path(text)
    if os.path.isdir(path):  # which, unlike Path's methods, takes a name of any length
        found = sorted(path.rglob("*") if recursive else path.iterdir())
        results = output.resolve()
        if path.resolve() in results.parents:
            found = [file for file in found if results not in file.resolve().parents]
        return path, _visible_files(found)
    base, pattern = _split_pattern(path)
    if os.path.exists(path) or not glob.has_magic(str(pattern)):
        return path.parent, [path]
    names = glob.glob(str(pattern), root_dir=base, recursive=True)
    return base, _visible_files(sorted(base / name for name in names))


def _visible_files(files: Iterable[Path]) -> list[Path]:
    return [file for file in files if not file.name.startswith(".") and file.is_file()]


def _is_taken(file: Path, text: str) -> bool:
    """Whether a file is read: one that was named always, others if they are pictures; films of a
    pattern that names their suffix too, since they take long."""
    suffix = file.suffix.lower()
    named = suffix in VIDEO_SUFFIXES and Path(text).suffix.lower() == suffix
    return file == Path(text) or suffix in readable_suffixes() or named


def _no_picture(text: str, others: Sequence[Path], *, recursive: bool) -> str:
    but = f", but {'; '.join(describe_others(others))}" if others else ""
    if not os.path.isdir(text):
        return f"{text}: expected a pattern that matches pictures, it matches none{but}."
    hint = "" if recursive else " --recursive looks into its sub-folders."
    return f"{text}: expected a folder with pictures, found none in it{but}.{hint}"


def _split_pattern(path: Path) -> tuple[Path, Path]:
    """The folders that a pattern begins with, as far as they exist, and the rest.

    What exists is a name, whatever signs are in it: `[2020] photos/*.jpg`.
    """
    base = Path(path.anchor)
    rest = path.parts[len(base.parts) :]
    while len(rest) > 1 and os.path.isdir(base / rest[0]):
        base, rest = base / rest[0], rest[1:]
    return base, Path(*rest)


def _names_a_file(output: Path, source: Source) -> bool:
    suffix = output.suffix.lower()
    if is_film(source.path):
        return suffix in WRITABLE_FILMS and not output.is_dir()
    animated = suffix == source.path.suffix.lower() == ANIMATION_SUFFIX
    return (suffix in WRITABLE_SUFFIXES or animated) and not output.is_dir()


def _target_names(sources: Sequence[Source], suffix: str | None) -> list[Path]:
    """The names of the results below the output folder."""
    names = [source.relative for source in sources]
    changes = [
        None if suffix is None and _is_written_gif(source.path) else _new_suffix(name, suffix)
        for source, name in zip(sources, names, strict=True)
    ]
    plain = [
        name.with_suffix(new) if new else name for name, new in zip(names, changes, strict=True)
    ]
    count = Counter(str(name).casefold() for name in plain)
    return [
        name.with_name(name.name + new) if new and count[str(target).casefold()] > 1 else target
        for name, new, target in zip(names, changes, plain, strict=True)
    ]


def is_film(path: Path) -> bool:
    """Whether it is restored as a film, by its suffix."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def _is_written_gif(path: Path) -> bool:
    """Whether it is a GIF that is written as one again, which a single picture is not."""
    return path.suffix.lower() == ANIMATION_SUFFIX and is_animation(path)


def _new_suffix(name: Path, wanted: str | None) -> str | None:
    """The suffix that a result has instead of its picture's; None: the same."""
    suffix = name.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return None if suffix in WRITABLE_FILMS else ".mp4"
    known = FORMAT_OF_SUFFIX.get(suffix)
    if wanted is not None:
        return None if known == FORMAT_OF_SUFFIX[wanted] else wanted
    return None if known or not suffix else ".png"


def _key(path: Path) -> str:
    return os.path.normcase(path.resolve())
