"""The one place that moves SQLite's write-ahead log back into the database file.

SQLite before 3.51.3 can corrupt a log that two connections checkpoint at once, so automatic checkpoints are off and a
lock on the log file itself lets one connection through, of whatever process or thread. SQLite takes no lock on that
file, so giving ours up takes none of SQLite's with it.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

try:
    import fcntl
except ImportError:  # Windows has no such lock; SQLite's own must do there
    fcntl = None  # type: ignore[assignment]

LIMIT_BYTES = 4 * 1024 * 1024


class Checkpointer:
    """Knows how long the log may become until the next checkpoint is tried."""

    def __init__(self, path: str) -> None:
        self._log_path = path + "-wal"
        self._due_bytes = LIMIT_BYTES

    def after_commit(self, connection: sqlite3.Connection) -> None:
        """Empty the log if it has grown past its limit; if others still read it, try again when it has grown more.

        What was committed is safe in the log, so a checkpoint that fails is no failure of the write before it.
        """
        size_bytes = _size_bytes(self._log_path)
        if size_bytes < self._due_bytes:
            return
        try:
            with _locked(self._log_path) as free:
                done = free and self._empty(connection)
        except (OSError, sqlite3.OperationalError):
            done = False
        self._due_bytes = LIMIT_BYTES if done else size_bytes + LIMIT_BYTES

    def _empty(self, connection: sqlite3.Connection) -> bool:
        """Empty the log unless another did meanwhile: a checkpoint right behind another is what SQLite got wrong."""
        if _size_bytes(self._log_path) < LIMIT_BYTES:
            return True
        return bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)


def _size_bytes(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


@contextmanager
def _locked(path: str) -> Iterator[bool]:
    """Hold the lock on a file; yields False if another holds it."""
    file = os.open(path, os.O_RDONLY)
    try:
        yield _lock(file)
    finally:
        os.close(file)


def _lock(file: int) -> bool:
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
