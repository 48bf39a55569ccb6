"""What became of one context in another, at a cost that follows what is different.

Contexts share entries by identity, so what they have in common is compared slice by slice and never looked at.
"""

from dataclasses import dataclass, field
from itertools import compress, count
from operator import is_not

from tract.model.context import Context, Entry, GrowingList

Entries = GrowingList[Entry]
_SLICE = 4096


@dataclass(frozen=True)
class Delta:
    """What a later context has that an earlier one has not.

    `changed` maps message id to its two entries. `runs` are what came in, each with the position in the earlier
    context that it stands behind (-1: at the beginning); they are empty if `moved`, that is, if common messages
    stand in another order. The first `same_start` positions hold the same messages in both.
    """

    changed: dict[str, tuple[Entry, Entry]] = field(default_factory=dict)
    added: dict[str, Entry] = field(default_factory=dict)
    runs: list[tuple[int, list[Entry]]] = field(default_factory=list)
    moved: bool = False
    same_start: int = 0

    @property
    def touched(self) -> set[str]:
        """The ids of changed messages and of exchanges that got a result."""
        return self.changed.keys() | {entry.answers for entry in self.added.values() if entry.answers is not None}


def find_delta(before: Context, after: Context) -> Delta:
    """Return what is different in a later context."""
    old, new = before.entries, after.entries
    changed: dict[str, tuple[Entry, Entry]] = {}
    runs: list[tuple[int, list[Entry]]] = []
    shared = min(len(old), len(new)) if new.shares(old) else 0
    position = place = same_start = shared + _advance(old, new, changed, (shared, shared))
    while position < len(old):
        found = _place(old[position], new, place, after)
        if found is None:
            return _unordered(old, new, changed, same_start)
        runs.append((position - 1, new[place:found]))
        length = _advance(old, new, changed, (position, found))
        position, place = position + length, found + length
    if place < len(new):
        runs.append((position - 1, new[place:]))
    added = {entry.message_id: entry for _, run in runs for entry in run}
    return Delta(changed, added, runs, False, same_start)


def _advance(old: Entries, new: Entries, changed: dict[str, tuple[Entry, Entry]], start: tuple[int, int]) -> int:
    """Return how many positions from here on hold the same messages, noting those that changed."""
    position, place = start
    passed = 0
    while True:
        # Slices of this size compare in C and stay in the processor's cache.
        before = old[position + passed : position + passed + _SLICE]
        after = new[place + passed : place + passed + _SLICE]
        if before != after:
            for offset in compress(count(), map(is_not, before, after)):
                one, other = before[offset], after[offset]
                if one.message_id != other.message_id:
                    return passed + offset
                if one != other:
                    changed[one.message_id] = (one, other)
        length = min(len(before), len(after))
        passed += length
        if length < _SLICE:
            return passed


def _place(entry: Entry, new: Entries, start: int, after: Context) -> int | None:
    """Return where a message stands at or behind `start`; the entry itself is found without an index."""
    try:
        return start + new[start:].index(entry)
    except ValueError:
        found = after.position(entry.message_id)
    return found if found is not None and found >= start else None


def _unordered(old: Entries, new: Entries, changed: dict[str, tuple[Entry, Entry]], same_start: int) -> Delta:
    known = {entry.message_id: entry for entry in old[same_start:]}
    added: dict[str, Entry] = {}
    for entry in new[same_start:]:
        before = known.get(entry.message_id)
        if before is None:
            added[entry.message_id] = entry
        elif before is not entry and before != entry:
            changed[entry.message_id] = (before, entry)
    return Delta(changed, added, [], True, same_start)
