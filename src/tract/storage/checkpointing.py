"""The one place that moves SQLite's write-ahead log back into the database file.

SQLite before 3.51.3 can corrupt a log when a checkpoint begins right behind another and a third connection commits
meanwhile (https://sqlite.org/wal.html#walresetbug). So automatic checkpoints are off, and who finds the log long holds
a lock, shared by all processes and threads, from before the checkpoint until after a commit of its own, which starts
the log anew: no two checkpoints meet, and between any two there is a commit. The lock is on the log file itself, where
SQLite has none of its own that giving ours up could take away.

The log is started anew in place, not truncated: syncing a file that grows took half as long again as syncing one that
is written over. How long it is, is then told by its frames: those of this round bear the salt of the log's header.
Source: https://sqlite.org/fileformat2.html#walformat.
"""

import os
import sqlite3

try:
    import fcntl
except ImportError:  # Windows has no such lock: there SQLite checkpoints by itself
    fcntl = None  # type: ignore[assignment]

AUTOMATIC_PAGES = 1000 if fcntl is None else 0
"""What `wal_autocheckpoint` must be for this module to be the one place."""

_NO_FILE = -1
LIMIT_BYTES = 4 * 1024 * 1024
_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_PAGE_SIZE, _SALT, _FRAME_SALT = slice(8, 12), slice(16, 24), slice(8, 16)


class Checkpointer:
    """Keeps the log short in passing, for one connection, around its writing transactions."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path + "-wal"
        self._file = _NO_FILE
        self._due_bytes = LIMIT_BYTES
        self._locked = False
        self._cut = False

    def before_write(self) -> None:
        """Checkpoint if the log is long and no other does; what keeps it from that is no failure of the write.

        A log that others still read from is tried again when it has grown as much again. `after_write` must follow,
        also where this raises.

        Raises:
            sqlite3.DatabaseError: the file is damaged.
        """
        if fcntl is None or (self._file == _NO_FILE and not self._open()):
            return
        try:
            if not self._is_due() or not self._lock() or not self._is_due():
                return
            is_to_be_cut = self._cut or os.fstat(self._file).st_size > 4 * LIMIT_BYTES
            mode = "TRUNCATE" if is_to_be_cut else "RESTART"
            busy = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()[0]
        except (OSError, sqlite3.OperationalError):
            busy = True
        self._due_bytes = self._due_bytes + LIMIT_BYTES if busy else LIMIT_BYTES
        self._cut = False

    def cut_next(self) -> None:
        """Let the next write find the log long, whatever its length, and cut it to nothing."""
        self._cut = True

    def after_write(self) -> None:
        """Let others checkpoint."""
        if self._locked:
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._locked = False

    def close(self) -> None:
        """Close the log for good, and let others checkpoint."""
        self._path = ""
        self._locked = False
        if self._file != _NO_FILE:
            os.close(self._file)
            self._file = _NO_FILE

    def _open(self) -> bool:
        """Open the log; there is none before the first transaction."""
        try:
            self._file = os.open(self._path, os.O_RDONLY)
        except OSError:
            return False
        return True

    def _is_due(self) -> bool:
        return self._cut or self._is_long()

    def _is_long(self) -> bool:
        """Tell whether the frame that ends where a checkpoint is due was written since the log last began."""
        header = os.pread(self._file, _HEADER_BYTES, 0)
        frame_bytes = _FRAME_HEADER_BYTES + int.from_bytes(header[_PAGE_SIZE])
        start = _HEADER_BYTES + self._due_bytes // frame_bytes * frame_bytes
        frame = os.pread(self._file, _FRAME_HEADER_BYTES, start)
        return len(frame) == _FRAME_HEADER_BYTES and frame[_FRAME_SALT] == header[_SALT]

    def _lock(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._locked = True
        return True
