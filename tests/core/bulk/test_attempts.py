"""Pictures that kill workers do not stop a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from panini_core.bulk import attempts
from panini_core.bulk.attempts import MOST_DEATHS, Attempts, Careful
from panini_core.bulk.sources import Item, Kind
from panini_core.bulk.work import Task


class Death(BaseException):
    """Stands for the end of a worker."""


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The counting actor, here and at once."""
    own = Attempts()
    monkeypatch.setattr(attempts.ray, "get", lambda value: value)
    return SimpleNamespace(
        begin=SimpleNamespace(remote=own.begin), end=SimpleNamespace(remote=own.end)
    )


def task(name: str) -> Task:
    return Task(Item(name, name, Kind.FILE, name, "1"))


def run(stage: Any, counter: Any, tasks: Sequence[Task]) -> tuple[list[Task], int]:
    """What comes out when Ray begins again after every death, and how many there were."""
    for deaths in range(100):
        try:
            return Careful("test", stage, counter)(tasks), deaths
        except Death:
            continue
    raise AssertionError("never ends")


def test_without_deaths_pictures_go_together(counter: Any) -> None:
    sizes: list[int] = []

    def stage(tasks: Sequence[Task]) -> list[Task]:
        sizes.append(len(tasks))
        return list(tasks)

    done, deaths = run(stage, counter, [task("a"), task("b")])
    assert (len(done), deaths, sizes) == (2, 0, [2])


def test_the_killer_fails_and_its_neighbours_are_done(counter: Any) -> None:
    def stage(tasks: Sequence[Task]) -> list[Task]:
        if any(one.item.name == "killer" for one in tasks):
            raise Death
        return [replace(one, content="done") for one in tasks]

    done, deaths = run(stage, counter, [task("a"), task("killer"), task("b")])
    assert [one.content for one in done] == ["done", "", "done"]
    assert "workers died" in done[1].problem
    assert deaths == MOST_DEATHS + 1


def test_a_worker_that_dies_once_costs_nothing(counter: Any) -> None:
    calls: list[int] = []

    def stage(tasks: Sequence[Task]) -> list[Task]:
        calls.append(len(tasks))
        if len(calls) == 1:
            raise Death
        return list(tasks)

    done, _ = run(stage, counter, [task("a"), task("b")])
    assert not any(one.problem for one in done)
    assert calls == [2, 1, 1]
