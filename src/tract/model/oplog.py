"""What the operation log tells: what was done, and which refs it moved."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MovedRef:
    """Where an operation moved a ref, named in full: from `old` (None: it was not there) to `new` (None: it went)."""

    ref: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class OperationEntry:
    """An operation in the log, with what it moved.

    `subject_id` is the operation that an undo, a redo or a revert is about: of several the oldest undone, or the
    newest done again.
    """

    id: str
    kind: str
    author: str
    created_at: datetime
    moves: tuple[MovedRef, ...]
    subject_id: str | None = None
