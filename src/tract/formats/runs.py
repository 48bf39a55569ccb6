"""Lists of messages found inside other people's files: bare, under a key, or in many runs at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tract.exceptions import ImportFormatError

_USUAL_KEYS = (
    "messages",
    "traj",
    "trajectory",
    "history",
    "conversation",
    "conversations",
    "chat",
    "dialog",
    "dialogue",
)
_TIME_KEYS = ("timestamp", "created_at", "createdAt", "created", "create_time", "time", "date")
_TITLE_KEYS = ("title", "name", "id", "instance_id")
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Run:
    """A list of messages as it stands in its source; `holders` are the objects around it, the nearest first."""

    messages: Sequence[Any]
    holders: tuple[Mapping[str, Any], ...] = ()
    where: str = ""

    @property
    def system(self) -> object:
        """What stands beside the messages under `system`, as in a request of Anthropic's."""
        return self.holders[0].get("system") if self.holders else None

    @property
    def title(self) -> str | None:
        """The name that the source gives to the run."""
        titles = (holder.get(key) for holder in self.holders for key in _TITLE_KEYS)
        return next((title for title in titles if isinstance(title, str) and title.strip()), None)


def find_runs(value: object) -> list[Run]:
    """Return the runs that a JSON value holds, in order.

    An object that has several lists of messages is one run: the list under the most usual key.

    Raises:
        ImportFormatError: it holds none, or some of its items hold one and others don't.
    """
    if is_message(value):
        return [Run([value])]
    if isinstance(value, list | tuple) and not value:
        return [Run([])]
    runs = _find(value, (), "", _DEEPEST)
    if not runs:
        raise ImportFormatError(f"no list of messages with roles in it: found {describe(value)}")
    return runs


def is_message(value: object) -> bool:
    """Tell whether a value can only be meant as a chat message."""
    return isinstance(value, Mapping) and isinstance(value.get("role"), str)


def find_time(source: Mapping[str, Any]) -> datetime | None:
    """Return when an object of a source says that it was made, in UTC; None where it doesn't say, or not clearly."""
    for key in _TIME_KEYS:
        found = _parse_time(source.get(key))
        if found is not None:
            return found
    return None


def find_model(source: Mapping[str, Any]) -> str | None:
    """Return the model that an object of a source names, or None."""
    model = source.get("model")
    return model if isinstance(model, str) and model.strip() else None


def describe(value: object) -> str:
    """Return a few words on what a JSON value is, for an error."""
    if isinstance(value, Mapping):
        keys = ", ".join(str(key)[:40] for key in list(value)[:6])
        return f"an object with the keys {keys}" if keys else "an empty object"
    if isinstance(value, list | tuple) and value:
        first = "another list" if isinstance(value[0], list | tuple) else describe(value[0])
        return f"a list of {len(value)}, the first of them {first}"
    kinds = {dict: "an object", list: "an empty list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)


def _find(value: object, holders: tuple[Mapping[str, Any], ...], where: str, depth: int) -> list[Run]:
    if depth == 0:
        return []
    if isinstance(value, Mapping):
        return _find_in_object(value, holders, where, depth)
    if not isinstance(value, list | tuple):
        return []
    if _is_message_list(value):
        return [Run(value, holders, where)]
    return _find_in_items(value, holders, where, depth)


def _find_in_object(
    value: Mapping[str, Any], holders: tuple[Mapping[str, Any], ...], where: str, depth: int
) -> list[Run]:
    around = (value, *holders)
    keys = sorted(value, key=lambda key: _USUAL_KEYS.index(key) if key in _USUAL_KEYS else len(_USUAL_KEYS))
    for key in keys:
        if _is_message_list(value[key]) or (key == "messages" and value[key] == []):
            return [Run(value[key], around, _at(where, f"key {key!r:.60}"))]
    for key in keys:
        runs = _find(value[key], around, _at(where, f"key {key!r:.60}"), depth - 1)
        if runs:
            return runs
    return []


def _find_in_items(value: Sequence[Any], holders: tuple[Mapping[str, Any], ...], where: str, depth: int) -> list[Run]:
    places = [_at(where, f"item {number}") for number in range(1, len(value) + 1)]
    found = [_find(item, holders, place, depth - 1) for item, place in zip(value, places, strict=True)]
    if any(found):
        for runs, place, item in zip(found, places, value, strict=True):
            if not runs:
                raise ImportFormatError(f"{place} holds no conversation, while others do: found {describe(item)}")
    return [run for runs in found for run in runs]


def _is_message_list(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and is_message(value[0])


def _at(where: str, step: str) -> str:
    return f"{where}, {step}" if where else step


def _parse_time(value: object) -> datetime | None:
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return datetime.fromtimestamp(_to_seconds(value), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _to_seconds(value: float) -> float:
    """Return an epoch time in seconds; its size tells milliseconds, microseconds and nanoseconds from them."""
    for limit, per_second in ((1e11, 1), (1e14, 1e3), (1e17, 1e6)):
        if value < limit:
            return value / per_second
    return value / 1e9
