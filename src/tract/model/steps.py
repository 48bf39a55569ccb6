"""A part of a first-parent chain, read only as far as somebody asks."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tract.model.changes import Change


class Steps(NamedTuple):
    """The ids of commits, newest first, and what yields the changes of the newest so many of them, oldest first.

    `is_whole` says that the last of them has no parent. `changes` raises CorruptionError where one of them is not what
    its id says, or not the first parent of the one before it.
    """

    ids: Sequence[str]
    is_whole: bool
    changes: Callable[[int], Iterator[Change]]
