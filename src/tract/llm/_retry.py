"""When a failed try is followed by another, and how long the wait before it is."""

import email.utils
import math
import re
import time
from collections.abc import Mapping
from datetime import UTC

import tenacity

from tract.llm._transport import Deadline
from tract.llm.errors import LLMClientError

BACKOFF = tenacity.wait_exponential(multiplier=1, min=1, max=30) + tenacity.wait_random(0, 2)

RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})

# A server that asks for more is better asked again by whoever can wait that long.
_LONGEST_ASKED_SECONDS = 60.0
# Stricter than float(), which reads "1_0", "nan" and "infinity" too.
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")


class Call:
    """One chat under way: what is sent, until when, and how often it has been."""

    def __init__(self, body: bytes, deadline: Deadline) -> None:
        self.body = body
        self.deadline = deadline
        self.attempts = 0
        self.pause_seconds = 0.0
        self.last_failure = ""


def is_tried_again(state: tenacity.RetryCallState) -> bool:
    """Decide whether to try again, and fix the pause before that: never less than the server asked for.

    What it decides on is the `Call` that the retried function was given. No pause is begun that would not end
    before the deadline.
    """
    call = state.args[0]
    failure = state.outcome.exception() if state.outcome else None
    if not isinstance(failure, LLMClientError) or not failure.retryable:
        return False
    asked = failure.retry_after or 0.0
    call.pause_seconds = max(asked, BACKOFF(state))
    return bool(asked <= _LONGEST_ASKED_SECONDS and call.pause_seconds < call.deadline.remaining())


def pause_seconds(state: tenacity.RetryCallState) -> float:
    """Return the pause that `is_tried_again` fixed."""
    return float(state.args[0].pause_seconds)


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait, None if it asks nothing that makes sense.

    Where it says both seconds and milliseconds, the longer counts.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    asked = [
        None if milliseconds is None else milliseconds / 1000,
        _number(headers.get("retry-after", "")),
        _seconds_until(headers.get("retry-after", "")),
    ]
    return max((seconds for seconds in asked if seconds is not None), default=None)


def _number(text: str) -> float | None:
    number = float(text) if _NUMBER.fullmatch(text.strip()) else math.inf
    return number if math.isfinite(number) else None


def _seconds_until(text: str) -> float | None:
    """Return how far ahead an HTTP date is, None for a date gone by."""
    try:
        moment = email.utils.parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = moment.timestamp() - time.time()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return seconds if seconds >= 0 else None


def is_status_retried(status: int, headers: Mapping[str, str]) -> bool:
    """Tell whether a status may change when asked again; what the server says of it goes before the list."""
    match headers.get("x-should-retry", "").strip().lower():
        case "true":
            return True
        case "false":
            return False
        case _:
            return status in RETRIED_STATUSES
