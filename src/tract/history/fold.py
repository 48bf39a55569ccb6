"""The fold: what changes make of a context, each checked against what stands there."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tract.exceptions import ContentError, MessageNotFoundError
from tract.model.changes import (
    MARKS,
    Append,
    Change,
    Configure,
    Edit,
    Fold,
    Insert,
    Mark,
    Move,
    NewMessage,
    SetMark,
    Unfold,
)
from tract.model.commits import OpenCall
from tract.model.context import Context, Entry, GrowingList
from tract.model.encoding import result_message_id
from tract.model.messages import INSTRUCTION_ROLES


def apply_changes(context: Context, changes: Iterable[Change]) -> Context:
    """Return the context that changes make of another; a run of appends costs what it adds.

    Raises:
        MessageNotFoundError: a change names a message that is not there.
        ContentError: a change does not fit, such as one that folds a pinned message or doubles a message.
    """
    building = _Building(context)
    for change in changes:
        if type(change) is Append and not building.inserts:
            building.append(change.message)
        else:
            building.apply(change)
    return building.finished()


def check_context(context: Context) -> None:
    """Check that a context can be sent: only its last visible message may have calls without results.

    Raises:
        ContentError: something stands behind an open call, or a visible result has no call.
    """
    entries = context.entries[:]
    last = _last_visible(context)
    for place, entry in enumerate(entries):
        if entry.calls:
            # Results stand right behind their call, so the last of them says whether all are there.
            final = place + len(entry.calls)
            answered = final < len(entries) and entries[final].answers == entry.message_id
            if not answered and (last is None or entry.message_id != last.unit) and context.is_visible(entry):
                raise ContentError(
                    f"message {entry.message_id[:12]} has a call without a result, and something stands behind it",
                    message_id=entry.message_id,
                )
        elif entry.role == "tool" and entry.answers is None and context.is_visible(entry):
            raise ContentError("a tool result without its call cannot be shown", message_id=entry.message_id)


def open_calls(context: Context) -> tuple[OpenCall, ...]:
    """Return the unanswered calls of the last visible message, in order; reads the context from its end."""
    last = _last_visible(context)
    return () if last is None else unanswered(context, context.head(last))


def _last_visible(context: Context) -> Entry | None:
    for position in range(len(context.entries) - 1, -1, -1):
        entry = context.entries[position]
        if context.is_visible(entry):
            return entry
    return None


def unanswered(context: Context, assistant: Entry) -> tuple[OpenCall, ...]:
    """Return the calls of an assistant message that have no result in this context, in order."""
    return tuple(
        OpenCall(assistant.message_id, call_id, result_id)
        for call_id, result_id in zip(assistant.calls, result_ids(assistant), strict=True)
        if context.position(result_id) is None
    )


def result_ids(assistant: Entry | NewMessage) -> list[str]:
    """Return the message ids that the results of an assistant message's calls have, parallel to its calls."""
    return [
        result_message_id(assistant.message_id, call_id, assistant.calls[:position].count(call_id))
        for position, call_id in enumerate(assistant.calls)
    ]


