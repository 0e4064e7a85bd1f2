"""ComfyUI's VIDEO, and films on disk."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import folder_paths

from ... import panini_core as core

_SUFFIXES = {"matroska": ".mkv", "webm": ".webm", "avi": ".avi", "mpegts": ".ts", "flv": ".flv"}
USUAL = ".mp4"
LEAST_CUT = 0.1  # seconds by which a VIDEO is shorter than its file if it is a piece of it


def is_of_images(video: Any) -> bool:
    """Whether a VIDEO consists of images in memory, and has no file."""
    from comfy_api.latest import InputImpl

    return isinstance(video, InputImpl.VideoFromComponents)


@contextmanager
def film_file(video: Any) -> Generator[Path]:
    """The file of a VIDEO; a copy for the while, where it lies in memory or is a piece of one."""
    source = video.get_stream_source()
    if isinstance(source, str) and not _is_a_piece(video, source):
        yield Path(source)
        return
    copy = new_file(_suffix_of(video))
    try:
        if isinstance(source, str):
            video.save_to(str(copy))
        else:
            source.seek(0)  # asking for the format has read in it
            with copy.open("wb") as file:
                shutil.copyfileobj(source, file)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def result_file(source: Path) -> Path:
    """Where a restored film goes: a new file in ComfyUI's temporary folder."""
    suffix = source.suffix.lower()
    return new_file(suffix if suffix in core.WRITABLE_FILMS else USUAL)


def new_file(suffix: str) -> Path:
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"panini_{uuid.uuid4().hex}{suffix}"


def discard_film(path: Path) -> None:
    """What a film that was stopped left: itself, and its parts."""
    path.unlink(missing_ok=True)
    shutil.rmtree(core.parts_folder(path), ignore_errors=True)


def video_from_file(path: Path) -> Any:
    from comfy_api.latest import InputImpl

    return InputImpl.VideoFromFile(str(path))


def video_from_images(images: Any, like: Any) -> Any:
    """A VIDEO of IMAGE (N, H, W, 3), with sound and frame rate of another one's components."""
    from comfy_api.latest import InputImpl, Types

    parts = Types.VideoComponents(images=images, audio=like.audio, frame_rate=like.frame_rate)
    return InputImpl.VideoFromComponents(parts)


def _is_a_piece(video: Any, source: str) -> bool:
    """Newer versions of ComfyUI cut pieces out of films without writing them."""
    whole = type(video)(source)
    return video.get_duration() < whole.get_duration() - LEAST_CUT


def _suffix_of(video: Any) -> str:
    names = str(video.get_container_format()).split(",")
    return next((_SUFFIXES[name] for name in names if name in _SUFFIXES), USUAL)
