"""Decisions that depend on pixels, for many faces at a time.

Whether a photograph has grain, or one tone, is told by numbers that a device works out, and to read
a number is to wait until it has done all that was asked of it before. So work that decides is a
generator: it yields the numbers that it asks for, and is sent them in the computer's own memory.
Many of them go on side by side, and all wait together.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

from torch import Tensor

from ..models.transfer import to_host

Result = TypeVar("Result")
Asking = Generator[Tensor, Tensor, Result]  # yields what it asks for, returns its result


def answer_together(works: Sequence[Asking[Result]]) -> list[Result]:
    """The results of pieces of work. The device is waited for as often as the one of them that asks
    most; not once if none asks."""
    results: dict[int, Result] = {}
    answers: dict[int, Tensor | None] = dict.fromkeys(range(len(works)))
    while answers:
        asked: dict[int, Tensor] = {}
        for place, answer in answers.items():
            try:
                asked[place] = next(works[place]) if answer is None else works[place].send(answer)
            except StopIteration as end:
                results[place] = end.value
        answers = dict(zip(asked, to_host(list(asked.values())), strict=True))
    return [results[place] for place in range(len(works))]
