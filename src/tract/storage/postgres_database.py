"""Statements on a PostgreSQL place: each on a connection of the pool, again where that broke, errors in one place."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from tract.exceptions import StorageError
from tract.storage.postgres_errors import LostConnectionError, is_lost, is_raced, storage_error
from tract.storage.postgres_place import PostgresPlace
from tract.storage.postgres_pool import driver_of, join_pool, leave_pool
from tract.storage.postgres_statements import POSTGRES, in_order, numbered
from tract.storage.rows import Parameters, Row
from tract.storage.statements import Statements, Write

_T = TypeVar("_T")

_PATIENT = "BEGIN"
_HASTY = "BEGIN; SET LOCAL lock_timeout = '10ms'"


class PostgresTransaction:
    """A transaction on one connection, which begins with its first statement.

    None of its statements is prepared: that takes a round trip of its own, and what is locked stays so meanwhile. None
    is sent in a pipeline but those of many rows.
    """

    def __init__(self, connection: Any, opening: str) -> None:
        self._connection = connection
        self._opening: str | None = opening

    def read(self, sql: str, parameters: Parameters) -> list[Row]:
        """Return the rows that a statement finds; one that makes something finds none."""
        text, names = numbered(sql)
        self._begin()
        cursor = self._connection.cursor(binary=True)
        cursor.execute(text, [parameters[name] for name in names], prepare=False)
        return [] if cursor.description is None else cursor.fetchall()

    def write(self, statement: Write, rows: Sequence[Row]) -> int:
        """Return how many rows a statement changed, executed for each of several rows of values."""
        text = in_order(statement)
        self._begin()
        cursor = self._connection.cursor()
        if len(rows) == 1:
            cursor.execute(text, rows[0], prepare=False)
        else:
            cursor.executemany(text, rows)
            # psycopg ends a pipeline with a message behind its Sync, which stops the server's clock for idle
            # transactions; a statement of its own starts it again.
            self._connection.execute("SELECT", prepare=False)
        count: int = cursor.rowcount
        return count

    def commit(self) -> None:
        """Keep what was written.

        Raises:
            StorageError: the server rolled back, as it does without a word where a statement had failed.
        """
        if self._opening is not None:
            return
        found = self._connection.execute("COMMIT", prepare=False).statusmessage
        if found != "COMMIT":
            raise StorageError(f"the server did not commit but answered {found}")

    def _begin(self) -> None:
        """Begin, before the first statement."""
        if self._opening is not None:
            opening, self._opening = self._opening, None
            self._connection.execute(opening, prepare=False)


class PostgresDatabase:
    """One place, used by any number of threads; not after a fork."""

    def __init__(self, place: PostgresPlace) -> None:
        self.statements = Statements(POSTGRES)
        self.place = place
        self._pool = join_pool(place)
        self._driver_error = self._pool.driver_error
        self._closed = False

    def read(self, sql: str, parameters: Parameters) -> list[Row]:
        """Return the rows that one statement finds, on any connection."""
        text, names = numbered(sql)
        values = [parameters[name] for name in names]
        return self._patiently(lambda: self._read(text, values))

    def transact(self, act: Callable[[Any], _T], *, wait: bool = True) -> _T:
        """Return what something does in one transaction, committed where it returns; `wait=False`: BusyError at once.

        Where the connection breaks nobody knows whether the commit was done, so it is all done again: it must be
        something that, done twice, is done once.
        """
        return self._patiently(lambda: self._transact(act, _PATIENT if wait else _HASTY))

    def damage(self) -> Iterator[str]:
        """Yield nothing: PostgreSQL checks its pages as it reads them."""
        yield from ()

    def forget(self) -> None:
        """Do nothing: PostgreSQL gives up old rows when it vacuums, and its log when it archives it."""

    def close(self) -> None:
        """Give the connections up; twice is harmless."""
        if not self._closed:
            self._closed = True
            leave_pool(self._pool)

    def _read(self, text: str, values: Sequence[Any]) -> list[Row]:
        with self._connection() as connection:
            found: list[Row] = connection.cursor(binary=True).execute(text, values).fetchall()
            return found

    def _transact(self, act: Callable[[Any], _T], opening: str) -> _T:
        with self._connection() as connection:
            transaction = PostgresTransaction(connection, opening)
            found = act(transaction)
            transaction.commit()
            return found

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """Lend a connection, which is given up where it cannot go on with another statement.

        Raises:
            LostConnectionError: it broke, or none can be opened any more.
        """
        if self._closed:
            raise StorageError("the store is closed")
        was_reached = self._pool.was_reached
        try:
            lent = self._pool.check_out()
        except self._driver_error as error:
            if was_reached:
                raise LostConnectionError from error
            raise
        connection = driver_of(lent)
        try:
            yield connection
        except BaseException as error:
            if not self._is_restored(connection):
                lent.invalidate()
            if isinstance(error, self._driver_error) and (is_lost(error) or connection.closed):
                raise LostConnectionError from error
            raise
        finally:
            lent.close()

    def _is_restored(self, connection: Any) -> bool:
        """Roll back what a connection has begun, and tell whether it can be used again."""
        status = connection.info.transaction_status.name
        try:
            if status in ("INTRANS", "INERROR") and connection.info.pipeline_status.name == "OFF":
                connection.execute("ROLLBACK", prepare=False)
                return True
        except self._driver_error:
            return False
        return bool(status == "IDLE")

    def _patiently(self, act: Callable[[], _T]) -> _T:
        """Do something again as long as its connection breaks, or another transaction crosses it."""
        deadline: float | None = None
        attempt = 0
        while True:
            try:
                return act()
            except LostConnectionError as lost:
                error = lost.__cause__
                assert isinstance(error, Exception)
            except self._driver_error as raised:
                if not is_raced(raised):
                    raise storage_error(raised, self.place.label) from raised
                error = raised
            now = time.monotonic()
            if deadline is None:
                deadline = now + self.place.away_seconds
            if now >= deadline:
                raise storage_error(error, self.place.label) from error
            if attempt:
                time.sleep(random.uniform(0, min(0.5, 0.01 * 2 ** min(attempt, 10))))
            attempt += 1
