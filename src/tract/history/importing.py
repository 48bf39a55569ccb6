"""What an imported conversation adds to a context: ids that any store gives it, and repairs that are reported."""

from collections.abc import Sequence
from dataclasses import dataclass

from tract.history.append import calls_of
from tract.model.changes import Append, Change, NewMessage, SetMark
from tract.model.commits import OpenCall
from tract.model.context import Context
from tract.model.encoding import imported_message_id
from tract.model.messages import Blob, parse_message

NO_RESULT = "[no result]"
"""What answers a call that a conversation went on without."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """The changes that bring in what is new, the blobs they name, the conversation's ids in order, and its repairs."""

    changes: tuple[Change, ...]
    blobs: tuple[Blob, ...]
    message_ids: tuple[str, ...]
    unanswered: tuple[str, ...]
    orphans: tuple[str, ...]


def plan_import(context: Context, blobs: Sequence[Blob]) -> ImportPlan:
    """Return what a conversation adds to a context: the messages that it never had, in the conversation's order.

    A call that the conversation went on without gets the result `[no result]`; a result without a call comes in
    skipped. Ids depend on the conversation alone.
    """
    importing = _Importing(context)
    previous: str | None = None
    for blob in blobs:
        previous = importing.take(blob, previous)
    return importing.plan()


class _Importing:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.waiting: list[OpenCall] = []
        self.changes: list[Change] = []
        self.blobs: dict[str, Blob] = {}
        self.message_ids: list[str] = []
        self.unanswered: list[str] = []
        self.orphans: list[str] = []

    def take(self, blob: Blob, previous: str | None) -> str:
        """Add one message behind another, and return its id."""
        if blob.tool_call_id is not None:
            call = next((call for call in self.waiting if call.call_id == blob.tool_call_id), None)
            return self._orphan(blob, previous) if call is None else self._answer(call, blob)
        for call in list(self.waiting):
            self._answer(call, parse_message({"role": "tool", "tool_call_id": call.call_id, "content": NO_RESULT}))
            self.unanswered.append(call.result_id)
        message = NewMessage(imported_message_id(previous, blob.fields), blob.id, blob.role, blob.calls)
        self.waiting = calls_of(message)
        self._add(message, blob)
        return message.message_id

    def _answer(self, call: OpenCall, blob: Blob) -> str:
        self.waiting.remove(call)
        self._add(NewMessage(call.result_id, blob.id, blob.role, (), call.call_id, call.assistant_id), blob)
        return call.result_id

    def _orphan(self, blob: Blob, previous: str | None) -> str:
        message = NewMessage(imported_message_id(previous, blob.fields), blob.id, blob.role, (), blob.tool_call_id)
        self.orphans.append(message.message_id)
        if self._add(message, blob):
            self.changes.append(SetMark(message.message_id, "skipped"))
        return message.message_id

    def _add(self, message: NewMessage, blob: Blob) -> bool:
        self.message_ids.append(message.message_id)
        if self.context.position(message.message_id) is not None:
            return False
        self.changes.append(Append(message))
        self.blobs[blob.id] = blob
        return True

    def plan(self) -> ImportPlan:
        return ImportPlan(
            tuple(self.changes),
            tuple(self.blobs.values()),
            tuple(self.message_ids),
            tuple(self.unanswered),
            tuple(self.orphans),
        )
