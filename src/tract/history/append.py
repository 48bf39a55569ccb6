"""What appending messages means: their ids, and which call each tool result answers."""

from collections.abc import Callable, Sequence

from tract.exceptions import ContentError
from tract.history.fold import result_ids, unanswered
from tract.model.changes import Append, NewMessage
from tract.model.commits import OpenCall
from tract.model.context import Context
from tract.model.encoding import live_message_id
from tract.model.messages import Blob

FindCall = Callable[[str], OpenCall | None]
"""Finds the nearest call of an id that is still open though its message is not the last one shown, or None."""


def plan_append(
    blobs: Sequence[Blob], operation_id: str, open_calls: Sequence[OpenCall], *, position: int, find_call: FindCall
) -> tuple[list[Append], tuple[OpenCall, ...]]:
    """Return the changes that say these messages behind a context with these open calls, and the calls then open.

    `position` counts the messages that the operation said before.

    Raises:
        ContentError: a result without an open call, or anything but a result behind one.
    """
    changes: list[Append] = []
    waiting = list(open_calls)
    for offset, blob in enumerate(blobs):
        if blob.tool_call_id is not None:
            call = _take_call(blob.tool_call_id, waiting, find_call)
            message = NewMessage(call.result_id, blob.id, blob.role, (), call.call_id, call.assistant_id)
        else:
            check_nothing_open(waiting, blob.role)
            message = NewMessage(live_message_id(operation_id, position + offset), blob.id, blob.role, blob.calls)
            waiting = calls_of(message)
        changes.append(Append(message))
    return changes, tuple(waiting)


def check_nothing_open(open_calls: Sequence[OpenCall], role: str) -> None:
    """Check that a message of this role may follow.

    Raises:
        ContentError: a call waits for its result.
    """
    if open_calls:
        waiting = ", ".join(repr(call.call_id) for call in open_calls)
        raise ContentError(
            f"a {role} message cannot follow: the result of tool call {waiting} is missing",
            message_id=open_calls[0].assistant_id,
        )


def calls_of(message: NewMessage) -> list[OpenCall]:
    """Return a new message's calls, all of them open."""
    return [
        OpenCall(message.message_id, call_id, result_id)
        for call_id, result_id in zip(message.calls, result_ids(message), strict=True)
    ]


def find_hidden_call(context: Context, call_id: str) -> OpenCall | None:
    """Return the nearest open call of this id, hidden messages included; reads the context from its end."""
    for position in range(len(context.entries) - 1, -1, -1):
        entry = context.entries[position]
        if call_id in entry.calls:
            for call in unanswered(context, entry):
                if call.call_id == call_id:
                    return call
    return None


def _take_call(call_id: str, waiting: list[OpenCall], find_call: FindCall) -> OpenCall:
    for index, call in enumerate(waiting):
        if call.call_id == call_id:
            return waiting.pop(index)
    if not waiting:
        found = find_call(call_id)
        if found is not None:
            return found
    raise ContentError(f"no open tool call {call_id!r} that this result could answer")
