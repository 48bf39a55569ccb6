"""Trying again what another writer was in the way of, after a pause that chance chooses."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from tract.exceptions import ConcurrentMoveError

Found = TypeVar("Found")
_LONGEST_PAUSE_SECONDS = 0.05
_ATTEMPTS = 100


def pause(attempt: int) -> None:
    """Wait for a moment before the next try, on average longer each time."""
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE_SECONDS, 0.001 * 2 ** min(attempt, 10))))


def retried(once: Callable[[], Found]) -> Found:
    """Return what a function gives, trying again while other writers move what it wants to move."""
    attempt = 0
    while True:
        try:
            return once()
        except ConcurrentMoveError:
            attempt += 1
            if attempt > _ATTEMPTS:
                raise
            pause(attempt)
