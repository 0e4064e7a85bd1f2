"""Which files a command reads, and where their results go."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..checkpoints.whole_file import shorten_name
from ..images import READABLE_SUFFIXES, WRITABLE_SUFFIXES
from .console import UsageError

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
        for source in _expand(text, output, recursive=recursive):
            sources.setdefault(source.path.resolve(), source)
    return list(sources.values())


def plan_jobs(sources: Sequence[Source], output: Path) -> list[Job]:
    """One job a source: into the folder `output`, or to the file `output` of a single source.

    Formats that cannot be written (GIF, …) become PNG. Raises UsageError where a result would
    overwrite an input or another result, or `output` is a file though a folder is needed.
    """
    if len(sources) == 1 and _names_a_file(output):
        jobs = [Job(sources[0].path, output)]
    else:
        require_folder(output)
        jobs = [Job(source.path, output / _writable(source.relative)) for source in sources]
    _refuse_overwriting([job.source for job in jobs], [job.target for job in jobs])
    return jobs


def require_folder(output: Path) -> None:
    """Raises UsageError where `output` cannot be a folder of results."""
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output}: expected a folder for the results, got a file. Name a folder.")
    if output.suffix.lower() in READABLE_SUFFIXES and not output.is_dir():
        raise UsageError(
            f"{output}: expected a folder for several pictures (or, for one, a name that ends in "
            f"{', '.join(sorted(WRITABLE_SUFFIXES))}), got a picture's name."
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


def _expand(text: str, output: Path, *, recursive: bool) -> list[Source]:
    path = Path(text)
    if os.path.isdir(path):  # which, unlike Path's methods, takes a name of any length
        found = sorted(path.rglob("*") if recursive else path.iterdir())
        results = output.resolve()
        if path.resolve() in results.parents:
            found = [file for file in found if results not in file.resolve().parents]
        sources = [Source(file, file.relative_to(path)) for file in _pictures(found)]
        if not sources:
            hint = "" if recursive else " --recursive looks into its sub-folders."
            raise UsageError(f"{path}: expected a folder with pictures, found none in it.{hint}")
        return sources
    if os.path.exists(path) or not glob.has_magic(text):
        return [Source(path, Path(path.name))]
    found = sorted(Path(name) for name in glob.glob(text, recursive=True))
    base = _fixed_part(path)
    sources = [Source(file, file.relative_to(base)) for file in _pictures(found)]
    if not sources:
        raise UsageError(f"{text}: expected a pattern that matches pictures, it matches none.")
    return sources


def _pictures(files: Iterable[Path]) -> list[Path]:
    return [
        file
        for file in files
        if file.suffix.lower() in READABLE_SUFFIXES
        and not file.name.startswith(".")
        and file.is_file()
    ]


def _fixed_part(pattern: Path) -> Path:
    fixed = Path(pattern.anchor)
    for part in pattern.parts[len(fixed.parts) : -1]:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed


def _names_a_file(output: Path) -> bool:
    return output.suffix.lower() in WRITABLE_SUFFIXES and not output.is_dir()


def _writable(name: Path) -> Path:
    suffix = name.suffix.lower()
    return name if suffix in WRITABLE_SUFFIXES or not suffix else name.with_suffix(".png")


def _refuse_overwriting(sources: list[Path], targets: list[Path]) -> None:
    inputs = {_key(path) for path in sources}
    writer: dict[str, Path] = {}
    for source, target in zip(sources, targets, strict=True):
        key = _key(target)
        if key in inputs:
            raise UsageError(
                f"{target} is an input and would be overwritten. Choose another output folder."
            )
        if other := writer.get(key):
            raise UsageError(
                f"{other} and {source} would both be written to {target}. Name their common "
                "folder with --recursive, which keeps sub-folders, or use two output folders."
            )
        writer[key] = source


def _key(path: Path) -> str:
    return os.path.normcase(path.resolve())
