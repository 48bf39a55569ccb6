"""The order that a merge puts messages in: what is common keeps its place, each side's own stays together behind it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tract.history.delta import Delta
from tract.model.context import Context, Entry, GrowingList


class Side(NamedTuple):
    """One side of a merge: its context, and what the base became in it."""

    context: Context
    delta: Delta


class Order(NamedTuple):
    """Both sides' entries in merged order, as either side has them; `disputed`: common messages stood differently."""

    entries: list[Entry]
    disputed: bool


def merge_order(base: Context, first: Side, second: Side) -> Order:
    """Return every message of both sides once: the first side's own blocks before the second's.

    Where common messages stand in two orders, the side that differs from the base wins, else the first.
    """
    shared = first.delta.added.keys() & second.delta.added.keys()
    answers_base = all(
        entry.answers is not None and entry.answers not in first.delta.added
        for entry in map(first.delta.added.__getitem__, shared)
    )
    if answers_base and not first.delta.moved and not second.delta.moved:
        return Order(_spliced(base.entries, first.delta, second.delta), False)
    start = _whole_start(base, first, second)
    tails = [_Units(context.entries[start:]) for context in (base, first.context, second.context)]
    entries, disputed = _woven(*tails)
    return Order(base.entries[:start] + entries, disputed)


def _spliced(base: GrowingList[Entry], first: Delta, second: Delta) -> list[Entry]:
    """Return the base with both sides' runs in it; results join their exchange, the first side's first."""
    results: dict[int, list[Entry]] = {}
    blocks: dict[int, list[Entry]] = {}
    for position, run in first.runs:
        length = _result_count(base, position, run)
        results.setdefault(position, []).extend(run[:length])
        blocks.setdefault(position, []).extend(run[length:])
    for position, run in second.runs:
        length = _result_count(base, position, run)
        fresh = [entry for entry in run[:length] if entry.message_id not in first.added]
        results.setdefault(_exchange_end(base, position), []).extend(fresh)
        blocks.setdefault(position, []).extend(run[length:])
    found: list[Entry] = []
    done = 0
    for position in sorted(results.keys() | blocks.keys()):
        found += base[done : position + 1]
        found += results.get(position, ())
        found += blocks.get(position, ())
        done = position + 1
    return found + base[done:]


def _result_count(base: GrowingList[Entry], position: int, run: list[Entry]) -> int:
    """Return how many entries at the start of a run are results for the exchange that the run stands behind."""
    unit = base[position].unit if position >= 0 else None
    return next(
        (length for length, entry in enumerate(run) if entry.answers is None or entry.answers != unit), len(run)
    )


def _exchange_end(base: GrowingList[Entry], position: int) -> int:
    while position + 1 < len(base) and position >= 0 and base[position + 1].answers == base[position].unit:
        position += 1
    return position


def _whole_start(base: Context, first: Side, second: Side) -> int:
    """Return how many messages at the start are the same, in order, in all three, cut before an exchange."""
    start = min(first.delta.same_start, second.delta.same_start)
    contexts = (base, first.context, second.context)
    while start and any(
        start < len(context.entries) and context.entries[start].answers is not None for context in contexts
    ):
        start -= 1
    return start


class _Units:
    """Entries as exchanges, in order: each unit's id and its entries."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.members: dict[str, list[Entry]] = {}
        for entry in entries:
            self.members.setdefault(entry.unit, []).append(entry)

    def common(self, other: "_Units") -> list[str]:
        """Return the units that another side has too, in this one's order."""
        return [unit for unit in self.members if unit in other.members]

    def blocks(self, other: "_Units") -> dict[str | None, list[str]]:
        """Return the units that another side lacks, by the common unit that they follow."""
        found: dict[str | None, list[str]] = {}
        anchor: str | None = None
        for unit in self.members:
            if unit in other.members:
                anchor = unit
            else:
                found.setdefault(anchor, []).append(unit)
        return found


def _woven(base: _Units, first: _Units, second: _Units) -> tuple[list[Entry], bool]:
    skeleton, disputed = _skeleton(base, first, second)
    first_blocks, second_blocks = first.blocks(second), second.blocks(first)
    found: list[Entry] = []
    anchors: Sequence[str | None] = [None, *skeleton]
    for anchor in anchors:
        if anchor is not None:
            found += _joined(first.members[anchor], second.members[anchor])
        for unit in first_blocks.get(anchor, ()):
            found += first.members[unit]
        for unit in second_blocks.get(anchor, ()):
            found += second.members[unit]
    return found, disputed


def _skeleton(base: _Units, first: _Units, second: _Units) -> tuple[list[str], bool]:
    """Return the common units in order, and whether the two sides had them in different ones."""
    first_order, second_order = first.common(second), second.common(first)
    if first_order == second_order:
        return first_order, False
    old = [unit for unit in base.members if unit in first.members and unit in second.members]
    first_old = [unit for unit in first_order if unit in base.members]
    second_old = [unit for unit in second_order if unit in base.members]
    second_alone_moved = first_old == old and second_old != old
    return (second_order if second_alone_moved else first_order), True


def _joined(first: list[Entry], second: list[Entry]) -> list[Entry]:
    known = {entry.message_id for entry in first}
    return first + [entry for entry in second if entry.message_id not in known]
