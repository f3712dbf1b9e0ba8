"""How many answers a process writes at the same time.

Each open stream holds one thread of the web server; past workers x threads ordinary pages would
queue too. So the number is bounded below that, per process, because gunicorn does not share
connections out evenly. Taken inside the generator: one that never started runs no `finally`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.conf import settings


@cache
def slots() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(settings.RECOMMENDATION_SLOTS)


@contextmanager
def slot() -> Iterator[bool]:
    """True while one of the process's slots is ours, False where all are taken; never waits."""
    semaphore = slots()
    taken = semaphore.acquire(blocking=False)
    try:
        yield taken
    finally:
        if taken:
            semaphore.release()
