"""What the store needs of a SQL database: reading, writing in transactions, and caring for its files."""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from tract.storage.rows import Parameters, Row
from tract.storage.statements import Statements
from tract.storage.writing import Transaction

_T = TypeVar("_T")


class Database(Protocol):
    """Connections to one database; every error that leaves it is a `StorageError`."""

    statements: Statements

    def read(self, sql: str, parameters: Parameters) -> list[Row]:
        """Return the rows that one statement finds, on this thread's connection."""
        ...

    def transact(self, act: Callable[[Transaction], _T], *, wait: bool = True) -> _T:
        """Return what something does in one writing transaction, committed where it returns, undone where it raises.

        Where the connection broke it may be done once more, so it must be something that, done twice, is done once.
        `wait=False`: BusyError at once.
        """
        ...

    def damage(self) -> Iterator[str]:
        """Yield what the database itself finds wrong with its file."""
        ...

    def forget(self) -> None:
        """Give up what was overwritten, as far as the database can."""
        ...

    def close(self) -> None:
        """Give up all connections of all threads."""
        ...
