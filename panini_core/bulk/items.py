"""A picture to restore: where its bytes lie, and where its result goes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(str, Enum):
    """Where a picture's bytes lie."""

    FILE = "file"
    MEMBER = "member"  # of an uncompressed tar
    ROW = "row"  # of a Parquet list
    HOLDER = "holder"  # no picture: a tar or list, of which some or all cannot be listed


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
    still: str = ""  # the target instead, should a GIF be no animation

    @property
    def source(self) -> str:
        """Where it lies, in words."""
        if self.kind is Kind.MEMBER:
            return f"{self.address}: {self.name}"
        return f"{self.address}: row {self.offset}" if self.kind is Kind.ROW else self.address

    @property
    def targets(self) -> tuple[str, ...]:
        """All that the result may be called."""
        return (self.target, self.still) if self.still else (self.target,)
