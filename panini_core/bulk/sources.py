"""What there is to restore: pictures of folders, members of tar shards, rows of Parquet lists."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

import pyarrow.parquet as pq
from fsspec.core import url_to_fs

from ..images import ANIMATION_SUFFIX, FORMAT_OF_SUFFIX, readable_suffixes
from .storage import is_local, open_file, version_of

TAR_SUFFIX = ".tar"
LIST_SUFFIXES = (".parquet", ".pq")
# A column of structures with these fields, as data sets of pictures have it, counts as well.
STRUCTURES = ("image", "picture")


class ListingError(ValueError):
    """An input that cannot be listed; nothing was done."""


class Kind(str, Enum):
    """Where a picture's bytes lie."""

    FILE = "file"
    MEMBER = "member"  # of an uncompressed tar
    ROW = "row"  # of a Parquet list


@dataclass(frozen=True, slots=True)
class Item:
    """A picture to restore."""

    name: str  # its own among all, with / between folders
    target: str  # the result's, below the output folder
    kind: Kind
    address: str  # of the file that it is, or is in
    version: str  # of that file; what changes when it does
    offset: int = 0  # bytes, of a member; of a row its number
    length: int = 0  # bytes, of a member
    known: str = ""  # hash of the bytes that the present result was made of
    problem: str = ""  # why it cannot be done

    @property
    def source(self) -> str:
        """Where it lies, in words."""
        if self.kind is Kind.FILE:
            return self.address
        return f"{self.address}: {self.name if self.kind is Kind.MEMBER else f'row {self.offset}'}"


@dataclass(frozen=True, slots=True)
class Source:
    """A file that an input names: a picture, a tar or a list."""

    address: str
    name: str  # below the folder that it was found in
    version: str

    @property
    def suffix(self) -> str:
        return posixpath.splitext(self.name)[1].lower()

    @property
    def holds_many(self) -> bool:
        return self.suffix == TAR_SUFFIX or self.suffix in LIST_SUFFIXES


Many = Callable[[Callable[[Source], "list[Item]"], Sequence[Source]], Iterable["list[Item]"]]


def list_items(
    inputs: Sequence[str], output: str, *, suffix: str | None = None, many: Many = map
) -> list[Item]:
    """All pictures of the inputs, in a fixed order, each with a name and a target of its own.

    An input is a picture, a tar, a Parquet list, a folder (with its sub-folders) that may hold all
    of these, or a pattern; local, or an address of fsspec. `output` below an input folder is left
    out. `suffix`: the format of all results; None: that of each picture, or PNG. `many` maps a
    function over tars and lists, as `map` does, perhaps elsewhere. An item whose target another
    one has already gets a problem. Raises ListingError for an input that does not exist or holds
    nothing, and for a list without usable columns.
    """
    items: list[Item] = []
    for text in inputs:
        sources = find_sources(text, output)
        holders = [source for source in sources if source.holds_many]
        inside = dict(zip((s.address for s in holders), many(list_inside, holders), strict=True))
        for source in sources:
            items += inside.get(source.address) or [] if source.holds_many else [_file(source)]
    unique = {(item.kind, item.address, item.offset): item for item in reversed(items)}
    chosen = reversed(unique.values())
    return _settle([replace(item, target=_target(item.name, suffix)) for item in chosen])


def find_sources(text: str, output: str) -> list[Source]:
    """The files that an input stands for. Raises ListingError."""
    system, path = url_to_fs(text)
    results = _absolute(output)
    if "*" in path or "?" in path:
        found = {name: info for name, info in _glob(system, path) if info["type"] == "file"}
        base = _fixed_part(path)
    elif system.isdir(path):
        found = dict(system.find(path, detail=True))
        base = path
    elif system.isfile(path):
        found = {path: system.info(path)}
        base = posixpath.dirname(path)
    else:
        raise ListingError(f"{text}: expected a file, a folder or a pattern, found nothing there.")
    sources = [
        Source(_address(system, name), _below(name, base), version_of(info))
        for name, info in sorted(found.items())
        if name == path or not _is_hidden(_below(name, base))
    ]
    sources = [
        source
        for source in sources
        if not f"{_absolute(source.address)}/".startswith(f"{results}/")
        and (source.name == posixpath.basename(path) or _is_taken(source))
    ]
    if not sources:
        raise ListingError(
            f"{text}: expected pictures, tar files or Parquet lists, found none of them."
        )
    return sources


def list_inside(source: Source) -> list[Item]:
    """The pictures of a tar or a list. Raises ListingError."""
    try:
        if source.suffix == TAR_SUFFIX:
            return list(_members(source))
        return list(_rows(source))
    except (OSError, tarfile.TarError, ValueError) as error:
        if isinstance(error, ListingError):
            raise
        raise ListingError(
            f"{source.address}: expected a whole {source.suffix} file, got one that cannot be "
            f"listed ({error}). Copy it again, or leave it out."
        ) from error


def _members(source: Source) -> Iterator[Item]:
    with open_file(source.address) as file, tarfile.open(fileobj=file, mode="r:") as archive:
        stem = posixpath.splitext(source.name)[0]
        for member in archive:
            suffix = posixpath.splitext(member.name)[1].lower()
            if member.isfile() and suffix in readable_suffixes() and not _is_hidden(member.name):
                yield Item(
                    name=f"{stem}/{_safe(member.name)}",
                    target="",
                    kind=Kind.MEMBER,
                    address=source.address,
                    version=source.version,
                    offset=member.offset_data,
                    length=member.size,
                )


