"""Pictures that kill the worker that touches them: found out, and left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import ray

from .work import Stage, Task

MOST_DEATHS = 3  # of workers over one picture by itself


class Attempts:
    """Counts how often work on a picture was begun; lives as long as the run does."""

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()

    def begin(self, names: Sequence[str]) -> int:
        """How often work on these was begun before: the most of them."""
        before = max((self._begun[name] for name in names), default=0)
        self._begun.update(names)
        return before


class Careful:
    """A stage whose pictures are worked on one by one once a worker has died over them.

    Ray begins the work of a lost worker again, on another one. The first time all pictures go
    together; then each alone; and one that has cost MOST_DEATHS workers fails.
    """

    def __init__(self, name: str, stage: Stage, attempts: Any) -> None:
        self._name = name
        self._stage = stage
        self._attempts = attempts

    def __call__(self, tasks: Sequence[Task]) -> list[Task]:
        names = [f"{self._name} {task.item.name}" for task in tasks if not task.is_over]
        if not names or not self._begin([f"{name}, together" for name in names]):
            return self._stage(tasks)
        return [task if task.is_over else self._alone(task) for task in tasks]

    def _alone(self, task: Task) -> Task:
        before = self._begin([f"{self._name} {task.item.name}, alone"])
        if before >= MOST_DEATHS:
            return task.fail(f"{before} workers died over it ({self._name}); it was left alone")
        return self._stage([task])[0]

    def _begin(self, names: Sequence[str]) -> int:
        return ray.get(self._attempts.begin.remote(names))


def careful(name: str, make: Callable[..., Stage], attempts: Any) -> Callable[..., Careful]:
    """What makes the stage `name` of a worker."""
    return lambda *arguments: Careful(name, make(*arguments), attempts)
