"""Encoders may not take the machine for themselves.

SVT-AV1 in a process of root, which ComfyUI is in most containers, turns the thread that opens it
and all of its own into real-time ones. What that thread starts later, servers and browsers,
inherits this: from then on they starve the rest of the machine, or each other.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from pathlib import Path

_TASKS = Path("/proc/self/task")


@contextlib.contextmanager
def kept_scheduling() -> Generator[None]:
    """This thread, and those that the block starts, are scheduled as this thread was before it."""
    if sys.platform != "linux":  # elsewhere encoders leave it alone
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    earlier = _threads()
    try:
        yield
    finally:
        for thread in {0} | (_threads() - earlier):
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                if os.sched_getscheduler(thread) != policy:
                    os.sched_setscheduler(thread, policy, parameters)


def _threads() -> set[int]:
    return {int(task.name) for task in _TASKS.iterdir()}
