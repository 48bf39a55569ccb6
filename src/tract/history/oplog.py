"""What undo and redo mean: which logged operations are taken back or done again, and where that moves refs.

The log is never cut. An undo is an operation of its own, which names the oldest operation that it took back and how
many: what stood before that one is what stands now. So the walk from the newest operation back jumps over what was
undone, and finds the next to undo without reading the rest.

Source: jj's operation log.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, NamedTuple, Protocol

from tract.exceptions import ConcurrentMoveError
from tract.model.refs import HORIZON, INCOMING, REMEMBERED
from tract.protocols import LoggedOperation, RefMove

Direction = Literal["undo", "redo"]

_FOR_GOOD = "purge"
"""The kind of operation whose refs going back would name what is no longer there."""

_TURN = re.compile(r"(undo|redo) ([1-9][0-9]*) ([0-9a-f]{64})")
_REVERT = re.compile(r"revert ([0-9a-f]{64})")


class Turn(NamedTuple):
    """What the kind of an undo or a redo says: how many operations it is of.

    The one named is the oldest that an undo took back, or the newest that a redo did again.
    """

    direction: Direction
    number: int
    operation_id: str

    @property
    def kind(self) -> str:
        """The kind of operation that the log keeps."""
        return f"{self.direction} {self.number} {self.operation_id}"


class Log(Protocol):
    """Looks operations up in the log."""

    def before(self, operation_id: str | None) -> Iterator[LoggedOperation]:
        """Yield what was logged before an operation (None: everything), newest first."""
        ...

    def get(self, operation_id: str) -> LoggedOperation:
        """Return an operation."""
        ...


def parse_turn(kind: str) -> Turn | None:
    """Return what an undo or a redo was of; None for any other kind of operation."""
    found = _TURN.fullmatch(kind)
    if found is None:
        return None
    return Turn("undo" if found[1] == "undo" else "redo", int(found[2]), found[3])


def revert_kind(operation_id: str) -> str:
    """Return the kind of the operation that takes one operation back, whatever came after it."""
    return f"revert {operation_id}"


def parse_kind(kind: str) -> tuple[str, str | None]:
    """Return the word for a kind of operation, and the id of the operation that it is about, if there is one."""
    turn = parse_turn(kind)
    if turn is not None:
        return turn.direction, turn.operation_id
    found = _REVERT.fullmatch(kind)
    return ("revert", found[1]) if found is not None else (kind, None)


def undoable(log: Log, before: str | None = None) -> Iterator[LoggedOperation]:
    """Yield the operations that stand, newest first: now, or before one was done."""
    entries = log.before(before)
    while (entry := next(entries, None)) is not None:
        turn = parse_turn(entry.operation.kind)
        if turn is None:
            if _moves_back(entry):
                yield entry
            continue
        if turn.direction == "redo":
            yield log.get(turn.operation_id)
        entries = log.before(turn.operation_id)


def redoable(log: Log) -> Iterator[LoggedOperation]:
    """Yield the operations that were undone since anything else was done, the one to do again first."""
    done_again = 0
    for entry in log.before(None):
        turn = parse_turn(entry.operation.kind)
        if turn is None:
            if _moves_back(entry):
                return
        elif turn.direction == "redo":
            done_again += turn.number
        elif done_again >= turn.number:
            done_again -= turn.number
        else:
            undone = list(islice(undoable(log, entry.operation.id), turn.number))
            yield from undone[::-1][done_again:]
            done_again = 0


def plan_turn(direction: Direction, operations: Iterable[LoggedOperation]) -> list[RefMove]:
    """Return the moves that take operations back, newest given first, or do them again, oldest first.

    Remembered answers stay: they were paid for, and move nothing that is seen.

    Raises:
        ConcurrentMoveError: something else moved a ref between two of them.
    """
    found: dict[str, RefMove] = {}
    for operation in operations:
        for move in _moves_back(operation):
            old, new = (move.new, move.old) if direction == "undo" else (move.old, move.new)
            known = found.get(move.name)
            if known is not None and known.new != old:
                raise ConcurrentMoveError(
                    f"{move.name} was moved between two of the operations",
                    ref=move.name,
                    expected=known.new,
                    found=old,
                )
            found[move.name] = RefMove(move.name, old if known is None else known.old, new)
    return list(found.values())


def _moves_back(operation: LoggedOperation) -> list[RefMove]:
    """Return the moves that an undo takes back; none where the operation kept answers, or collected garbage, alone."""
    if operation.operation.kind == _FOR_GOOD:
        return []
    return [move for move in operation.moves if not move.name.startswith((REMEMBERED, INCOMING, HORIZON))]
