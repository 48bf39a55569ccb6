"""SQLite's errors as tract's."""

import sqlite3

from tract.exceptions import BusyError, CorruptionError, ReadOnlyError, StorageError

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}

_SIGNS_OF_DAMAGE = ("decode to UTF-8", "no such table", "no such column", "no such index")
"""What SQLite says of a schema that has lost something, and Python of text that is none."""


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's result code without its details; 0 where Python's own module raised the error."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether another connection held what was needed, so that trying again may help."""
    return primary_code(error) in _BUSY


def storage_error(error: sqlite3.Error, path: str) -> StorageError:
    """Return the error to raise instead of one of SQLite's."""
    code = primary_code(error)
    if code in _BUSY:
        return BusyError(f"{path} stayed locked by another connection")
    if code == sqlite3.SQLITE_READONLY:
        return ReadOnlyError(f"{path} cannot be written: {error}")
    if code in _CORRUPT or any(sign in str(error) for sign in _SIGNS_OF_DAMAGE):
        return CorruptionError(f"{path} is damaged, or no store: {error}")
    return StorageError(f"{path}: {error}")
