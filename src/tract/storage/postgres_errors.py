"""PostgreSQL's errors as tract's. Source: https://www.postgresql.org/docs/current/errcodes-appendix.html."""

from tract.exceptions import BusyError, CorruptionError, ReadOnlyError, StorageError

_BUSY = {"55P03", "57014", "53300"}
_RACED = {"40001", "40P01"}
_LOST = {"25P03", "25P04", "57P01", "57P02", "57P03", "57P05"}
_READ_ONLY = {"25006", "42501"}
_CORRUPT = {"XX001", "XX002"}


class LostConnectionError(Exception):
    """A connection broke, so nobody knows whether what was sent last was done; the cause is the driver's error."""


def code_of(error: Exception) -> str:
    """Return the five characters of PostgreSQL's code for an error, empty where the server did not send one."""
    return getattr(error, "sqlstate", None) or ""


def is_raced(error: Exception) -> bool:
    """Tell whether the server undid a transaction because of another one, so that it can be done again."""
    return code_of(error) in _RACED


def is_lost(error: Exception) -> bool:
    """Tell whether the server says that it ended the connection."""
    code = code_of(error)
    return code.startswith("08") or code in _LOST


def storage_error(error: Exception, label: str) -> StorageError:
    """Return the error to raise instead of one of the driver's."""
    code = code_of(error)
    text = f"{label}: {_first_line(error)}"
    if code in _BUSY or code in _RACED:
        return BusyError(f"{label} stayed busy: {_first_line(error)}")
    if code in _READ_ONLY:
        return ReadOnlyError(text)
    if code in _CORRUPT:
        return CorruptionError(text)
    return StorageError(text)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).strip()
