"""Pictures that kill the worker that touches them: found out, and left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import ray

from .work import Stage, Task

MOST_DEATHS = 3  # of workers over one picture by itself


class Attempts:
    """Counts the work on pictures that was begun and never ended; lives as long as the run does."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def begin(self, names: Sequence[str]) -> int:
        """How often work on these was begun before and not ended: the most of them."""
        before = max((self._open[name] for name in names), default=0)
        self._open.update(names)
        return before

    def end(self, names: Sequence[str]) -> None:
        for name in names:
            del self._open[name]


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
        if not names or not ray.get(self._attempts.begin.remote(names)):
            done = self._stage(tasks)
        else:
            done = [task if task.is_over else self._alone(task) for task in tasks]
        self._attempts.end.remote(names)
        return done

    def _alone(self, task: Task) -> Task:
        name = [f"{self._name} {task.item.name}, alone"]
        deaths: int = ray.get(self._attempts.begin.remote(name))
        if deaths >= MOST_DEATHS:
            return task.fail(f"{deaths} workers died over it ({self._name}); it was left alone")
        done = self._stage([task])[0]
        self._attempts.end.remote(name)
        return done
