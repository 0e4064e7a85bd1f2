"""What pictures and their results are called, and which results would get into each other's way."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ..images import ANIMATION_SUFFIX, FORMAT_OF_SUFFIX, readable_suffixes
from .items import Item, Kind
from .places import Places, is_same
from .spelling import is_text, printable
from .storage import absolute


def name_results(items: Sequence[Item], suffix: str | None) -> list[Item]:
    """The items with printable names and a target each; those of one name have the same.

    A result keeps the name of its picture, but for the suffix where its format is another one; if
    a second picture has that name then, the new suffix is put behind the old one: photo.tga.png.
    """
    items = _spell(items)
    targets = _targets([item.name for item in items if item.kind is not Kind.HOLDER], suffix)
    stills = _stills(targets)
    return [
        item
        if item.kind is Kind.HOLDER
        else replace(item, target=targets[item.name], still=stills.get(item.name, ""))
        for item in items
    ]


def settle(items: Sequence[Item], output: str) -> list[Item]:
    """The items; one has a problem instead whose result would overwrite an input or an earlier one.

    Each gets a name of its own.
    """
    folder = absolute(output)
    inputs = Places({item.address for item in items if not item.problem})
    owners: dict[str, Item] = {}
    names: set[str] = set()
    settled: list[Item] = []
    for item in items:
        if not item.problem:
            problem = _overwritten_input(item, inputs, folder)
            if not problem:
                problem = _clash(item, owners.setdefault(item.target.casefold(), item))
            item = replace(item, problem=problem)
        if item.name in names:
            item = replace(item, name=f"{item.name} ({printable(item.source)})")
        names.add(item.name)
        settled.append(item)
    return settled


def _overwritten_input(item: Item, inputs: Places, folder: str) -> str:
    for target in item.targets:
        address = f"{folder}/{target}"
        if inputs.hold(address):
            own = item.kind is Kind.FILE and is_same(item.address, address)
            what = "the picture itself" if own else f"another input, {address}"
            return f"its result would overwrite {what}. Choose another output folder"
    return ""


def _clash(item: Item, owner: Item) -> str:
    if owner is item:
        return ""
    return (
        f"{owner.source} is written to {owner.target} as well. Restore this one in a run "
        "of its own, into another output folder"
    )


def _spell(items: Sequence[Item]) -> list[Item]:
    """Names that are no text become printable, and no other item's."""
    taken = {item.name for item in items if is_text(item.name)}
    spelled: list[Item] = []
    for item in items:
        name = printable(item.name)
        while not is_text(item.name) and name in taken:
            head, tail = posixpath.split(name)
            name = posixpath.join(head, f"%%{tail}")  # which `printable` never gives
        spelled.append(item if name == item.name else replace(item, name=name))
    return spelled


def _targets(names: Sequence[str], suffix: str | None) -> dict[str, str]:
    """The result's name of each picture's name."""
    plain = {name: _target(name, suffix) for name in names}
    count = Counter(target.casefold() for target in plain.values())
    taken = set(count)
    return {
        name: target
        if target == name or count[target.casefold()] == 1
        else _own_name(name, posixpath.splitext(target)[1], taken)
        for name, target in plain.items()
    }


def _stills(targets: dict[str, str]) -> dict[str, str]:
    """Names for the results of GIFs that prove to be no animations, which are written as PNG."""
    taken = {target.casefold() for target in targets.values()}
    stills: dict[str, str] = {}
    for name, target in targets.items():
        stem, suffix = posixpath.splitext(target)
        if suffix.lower() == ANIMATION_SUFFIX:
            still = f"{stem}.png"
            if still.casefold() in taken:
                still = _own_name(target, ".png", taken)
            taken.add(still.casefold())
            stills[name] = still
    return stills


def _own_name(name: str, suffix: str, taken: set[str]) -> str:
    """The name with the suffix behind it, once or more often: none that is taken; now it is."""
    name += suffix
    while name.casefold() in taken:
        name += suffix
    taken.add(name.casefold())
    return name


def _target(name: str, suffix: str | None) -> str:
    """The result's name: that of the picture, where its format is written and none is wanted."""
    stem, own = posixpath.splitext(name)
    known = FORMAT_OF_SUFFIX.get(own.lower())
    if suffix is not None:
        return name if known == FORMAT_OF_SUFFIX[suffix] else f"{stem if own else name}{suffix}"
    if known or own.lower() == ANIMATION_SUFFIX:
        return name
    return f"{stem if own.lower() in readable_suffixes() else name}.png"
