"""Encoders leave the scheduling of our threads alone."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

pytest.importorskip("av")

from panini_core.video.encoders import choose_coding
from panini_core.video.parts import write_part
from panini_core.video.reading import Film
from panini_core.video.scheduling import kept_scheduling

from .films import grey, make_film, needs_encoder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux' scheduling")


def schedules() -> set[tuple[int, int]]:
    """Policy and priority of every thread of this process."""
    found: set[tuple[int, int]] = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            found.add((os.sched_getscheduler(int(task.name)), _priority(int(task.name))))
        except ProcessLookupError:
            continue
    return found


def _priority(thread: int) -> int:
    return os.sched_getparam(thread).sched_priority


@pytest.mark.parametrize(
    "codec",
    [
        pytest.param("av1", marks=needs_encoder("libsvtav1")),
        pytest.param("hevc", marks=needs_encoder("libx265")),
        pytest.param("vp9", marks=needs_encoder("libvpx-vp9")),
    ],
)
def test_writing_leaves_threads_as_they_were(tmp_path: Path, codec: str) -> None:
    film = Film(make_film(tmp_path / "a.mkv", 3, grey))
    before = schedules()
    with write_part(tmp_path / "000000.nut", choose_coding(film, codec=codec), 100_000) as writer:
        for frame in film.frames():
            writer.write(frame)
            assert schedules() == before
    assert schedules() == before


def test_a_thread_that_was_hurried_is_slowed_down() -> None:
    def hurry() -> None:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99))

    try:
        with kept_scheduling():
            hurry()
    except PermissionError:
        pytest.skip("needs the right to make a thread a real-time one")
    over = threading.Event()

    def work() -> None:
        hurry()
        started.set()
        over.wait()

    started = threading.Event()
    worker = threading.Thread(target=work)
    before = schedules()
    try:
        with kept_scheduling():
            hurry()
            worker.start()
            started.wait()
            assert (os.SCHED_FIFO, 99) in schedules()
        assert schedules() == before
    finally:
        over.set()
        worker.join()
