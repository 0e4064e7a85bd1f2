"""A training run's log as a curve."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure of a log, at the steps that have it."""

    name: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


def read_curves(path: str | Path) -> tuple[Curve, ...]:
    """Every figure of a `log.jsonl`, in the order of its first line.

    Raises ValueError for a line that is no JSON object of numbers with a `step`.
    """
    found: dict[str, tuple[list[int], list[float]]] = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        step, figures = _read_line(line, f"{path}, line {number}")
        for name, value in figures.items():
            steps, values = found.setdefault(name, ([], []))
            steps.append(step)
            values.append(value)
    return tuple(
        Curve(name, tuple(steps), tuple(values)) for name, (steps, values) in found.items()
    )


def smooth(values: Sequence[float], window: int) -> list[float]:
    """The mean over up to `window` values around each."""
    reach = window // 2
    parts = [values[max(0, i - reach) : i + reach + 1] for i in range(len(values))]
    return [sum(part) / len(part) for part in parts]


def _read_line(line: str, place: str) -> tuple[int, dict[str, float]]:
    expected = f"{place}: expected an object of numbers with a step"
    try:
        entry: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{expected}, got {line[:60]!r}.") from error
    if not isinstance(entry, dict) or "step" not in entry:
        raise ValueError(f"{expected}, got {line[:60]!r}.")
    figures = cast("dict[str, Any]", entry)
    if not all(isinstance(value, (int, float)) for value in figures.values()):
        raise ValueError(f"{expected}, got {line[:60]!r}.")
    step = int(figures.pop("step"))
    return step, {name: float(value) for name, value in figures.items()}