def _rows(source: Source) -> Iterator[Item]:
    """Of a list with a column `bytes` or `path` (and `name`), perhaps in a structure."""
    stem = posixpath.splitext(source.name)[0]
    with open_file(source.address) as file:
        table = pq.ParquetFile(file)
        columns = list_columns(table)
        wanted = [column for key, column in columns.items() if key != "bytes"]
        number = 0
        for batch in table.iter_batches(columns=wanted) if wanted else _empty_rows(table):
            for row in batch if isinstance(batch, list) else batch.to_pylist():
                values = {key: _value(row, column) for key, column in columns.items()}
                yield _row(source, stem, number, values, in_list="bytes" in columns)
                number += 1


def _empty_rows(table: pq.ParquetFile) -> Iterator[list[dict[str, Any]]]:
    """Rows without columns, which Parquet does not give."""
    yield [{}] * table.metadata.num_rows


def list_columns(table: pq.ParquetFile) -> dict[str, str]:
    """Where a list holds `bytes`, `path` and `name`: dotted names. Raises ListingError."""
    known = {field.path: field.path for field in _leaves(table)}
    columns: dict[str, str] = {}
    for key in ("bytes", "path", "name"):
        places = [key, *(f"{structure}.{key}" for structure in STRUCTURES)]
        place = next((place for place in places if place in known), None)
        if place is not None:
            columns[key] = place
    if not {"bytes", "path"} & set(columns):
        raise ListingError(
            "expected a Parquet list with a column bytes or path (or a structure image with them), "
            f"got the columns {', '.join(sorted(known))}. Rename the column that holds pictures."
        )
    return columns


def _leaves(table: pq.ParquetFile) -> list[Any]:
    return [table.schema.column(index) for index in range(len(table.schema.names))]


def _value(row: dict[str, Any], column: str) -> Any:
    value: Any = row
    for part in column.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _row(source: Source, stem: str, number: int, values: dict[str, Any], *, in_list: bool) -> Item:
    path = values.get("path")
    own = values.get("name") or path or f"{number:08d}"
    item = Item(
        name=f"{stem}/{_safe(str(own))}",
        target="",
        kind=Kind.ROW if in_list else Kind.FILE,
        address=source.address,
        version=source.version,
        offset=number,
    )
    if in_list:
        return item
    if not path:
        return replace(item, problem=f"row {number} names no path")
    try:
        system, where = url_to_fs(_beside(source.address, str(path)))
        info = system.info(where)
    except FileNotFoundError:
        return replace(item, address=str(path), problem="expected a picture, got no such file")
    return replace(item, address=_address(system, where), version=version_of(info))


def _beside(address: str, path: str) -> str:
    """A path of a list, which begins where the list lies unless it is an address of its own."""
    if "://" in path or path.startswith("/") or path[1:3] in (":/", ":\\"):
        return path
    return f"{posixpath.dirname(address)}/{path}"


def _file(source: Source) -> Item:
    return Item(source.name, "", Kind.FILE, source.address, source.version)


def _settle(items: Sequence[Item]) -> list[Item]:
    """The items; each whose result an earlier one has, has a problem instead."""
    settled: list[Item] = []
    owners: dict[str, Item] = {}
    names: set[str] = set()
    for item in items:
        owner = owners.setdefault(item.target.casefold(), item)
        if owner is not item and not item.problem:
            problem = (
                f"{owner.source} is written to {owner.target} as well. Restore this one in a run "
                "of its own, into another output folder"
            )
            item = replace(item, problem=problem)
        if item.name in names:
            item = replace(item, name=f"{item.name} ({item.source})")
        names.add(item.name)
        settled.append(item)
    return settled


def _target(name: str, suffix: str | None) -> str:
    """The result's name: that of the picture, where its format is written and none is wanted."""
    stem, own = posixpath.splitext(name)
    known = FORMAT_OF_SUFFIX.get(own.lower())
    if suffix is not None:
        return name if known == FORMAT_OF_SUFFIX[suffix] else f"{stem if own else name}{suffix}"
    if known or own.lower() == ANIMATION_SUFFIX:
        return name
    return f"{stem if own.lower() in readable_suffixes() else name}.png"


def _safe(name: str) -> str:
    """A name that stays below the folder that it is put in."""
    parts = name.replace("\\", "/").split("/")
    return "/".join(part.replace(":", "_") for part in parts if part.strip(" .")) or "picture"


def _is_hidden(name: str) -> bool:
    return any(
        part.startswith(".") for part in PurePosixPath(name).parts if part not in (".", "..")
    )


def _is_taken(source: Source) -> bool:
    return source.holds_many or source.suffix in readable_suffixes()


def _glob(system: Any, pattern: str) -> Iterable[tuple[str, Any]]:
    return system.glob(pattern, detail=True).items()


def _fixed_part(pattern: str) -> str:
    parts: list[str] = []
    for part in pattern.split("/")[:-1]:
        if "*" in part or "?" in part:
            break
        parts.append(part)
    return "/".join(parts)


def _below(name: str, base: str) -> str:
    return name[len(base) :].lstrip("/") if base and name.startswith(base) else name.lstrip("/")


def _address(system: Any, path: str) -> str:
    return path if is_local(system) else system.unstrip_protocol(path)


def _absolute(address: str) -> str:
    system, path = url_to_fs(address)
    return _address(system, path).rstrip("/")
