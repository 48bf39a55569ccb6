"""The file of a SQLite store before SQLite opens it: its real path, its mode, its name as a URI."""

import os
from pathlib import Path

from tract.exceptions import CorruptionError, StorageError

_LEAST_BYTES = 512
"""SQLite's smallest page: it takes a file that is shorter for an empty one, and writes over it."""


def real_path(path: str | os.PathLike[str]) -> str:
    """Return a path without links, as SQLite names the files beside it.

    Raises:
        StorageError: it is no path.
        CorruptionError: a file is there that is shorter than any store.
    """
    try:
        found = os.path.realpath(path)
        size_bytes = os.stat(found).st_size if os.path.exists(found) else 0
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(f"{path!r} is no path of a store: {error}") from error
    if 0 < size_bytes < _LEAST_BYTES:
        raise CorruptionError(f"{found} is no store: it has only {size_bytes} bytes")
    return found


def file_uri(path: str, *, read_only: bool) -> str:
    """Return SQLite's name for a file.

    Where the file or its directory cannot be written, SQLite can read it only as one that does not change; as long as
    it has no log beside it, that is what it is.
    """
    mode = "ro" if read_only else "rw"
    alone = read_only and not is_writable(path) and not os.path.exists(path + "-wal")
    return f"{Path(path).as_uri()}?mode={mode}{'&immutable=1' if alone else ''}"


def is_writable(path: str) -> bool:
    """Tell whether this process may write a file, and files beside it."""
    return os.access(path, os.W_OK) and os.access(os.path.dirname(path), os.W_OK)


def make_file(path: str) -> None:
    """Make an empty file that only its owner can read, whatever the umask, if there is none.

    A file that is there is not opened: closing it would give up every lock that SQLite holds on it in this process.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise StorageError(f"{path} cannot be made: {error}") from error
    os.close(file)
    os.chmod(path, 0o600)
