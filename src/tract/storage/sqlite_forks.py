"""What a fork does to connections that SQLite has open: they are given up in the child, before it can open others.

A child inherits what SQLite noted of its locks, but not the locks. A connection that it opens anew to the same file
would share those notes, and hold no lock at all: another process may then delete the log that it writes to, with all
that it acknowledged. So no thread is inside SQLite while the process forks, and the child's first act is to close what
it inherited. That harms nobody: the parent holds its locks, so the child can neither checkpoint nor delete the log.
Source: https://sqlite.org/howtocorrupt.html#_carrying_an_open_database_across_a_fork_.
"""

import os
import threading
import weakref
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol

OPENING = threading.Lock()
"""Held while connections are opened, so that none is being opened while the process forks."""


class Forkable(Protocol):
    """Connections to one file."""

    def locks(self) -> Sequence[AbstractContextManager[bool]]:
        """Return the locks of the connections; who has them all knows that no thread uses one."""
        ...

    def give_up(self) -> None:
        """Close what was inherited, in a child and without taking a lock."""
        ...


_OPEN: "weakref.WeakSet[Forkable]" = weakref.WeakSet()
_held = ExitStack()


def watch(database: Forkable) -> None:
    """Have a database's connections given up in children of this process."""
    with OPENING:
        _OPEN.add(database)


def _before() -> None:
    """Wait until no thread is inside SQLite, and keep it so."""
    _held.enter_context(OPENING)
    for database in list(_OPEN):
        for lock in database.locks():
            _held.enter_context(lock)


def _in_child() -> None:
    for database in list(_OPEN):
        database.give_up()
    _OPEN.clear()
    _held.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_held.close, after_in_child=_in_child)
