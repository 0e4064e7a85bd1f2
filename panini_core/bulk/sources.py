"""What there is to restore: pictures of folders, members of tar shards, rows of Parquet lists."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import pyarrow.parquet as pq
from fsspec.core import url_to_fs

from ..images import readable_suffixes
from .items import Item, Kind
from .manifest import MANIFEST
from .places import is_below, is_same
from .storage import absolute, address_of, open_file, version_of
from .targets import name_results, settle

TAR_SUFFIX = ".tar"
LIST_SUFFIXES = (".parquet", ".pq")
# A column of structures with these fields, as data sets of pictures have it, counts as well.
STRUCTURES = ("image", "picture")
_PACKERS = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_LONGEST_MARK = 5  # bytes


class ListingError(ValueError):
    """An input that cannot be listed; nothing was done."""


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
    of these, or a pattern; local, or an address of fsspec. What lies in an `output` below an
    input's folder is left out. `suffix`: the format of all results; None: that of each picture, or
    PNG. `many` maps a function over tars and lists, as `map` does, perhaps elsewhere.

    An item gets a problem where its result would overwrite an input, or is another one's already.
    A tar or list that cannot be listed to its end is an item with a problem, beside those found in
    it so far. Raises ListingError for an input that does not exist or holds nothing, for a folder
    that is the output as well, and where nothing was found but tars and lists that cannot be read.
    """
    items: list[Item] = []
    for text in inputs:
        sources = find_sources(text, output)
        holders = [source for source in sources if source.holds_many]
        inside = dict(zip((s.address for s in holders), many(list_inside, holders), strict=True))
        for source in sources:
            items += inside.get(source.address) or [] if source.holds_many else [_file(source)]
    if items and all(item.kind is Kind.HOLDER for item in items):
        raise ListingError(f"{items[0].address}: {items[0].problem}")
    unique = {(item.kind, item.address, item.offset): item for item in reversed(items)}
    return settle(name_results(list(reversed(unique.values())), suffix), output)


def find_sources(text: str, output: str) -> list[Source]:
    """The files that an input stands for. Raises ListingError."""
    system, path = url_to_fs(text)
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
    above, results = address_of(system, base or "/"), absolute(output)
    if base == path and is_same(above, results):
        raise ListingError(
            f"{text} is the output folder as well: results would lie among the pictures, under "
            "their names. Choose another output folder."
        )
    sources = [
        Source(address_of(system, name), _below(name, base), version_of(info))
        for name, info in sorted(found.items())
        if name == path or not _is_hidden(_below(name, base))
    ]
    taken = [
        source
        for source in sources
        if source.address == address_of(system, path) or _is_taken(source)
    ]
    if not taken:
        raise ListingError(
            f"{text}: expected pictures, tar files or Parquet lists, found none of them."
        )
    if path in found:  # named itself
        return taken
    inside, manifest = is_below(results, above), f"{results}/{MANIFEST}"
    new = [
        source
        for source in taken
        if not (inside and is_below(source.address, results))
        and not (source.suffix in LIST_SUFFIXES and is_same(source.address, manifest))
    ]
    if not new:
        raise ListingError(
            f"{text}: expected pictures, tar files or Parquet lists, found none but those in the "
            f"output folder, {output}, which are taken for earlier results. Choose another output "
            "folder."
        )
    return new


def list_inside(source: Source) -> list[Item]:
    """The pictures of a tar or a list; last, one with a problem where that cannot be listed."""
    items: list[Item] = []
    try:
        for item in _members(source) if source.suffix == TAR_SUFFIX else _rows(source):
            items.append(item)
    except Exception as error:  # whatever is wrong with it stops nothing else
        items.append(_broken(source, error, len(items)))
    return items


def _broken(source: Source, error: Exception, listed: int) -> Item:
    if isinstance(error, ListingError):
        problem = str(error)
    else:
        after = f" after {listed} pictures" if listed else ""
        problem = (
            f"expected a whole {source.suffix} file, got one that cannot be listed{after} "
            f"({str(error) or type(error).__name__}). Copy it again, or leave it out."
        )
    return Item(source.name, "", Kind.HOLDER, source.address, source.version, problem=problem)


def _members(source: Source) -> Iterator[Item]:
    with open_file(source.address) as file:
        if packer := _packer(file.read(_LONGEST_MARK)):
            raise ListingError(
                f"expected a tar that is not compressed, got one compressed by {packer}: its "
                "members cannot be read where they lie. Unpack it to a plain tar."
            )
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:") as archive:
            stem = posixpath.splitext(source.name)[0]
            for member in archive:
                if member.isfile() and _is_wanted(member.name):
                    yield Item(
                        name=f"{stem}/{_safe(member.name)}",
                        target="",
                        kind=Kind.MEMBER,
                        address=source.address,
                        version=source.version,
                        offset=member.offset_data,
                        length=member.size,
                    )
            file.seek(archive.offset)
            if any(file.read(tarfile.BLOCKSIZE)):  # tarfile takes such a block for the end
                raise ListingError(
                    f"expected a whole tar, got one that is damaged at byte {archive.offset}: "
                    "what follows cannot be listed. Copy it again."
                )


def _packer(beginning: bytes) -> str:
    """What a file was compressed by; nothing where it was not."""
    return next((name for mark, name in _PACKERS.items() if beginning.startswith(mark)), "")


def _is_wanted(member: str) -> bool:
    suffix = posixpath.splitext(member)[1].lower()
    return suffix in readable_suffixes() and not _is_hidden(member)


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
    except Exception as error:  # of the file system that the path names, perhaps a store's own
        problem = f"expected the path of a picture, got one that cannot be used ({error})"
        return replace(item, address=str(path), problem=problem)
    return replace(item, address=address_of(system, where), version=version_of(info))


def _beside(address: str, path: str) -> str:
    """A path of a list, which begins where the list lies unless it is an address of its own."""
    if "://" in path or path.startswith("/") or path[1:3] in (":/", ":\\"):
        return path
    return f"{posixpath.dirname(address)}/{path}"


def _file(source: Source) -> Item:
    return Item(source.name, "", Kind.FILE, source.address, source.version)


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
