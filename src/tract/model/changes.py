"""The changes that a commit is made of, and their JSON.

A commit lists changes against its first parent; they apply in order and may name messages of the same commit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from tract.exceptions import CorruptionError

Mark = Literal["skipped", "normal", "important", "pinned"]
MARKS: tuple[Mark, ...] = get_args(Mark)
"""Weakest first: of two raises the stronger wins a merge."""


class NewMessage(NamedTuple):
    """A message entering a context: its lasting id, its blob, and the facts that a fold needs without reading it.

    `answers` is the message id of the assistant message whose call a tool result answers.
    """

    message_id: str
    blob_id: str
    role: str
    calls: tuple[str, ...] = ()
    call_id: str | None = None
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """Put a message at the end; a tool result goes right behind its call and the results that it has."""

    message: NewMessage


@dataclass(frozen=True, slots=True)
class Insert:
    """Put a message right behind one that the first parent has; None is the beginning. A run keeps its order.

    `summary` says that it is a summary made elsewhere; a `Fold` of the same commit says what it stands for.
    """

    message: NewMessage
    after: str | None
    summary: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """Put a message that is there right behind another; only a merge whose two orders differ needs it."""

    message_id: str
    after: str | None


@dataclass(frozen=True, slots=True)
class Edit:
    """Give a message other words: a blob with the same role, `tool_call_id` and call ids."""

    message_id: str
    blob_id: str


@dataclass(frozen=True, slots=True)
class SetMark:
    """Mark a message; on any member of an exchange it holds for the whole exchange."""

    message_id: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Fold:
    """Let a summary stand for messages; a new `summary` stands where the first of them stood, None: it is there.

    `seen` is what the summary was made from, message id to blob id; None: what the folded messages say now.
    """

    summary_id: str
    message_ids: tuple[str, ...]
    summary: NewMessage | None = None
    seen: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Unfold:
    """Show again what a summary stood for, all of it or only the messages named; the summary stands for the rest."""

    summary_id: str
    message_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Configure:
    """Set keys of the configuration to JSON values; None unsets a key."""

    settings: Mapping[str, Any] = field(default_factory=dict)


_PLAIN_KEYS = 4
"""How many keys an appended message has that neither calls nor answers: `do`, `id`, `blob`, `role`."""

Change = Append | Insert | Move | Edit | SetMark | Fold | Unfold | Configure


def change_to_json(change: Change) -> dict[str, Any]:
    """Return a change as the JSON object that is hashed and stored."""
    match change:
        case Append(message):
            return {"do": "append", **_message_to_json(message)}
        case Insert(message, after, summary):
            found = {"do": "insert", "after": after, **_message_to_json(message)}
            return {**found, "summary": True} if summary else found
        case Move(message_id, after):
            return {"do": "move", "id": message_id, "after": after}
        case Edit(message_id, blob_id):
            return {"do": "edit", "id": message_id, "blob": blob_id}
        case SetMark(message_id, mark):
            return {"do": "mark", "id": message_id, "mark": mark}
        case Fold():
            return _fold_to_json(change)
        case Unfold(summary_id, message_ids):
            found = {"do": "unfold", "into": summary_id}
            return found if message_ids is None else {**found, "ids": list(message_ids)}
        case Configure(settings):
            return {"do": "configure", "settings": dict(settings)}


def change_from_json(value: Mapping[str, Any]) -> Change:
    """Return the change that `change_to_json` wrote.

    Raises:
        CorruptionError: the object is no change that this version knows.
    """
    try:
        return _READERS[value["do"]](value)
    except (KeyError, TypeError, AttributeError) as error:
        raise CorruptionError(f"not a change: {str(value)[:120]}") from error


def _message_to_json(message: NewMessage) -> dict[str, Any]:
    found: dict[str, Any] = {"id": message.message_id, "blob": message.blob_id, "role": message.role}
    if message.calls:
        found["calls"] = list(message.calls)
    if message.call_id is not None:
        found["call"] = message.call_id
    if message.answers is not None:
        found["answers"] = message.answers
    return found


def _message_from_json(value: Mapping[str, Any]) -> NewMessage:
    if len(value) == _PLAIN_KEYS:
        return tuple.__new__(NewMessage, (value["id"], value["blob"], value["role"], (), None, None))
    calls = value.get("calls")
    return NewMessage(
        value["id"],
        value["blob"],
        value["role"],
        tuple(calls) if calls else (),
        value.get("call"),
        value.get("answers"),
    )


def _fold_to_json(fold: Fold) -> dict[str, Any]:
    found: dict[str, Any] = {"do": "fold", "into": fold.summary_id, "ids": list(fold.message_ids)}
    if fold.summary is not None:
        found["summary"] = _message_to_json(fold.summary)
    if fold.seen is not None:
        found["seen"] = dict(fold.seen)
    return found


def _fold_from_json(value: Mapping[str, Any]) -> Fold:
    summary = value.get("summary")
    new = None if summary is None else _message_from_json(summary)
    return Fold(value["into"], tuple(value["ids"]), new, value.get("seen"))


def _unfold_from_json(value: Mapping[str, Any]) -> Unfold:
    ids = value.get("ids")
    return Unfold(value["into"], None if ids is None else tuple(ids))


_READERS: dict[str, Callable[[Mapping[str, Any]], Change]] = {
    "append": lambda value: Append(_message_from_json(value)),
    "insert": lambda value: Insert(_message_from_json(value), value["after"], value.get("summary", False)),
    "move": lambda value: Move(value["id"], value["after"]),
    "edit": lambda value: Edit(value["id"], value["blob"]),
    "mark": lambda value: SetMark(value["id"], value["mark"]),
    "fold": _fold_from_json,
    "unfold": _unfold_from_json,
    "configure": lambda value: Configure(value["settings"]),
}
