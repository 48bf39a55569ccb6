"""Connections to one SQLite file: one for each thread, with waiting, rolling back and errors in one place."""

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from tract.exceptions import StorageError
from tract.storage.checkpointing import AUTOMATIC_PAGES, Checkpointer
from tract.storage.rows import Parameters, Row
from tract.storage.sqlite_errors import is_busy, storage_error
from tract.storage.sqlite_forks import OPENING, watch
from tract.storage.statements import SQLITE, Statements, Write

_T = TypeVar("_T")

_POLL_SECONDS = 0.05
"""How long SQLite itself waits for a lock, before it is our turn to wait a random while."""

_STATEMENTS = Statements(SQLITE)

_INHERITED: list[sqlite3.Connection] = []
"""Connections that came through a fork in the middle of a transaction: to close them would end the parent's."""


class _Handle:
    """A thread's connection, and the lock that keeps others from closing it while it is used."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self.connection = connection
        self.lock = threading.RLock()
        self.checkpointer = Checkpointer(connection, path)

    def read(self, sql: str, parameters: Parameters) -> list[Row]:
        """Return the rows that one statement finds."""
        with self.lock:
            return self.connection.execute(sql, parameters).fetchall()

    def checkpoint(self) -> None:
        """Keep the log short, before a transaction."""
        with self.lock:
            self.checkpointer.before_write()

    def begin(self) -> None:
        """Begin a transaction; the lock is held then."""
        self.lock.acquire()
        try:
            if self.connection.in_transaction:
                # An interrupt came between the beginning of a transaction and the `with` that was to end it.
                self.connection.execute("ROLLBACK")
            self.connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            self.lock.release()
            raise

    def close(self) -> None:
        """Close the connection, when what runs on it has ended."""
        with self.lock:
            self.checkpointer.close()
            self.connection.close()


class SqliteTransaction:
    """A transaction for a `with`: begun where it is entered, committed at the end, rolled back on any exception."""

    def __init__(self, database: "SqliteDatabase", wait_seconds: float) -> None:
        self._database = database
        self._wait_seconds = wait_seconds

    def __enter__(self) -> "SqliteTransaction":
        self._handle = self._database.begin(self._wait_seconds)
        self._connection = self._handle.connection
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._database.end(self._handle, error)

    def read(self, sql: str, parameters: Parameters) -> list[Row]:
        """Return the rows that a statement finds."""
        return self._connection.execute(sql, parameters).fetchall()

    def write(self, statement: Write, rows: Sequence[Row]) -> int:
        """Return how many rows a statement changed, executed for each of several rows of values."""
        return self._connection.executemany(statement.numbered_sql, rows).rowcount


class SqliteDatabase:
    """One SQLite file, used by any number of threads; not after a fork."""

    def __init__(self, uri: str, path: str, *, durability: str, busy_seconds: float) -> None:
        self.statements = _STATEMENTS
        self.path = path
        self._uri = uri
        self._pragmas = (
            f"PRAGMA synchronous = {durability}",
            f"PRAGMA wal_autocheckpoint = {AUTOMATIC_PAGES}",
            "PRAGMA temp_store = MEMORY",
            "PRAGMA cache_size = -8000",
            "PRAGMA trusted_schema = OFF",
            "PRAGMA secure_delete = ON",
        )
        self._busy_seconds = busy_seconds
        self._process_id = os.getpid()
        self._handles: dict[int, _Handle] = {}
        self._closed = False
        watch(self)

    def read(self, sql: str, parameters: Parameters) -> list[Row]:
        """Return the rows that one statement finds, on this thread's connection."""
        return self._patiently(lambda: self._handle().read(sql, parameters), self._busy_seconds)

    def transaction(self, *, wait: bool = True) -> SqliteTransaction:
        """Return a writing transaction, committed at the end of a `with`; `wait=False`: BusyError at once."""
        return SqliteTransaction(self, self._busy_seconds if wait else 0)

    def transact(self, act: Callable[[SqliteTransaction], _T], *, wait: bool = True) -> _T:
        """Return what something does in one transaction, committed at its end; `wait=False`: BusyError at once."""
        with self.transaction(wait=wait) as transaction:
            return act(transaction)

    def begin(self, wait_seconds: float) -> _Handle:
        """Return this thread's connection with its lock held and a transaction begun; `end` must follow."""
        handle = self._patiently(self._handle, wait_seconds)
        try:
            self._patiently(handle.checkpoint, wait_seconds)
            self._patiently(handle.begin, wait_seconds)
        except BaseException:
            handle.checkpointer.after_write()
            raise
        return handle

    def end(self, handle: _Handle, error: BaseException | None) -> None:
        """Commit, or roll back because of an error."""
        connection = handle.connection
        try:
            if error is None:
                connection.execute("COMMIT")
            elif isinstance(error, sqlite3.Error):
                raise storage_error(error, self.path) from error
        except sqlite3.Error as failed:
            raise storage_error(failed, self.path) from failed
        finally:
            if connection.in_transaction:
                self._roll_back(handle)
            handle.checkpointer.after_write()
            handle.lock.release()

    def damage(self) -> Iterator[str]:
        """Yield what SQLite finds wrong with the file."""
        for row in self.read("PRAGMA integrity_check", {}):
            if row[0] != "ok":
                yield str(row[0])

    def forget(self) -> None:
        """Move the log into the file, where deleted bytes are overwritten, and cut it; both as soon as nobody reads."""
        self._patiently(self._handle, self._busy_seconds).checkpointer.cut_next()
        self.transact(lambda transaction: transaction.read("UPDATE tracts SET seal = seal", {}))

    def close(self) -> None:
        """Close the connections of all threads; each waits for what runs on it."""
        with OPENING:
            self._closed = True
            handles = list(self._handles.values())
            self._handles = {}
        for handle in handles:
            handle.close()

    def locks(self) -> Sequence[AbstractContextManager[bool]]:
        """Return the locks of the connections of all threads."""
        return [handle.lock for handle in self._handles.values()]

    def give_up(self) -> None:
        """Close the connections that this process inherited through a fork."""
        for handle in self._handles.values():
            if handle.connection.in_transaction:
                _INHERITED.append(handle.connection)
            else:
                handle.checkpointer.close()
                handle.connection.close()
        self._handles = {}

    def _handle(self) -> _Handle:
        if os.getpid() != self._process_id:
            raise StorageError(f"{self.path} was opened before a fork; the child must open it anew")
        handle = self._handles.get(threading.get_ident())
        return self._open() if handle is None else handle

    def _open(self) -> _Handle:
        """Return a new connection of this thread, and close those of threads that have ended."""
        with OPENING:
            if self._closed:
                raise StorageError("the store is closed")
            running = {thread.ident for thread in threading.enumerate()}
            for ident in [ident for ident in self._handles if ident not in running]:
                self._handles.pop(ident).close()
            connection = sqlite3.connect(
                self._uri, uri=True, timeout=_POLL_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                for pragma in self._pragmas:
                    connection.execute(pragma)
            except BaseException:
                connection.close()
                raise
            handle = _Handle(connection, self.path)
            self._handles[threading.get_ident()] = handle
        return handle

    def _patiently(self, act: Callable[[], _T], wait_seconds: float) -> _T:
        """Do something again, after a random while, as long as another connection holds what it needs."""
        deadline: float | None = None
        while True:
            try:
                return act()
            except sqlite3.Error as error:
                now = time.monotonic()
                if deadline is None:
                    deadline = now + wait_seconds
                if not is_busy(error) or now >= deadline:
                    raise storage_error(error, self.path) from error
            time.sleep(random.uniform(0, 0.005))

    def _roll_back(self, handle: _Handle) -> None:
        """End a transaction that failed; a connection that cannot even do that is given up."""
        try:
            handle.connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._handles.pop(threading.get_ident(), None)
            handle.close()


def pragma(database: SqliteDatabase, name: str) -> Any:
    """Return a setting of the file."""
    return database.read(f"PRAGMA {name}", {})[0][0]
