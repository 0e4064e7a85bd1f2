"""What was done to every picture, with which model and options: a Parquet file in the output.

While a run goes on its records are written as small files beside it, every few seconds; at the
end, and at the start of the next run, they become one. The latest record of a picture counts.
"""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timezone

import pyarrow as pa
import pyarrow.parquet as pq

from .spelling import is_text, printable
from .storage import Folder

MANIFEST = "manifest.parquet"
PARTS = "manifest.parts"
SECONDS_PER_PART = 5.0
DONE, NOTHING_TO_DO, FAILED = "done", "nothing to do", "failed"


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one picture; its texts are such that UTF-8 has a place for them."""

    name: str
    source: str  # where it lies, in words
    version: str  # of the file that it is, or is in
    content: str  # hash of its bytes
    target: str  # the result, below the output folder
    outcome: str  # DONE, NOTHING_TO_DO or FAILED
    faces: int = 0  # restored ones
    reason: str = ""
    notes: str = ""  # what was converted on the way
    recipe: str = ""  # hash of model, detector and options: results of another one are made anew
    model: str = ""
    options: str = ""  # JSON
    finished: str = field(
        default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    )

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, str) and not is_text(value):
                object.__setattr__(self, item.name, printable(value))


_SCHEMA = pa.schema(
    [(item.name, pa.int64() if item.name == "faces" else pa.string()) for item in fields(Record)]
)


class Manifest:
    """The records of an output folder, and those that a run adds."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._run = f"{int(time.time() * 1000):013d}-{secrets.token_hex(3)}"  # in order of time
        self._parts = 0
        self._waiting: list[Record] = []
        self._written = time.monotonic()
        self.records: dict[str, Record] = {}
        self._join()

    def add(self, records: Iterable[Record]) -> None:
        """Takes records on; they are safe within seconds."""
        for record in records:
            self._waiting.append(record)
            self.records[record.name] = record
        if time.monotonic() - self._written > SECONDS_PER_PART:
            self._write_part()

    def close(self) -> None:
        """Writes what is left and makes one file of all."""
        self._write_part()
        self._join()

    def _write_part(self) -> None:
        if self._waiting:
            name = f"{PARTS}/{self._run}-{self._parts:06d}.parquet"
            self._folder.write(name, _to_parquet(self._waiting))
            self._parts += 1
            self._waiting = []
        self._written = time.monotonic()

    def _join(self) -> None:
        """Reads the file and the parts beside it, and makes them one file."""
        parts = [f"{PARTS}/{name}" for name in sorted(self._folder.names(PARTS))]
        found: dict[str, Record] = {}
        for name in [*([MANIFEST] if self._folder.holds(MANIFEST) else []), *parts]:
            try:
                found.update((one.name, one) for one in _from_parquet(self._folder.read(name)))
            except (ValueError, TypeError) as error:  # some other list, perhaps pictures
                raise ValueError(
                    f"{self._folder.address}/{name}: expected the record of an earlier run, got "
                    f"another file ({error}). Choose another output folder."
                ) from error
        self.records = found
        if parts:
            self._folder.write(MANIFEST, _to_parquet(found.values()))
            self._folder.remove(parts)


def _to_parquet(records: Iterable[Record]) -> bytes:
    buffer = io.BytesIO()
    table = pa.Table.from_pylist([asdict(record) for record in records], schema=_SCHEMA)
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _from_parquet(data: bytes) -> Iterable[Record]:
    known = {item.name for item in fields(Record)}
    for row in pq.read_table(io.BytesIO(data)).to_pylist():
        yield Record(**{key: value for key, value in row.items() if key in known})
