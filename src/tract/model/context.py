"""A context: the ordered entries that stand at a commit, and the configuration.

Contexts share what they have in common: a child that only appends uses its parent's list and index, so a long
conversation is in memory once, and an append costs what it adds.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar, overload

from tract.model.changes import Mark, NewMessage

Item = TypeVar("Item")
_growing = threading.Lock()


class GrowingList(Sequence[Item], Generic[Item]):
    """An immutable sequence, equal to a list or tuple of its items, that shares storage with longer ones made from it.

    The first `extended` of a sequence appends in place, behind its own end; a second one copies.
    """

    __slots__ = ("_count", "_items")

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._items = list(items)
        self._count = len(self._items)

    def extended(self, items: Sequence[Item]) -> "GrowingList[Item]":
        """Return this sequence with items behind it; costs what is added, or a copy if another grew from it before."""
        longer: GrowingList[Item] = GrowingList.__new__(GrowingList)
        with _growing:
            if len(self._items) == self._count:
                longer._items = self._items
            else:
                longer._items = self._items[: self._count]
            longer._items.extend(items)
            longer._count = self._count + len(items)
        return longer

    def shares(self, other: "GrowingList[Item]") -> bool:
        """Tell whether the two keep their items in one list."""
        return self._items is other._items

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        if isinstance(index, slice):
            start, stop, step = index.indices(self._count)
            return self._items[start:stop:step] if step > 0 else self._items[: self._count][index]
        if index < 0:
            index += self._count
        if not 0 <= index < self._count:
            raise IndexError(index)
        return self._items[index]

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items[: self._count])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, GrowingList):
            return self[:] == other[:]
        return self[:] == list(other) if isinstance(other, list | tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(self[:])


class Entry(NamedTuple):
    """A message as it stands in a context.

    `mark` and `folded_into` of a tool result are always its assistant message's, and kept there only: read them
    through `Context.head`. `answers` is the message id of the assistant message whose call a result answers.
    """

    message_id: str
    blob_id: str
    role: str
    mark: Mark = "normal"
    folded_into: str | None = None
    calls: tuple[str, ...] = ()
    call_id: str | None = None
    answers: str | None = None
    summary: bool = False

    @property
    def unit(self) -> str:
        """The id that the message's exchange goes by: the assistant message's, or its own."""
        return self.answers or self.message_id

    @classmethod
    def of(cls, message: NewMessage, *, summary: bool = False) -> "Entry":
        """Return the entry of a message that comes in."""
        # What the class's own constructor does, at half the time: a long history makes one for each message.
        message_id, blob_id, role, calls, call_id, answers = message
        return tuple.__new__(cls, (message_id, blob_id, role, "normal", None, calls, call_id, answers, summary))


@dataclass(frozen=True)
class Context:
    """What stands at a commit: every message ever there, in order, with its mark and summary, and the configuration.

    A tool result stands right behind its call and that call's earlier results. `seen` says for each summary what
    it was made from, message id to blob id. Nothing ever leaves `entries`: what is skipped or folded is hidden.
    """

    entries: GrowingList[Entry] = field(default_factory=GrowingList)
    config: Mapping[str, Any] = field(default_factory=dict)
    seen: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Where each message stands; shared with other contexts, so it may hold what is not here: read it by `find`."""
        return {entry.message_id: position for position, entry in enumerate(self.entries)}

    @cached_property
    def covering(self) -> frozenset[str]:
        """The ids of the summaries that stand for something."""
        if not self.seen:
            return frozenset()
        return frozenset(entry.folded_into for entry in self.entries if entry.folded_into is not None)

    def appended(self, entries: Sequence[Entry]) -> "Context":
        """Return this context with entries behind it, sharing the list and the index where it can."""
        longer = Context(self.entries.extended(entries), self.config, self.seen)
        positions = self.__dict__.get("positions")
        if positions is not None:
            if not longer.entries.shares(self.entries):
                positions = dict(positions)
            start = len(self.entries)
            positions.update({entry.message_id: start + offset for offset, entry in enumerate(entries)})
            longer.__dict__["positions"] = positions
        if "covering" in self.__dict__:
            longer.__dict__["covering"] = self.covering
        return longer

    def position(self, message_id: str) -> int | None:
        """Return where a message stands, or None."""
        found = self.positions.get(message_id)
        if found is None or found >= len(self.entries) or self.entries[found].message_id != message_id:
            return None
        return found

    def find(self, message_id: str) -> Entry | None:
        """Return a message's entry, or None."""
        position = self.position(message_id)
        return None if position is None else self.entries[position]

    def head(self, entry: Entry) -> Entry:
        """Return the entry that carries the exchange's mark and summary: the assistant message's, or its own."""
        if entry.answers is None:
            return entry
        return self.find(entry.answers) or entry

    def is_visible(self, entry: Entry) -> bool:
        """Tell whether a model sees the message: neither skipped nor folded, and no summary of nothing."""
        head = entry if entry.answers is None else self.head(entry)
        if head.mark == "skipped" or head.folded_into is not None:
            return False
        return not head.summary or head.message_id in self.covering

    def visible(self) -> list[Entry]:
        """Return the entries that a model sees, in the order they are sent."""
        return [entry for entry in self.entries if self.is_visible(entry)]

    def exchange(self, message_id: str) -> list[Entry]:
        """Return the entries of the exchange that a message belongs to, the assistant message first."""
        found = self.find(message_id)
        if found is None:
            return []
        start = self.position(found.unit)
        assert start is not None, "a result stands behind its call"
        stop = start + 1
        while stop < len(self.entries) and self.entries[stop].answers == found.unit:
            stop += 1
        return self.entries[start:stop]
