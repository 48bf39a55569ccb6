"""Counting what SQLite is asked: statements, rows, and steps of its machine."""

import sqlite3
from collections.abc import Callable

SETUP = ("BEGIN", "COMMIT", "ROLLBACK")


class CountingConnection(sqlite3.Connection):
    """A connection that notes each statement, `executemany` once."""

    seen: list[str] = []  # noqa: RUF012

    def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
        """Note a statement and execute it."""
        self.seen.append(sql)
        return super().execute(sql, *arguments)  # type: ignore[arg-type]

    def executemany(self, sql: str, *arguments: object) -> sqlite3.Cursor:
        """Note a statement and execute it for all rows."""
        self.seen.append(sql)
        return super().executemany(sql, *arguments)  # type: ignore[arg-type]


def statements(act: Callable[[], object]) -> list[str]:
    """Return the statements that something issues, without those around transactions."""
    CountingConnection.seen.clear()
    act()
    return [sql for sql in CountingConnection.seen if not sql.startswith(SETUP)]


def steps(connection: sqlite3.Connection, act: Callable[[], object]) -> int:
    """Return how many steps of SQLite's machine something takes."""
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    connection.set_progress_handler(step, 1)
    act()
    connection.set_progress_handler(None, 1)
    return taken


def rows(connection: sqlite3.Connection, act: Callable[[], object]) -> int:
    """Return how many rows something fetches."""
    fetched = 0

    def take(cursor: sqlite3.Cursor, row: tuple[object, ...]) -> tuple[object, ...]:
        nonlocal fetched
        fetched += 1
        return row

    connection.row_factory = take
    act()
    connection.row_factory = None
    return fetched