class _Building:
    """A context while changes are applied: new entries behind it and replaced ones beside it, until it must be cut."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.tail: list[Entry] = []
        self.tail_ids: dict[str, int] = {}
        self.replaced: dict[str, Entry] = {}
        self.config: Mapping[str, Any] = context.config
        self.seen: Mapping[str, Mapping[str, str]] = context.seen
        self.inserts: list[Insert] = []

    def apply(self, change: Change) -> None:
        if type(change) is not Insert and self.inserts:
            self.flush_inserts()
        match change:
            case Append(message):
                self.append(message)
            case Insert():
                self.inserts.append(change)
            case Edit(message_id, blob_id):
                entry = self.unfolded(message_id)
                self.replace(entry._replace(blob_id=blob_id))
            case SetMark(message_id, mark):
                self.mark(message_id, mark)
            case Configure(settings):
                kept = {key: value for key, value in {**self.config, **settings}.items() if value is not None}
                self.config = kept
            case Fold():
                self.fold(change)
            case Unfold():
                self.unfold(change)
            case Move(message_id, after):
                self.move(message_id, after)

    def finished(self) -> Context:
        context = self.settle()
        if self.config is context.config and self.seen is context.seen:
            return context
        found = Context(context.entries, self.config, self.seen)
        if "positions" in context.__dict__:
            found.__dict__["positions"] = context.positions
        return found

    def settle(self) -> Context:
        """Make a context of all that was applied, so that it can be searched and cut."""
        if self.inserts:
            self.flush_inserts()
        if self.tail:
            self.context = self.context.appended(self.tail)
            self.tail, self.tail_ids = [], {}
        if self.replaced:
            entries = self.context.entries[:]
            positions = self.context.positions
            for message_id, entry in self.replaced.items():
                entries[positions[message_id]] = entry
            self.rebuild(entries)
            self.context.__dict__["positions"] = dict(positions)
        return self.context

    def rebuild(self, entries: Iterable[Entry]) -> None:
        self.context = Context(GrowingList(entries), self.context.config, self.context.seen)
        self.tail, self.tail_ids, self.replaced = [], {}, {}

    def has(self, message_id: str) -> bool:
        return message_id in self.tail_ids or self.context.position(message_id) is not None

    def find(self, message_id: str) -> Entry:
        offset = self.tail_ids.get(message_id)
        if offset is not None:
            return self.tail[offset]
        found = self.replaced.get(message_id) or self.context.find(message_id)
        if found is None:
            raise MessageNotFoundError(f"no message {message_id} in this context", message_id=message_id)
        return found

    def unfolded(self, message_id: str) -> Entry:
        found = self.find(message_id)
        head = found if found.answers is None else self.find(found.answers)
        if head.folded_into is not None:
            raise ContentError(
                f"message {message_id[:12]} is folded into a summary; expand it first", message_id=message_id
            )
        return found

    def append(self, message: NewMessage) -> None:
        message_id, answers = message.message_id, message.answers
        if message_id in self.tail_ids or (message_id in self.context.positions and self.has(message_id)):
            raise ContentError(f"message {message_id[:12]} is there already", message_id=message_id)
        if answers is not None:
            assistant = self.find(answers)
            if message_id not in result_ids(assistant):
                raise ContentError(f"no call {message.call_id!r} to answer", message_id=message_id)
            last = self.tail[-1] if self.tail else (self.context.entries[-1] if len(self.context.entries) else None)
            if last is not None and last.unit != answers:
                self.insert_result(Entry.of(message))
                return
        self.tail_ids[message_id] = len(self.tail)
        self.tail.append(Entry.of(message))

    def insert_result(self, entry: Entry) -> None:
        assert entry.answers is not None, "only results are placed behind their call"
        context = self.settle()
        exchange = context.exchange(entry.answers)
        stop = context.position(exchange[-1].message_id)
        assert stop is not None, "an exchange stands in its context"
        self.rebuild([*context.entries[: stop + 1], entry, *context.entries[stop + 1 :]])

    def replace(self, new: Entry) -> None:
        offset = self.tail_ids.get(new.message_id)
        if offset is None:
            self.replaced[new.message_id] = new
        else:
            self.tail[offset] = new

    def mark(self, message_id: str, mark: Mark) -> None:
        if mark not in MARKS:
            raise ContentError(f"mark must be one of {', '.join(MARKS)}, not {mark!r}", message_id=message_id)
        found = self.unfolded(message_id)
        head = found if found.answers is None else self.find(found.answers)
        self.replace(head._replace(mark=mark))

    def flush_inserts(self) -> None:
        inserts, self.inserts = self.inserts, []
        context = self.settle()
        runs: dict[str | None, list[Entry]] = {}
        anchor_of: dict[str, str | None] = {}
        late: list[NewMessage] = []
        for insert in inserts:
            entry = Entry.of(insert.message, summary=insert.summary)
            if context.position(entry.message_id) is not None or entry.message_id in anchor_of:
                raise ContentError(f"message {entry.message_id[:12]} is there already", message_id=entry.message_id)
            if entry.answers is not None and entry.answers not in anchor_of:
                late.append(insert.message)
                continue
            anchor = anchor_of.get(insert.after, insert.after) if insert.after is not None else None
            anchor = self._last_of_exchange(context, anchor) if anchor is not None else None
            runs.setdefault(anchor, []).append(entry)
            anchor_of[entry.message_id] = anchor
        found = [*runs.get(None, ())]
        for entry in context.entries:
            found.append(entry)
            if entry.message_id in runs:
                found.extend(runs[entry.message_id])
        self.rebuild(found)
        for message in late:
            self.append(message)

    def _last_of_exchange(self, context: Context, message_id: str) -> str:
        exchange = context.exchange(message_id)
        if not exchange:
            raise MessageNotFoundError(f"no message {message_id} to stand behind", message_id=message_id)
        return exchange[-1].message_id

    def move(self, message_id: str, after: str | None) -> None:
        context = self.settle()
        moving = context.exchange(self.find(message_id).unit)
        ids = {entry.message_id for entry in moving}
        rest = [entry for entry in context.entries if entry.message_id not in ids]
        if after is None:
            self.rebuild([*moving, *rest])
            return
        if after in ids:
            raise ContentError("a message cannot stand behind itself", message_id=message_id)
        last = self._last_of_exchange(context, after)
        found: list[Entry] = []
        for entry in rest:
            found.append(entry)
            if entry.message_id == last:
                found.extend(moving)
        self.rebuild(found)

    def fold(self, fold: Fold) -> None:
        context = self.settle()
        units = {self._foldable(context, message_id).message_id for message_id in fold.message_ids}
        if not units:
            raise ContentError("a summary must stand for something")
        if fold.summary is None:
            summary = self.find(fold.summary_id)
            if not summary.summary or summary.message_id in units:
                raise ContentError(f"message {fold.summary_id[:12]} is no summary", message_id=fold.summary_id)
        elif context.position(fold.summary_id) is not None or fold.summary.message_id != fold.summary_id:
            raise ContentError(f"message {fold.summary_id[:12]} is there already", message_id=fold.summary_id)
        seen = fold.seen if fold.seen is not None else told_by(context, units)
        found: list[Entry] = []
        waiting = None if fold.summary is None else Entry.of(fold.summary, summary=True)
        for entry in context.entries:
            if entry.message_id in units:
                if waiting is not None:
                    found.append(waiting)
                    waiting = None
                entry = entry._replace(folded_into=fold.summary_id)
            found.append(entry)
        self.rebuild(found)
        self.seen = {**self.seen, fold.summary_id: dict(seen)}
        self.context = Context(self.context.entries, self.context.config, self.seen)

    def _foldable(self, context: Context, message_id: str) -> Entry:
        head = context.head(self.unfolded(message_id))
        if head.mark == "pinned":
            raise ContentError(f"message {message_id[:12]} is pinned and cannot be folded", message_id=message_id)
        if head.role in INSTRUCTION_ROLES:
            raise ContentError(f"a {head.role} message is never folded", message_id=message_id)
        if not context.is_visible(head):
            raise ContentError(f"message {message_id[:12]} is not shown and cannot be folded", message_id=message_id)
        if unanswered(context, head):
            raise ContentError(f"message {message_id[:12]} has a call without a result", message_id=message_id)
        return head

    def unfold(self, unfold: Unfold) -> None:
        context = self.settle()
        summary = self.find(unfold.summary_id)
        covered = {entry.message_id for entry in context.entries if entry.folded_into == unfold.summary_id}
        shown = covered if unfold.message_ids is None else {self.find(item).unit for item in unfold.message_ids}
        if not summary.summary or not covered or not covered.issuperset(shown):
            raise ContentError(
                f"message {unfold.summary_id[:12]} is no summary of what is to be shown", message_id=unfold.summary_id
            )
        self.rebuild(
            entry._replace(folded_into=None) if entry.message_id in shown else entry for entry in context.entries
        )


def told_by(context: Context, units: Iterable[str]) -> dict[str, str]:
    """Return what a summary of these units tells, message id to blob id; summaries among them are opened."""
    covered: dict[str, list[str]] = {}
    for entry in context.entries:
        if entry.folded_into is not None:
            covered.setdefault(entry.folded_into, []).append(entry.message_id)
    found: dict[str, str] = {}
    waiting = list(units)
    while waiting:
        unit = waiting.pop()
        members: Sequence[Entry] = context.exchange(unit)
        if members and members[0].summary:
            waiting.extend(covered.get(unit, ()))
        else:
            found.update({member.message_id: member.blob_id for member in members})
    return found
