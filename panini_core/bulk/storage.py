"""Files wherever they lie: a local path, or an address that fsspec knows (s3://…, gs://…)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs

from ..checkpoints.whole_file import whole_file

LOCAL = ("file", "local")
# What file systems say about when a file was written, or which version it is; the first that is
# there counts.
_MARKS = ("etag", "ETag", "mtime", "LastModified", "updated", "last_modified", "created")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that results are written below; picklable, opened anew by every worker.

    A local one is kept by its absolute path: workers may have been started elsewhere.
    """

    address: str

    def __post_init__(self) -> None:
        system, root = url_to_fs(self.address)
        if is_local(system):
            object.__setattr__(self, "address", root)

    def write(self, name: str, data: bytes) -> None:
        """A file below the folder, whole or not at all. Raises OSError."""
        system, root = url_to_fs(self.address)
        if is_local(system):
            path = Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as temporary:
                temporary.write_bytes(data)
        else:  # object stores show a file once it is whole
            system.pipe_file(f"{root.rstrip('/')}/{name}", data)

    def read(self, name: str) -> bytes:
        """Raises OSError."""
        system, root = url_to_fs(self.address)
        return system.cat_file(f"{root.rstrip('/')}/{name}")

    def holds(self, name: str) -> bool:
        system, root = url_to_fs(self.address)
        return system.isfile(f"{root.rstrip('/')}/{name}")

    def names(self, below: str = "") -> set[str]:
        """All files, by their names below the folder `below` it; none where there is none."""
        system, root = url_to_fs(self.address)
        start = "/".join(part for part in (root.rstrip("/"), below) if part)
        with contextlib.suppress(FileNotFoundError):
            return {name[len(start) :].lstrip("/") for name in system.find(start)}
        return set()

    def remove(self, names: list[str]) -> None:
        system, root = url_to_fs(self.address)
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                system.rm_file(f"{root.rstrip('/')}/{name}")


def is_local(system: Any) -> bool:
    protocol = system.protocol
    return any(name in LOCAL for name in ([protocol] if isinstance(protocol, str) else protocol))


def address_of(system: Any, path: str) -> str:
    """Of a file of a file system; a local one's is its path."""
    return path if is_local(system) else system.unstrip_protocol(path)


def absolute(address: str) -> str:
    """The address as all are compared: with the file system's name or from its root."""
    system, path = url_to_fs(address)
    return address_of(system, path).rstrip("/")


def read_bytes(address: str, offset: int = 0, length: int | None = None) -> bytes:
    """A file, or a part of it. Raises OSError."""
    system, path = url_to_fs(address)
    if length is None:
        return system.cat_file(path)
    return system.cat_file(path, start=offset, end=offset + length)


def open_file(address: str) -> Any:
    """A file for reading and seeking."""
    system, path = url_to_fs(address)
    return system.open(path, "rb")


def version_of(info: Mapping[str, Any]) -> str:
    """What changes when a file does: its size, and its mark or time where they are told."""
    mark = next((info[name] for name in _MARKS if info.get(name) is not None), "")
    return f"{info.get('size', 0)} {mark}"
