"""Which store a path or URL names."""

import os
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from tract.exceptions import StorageError
from tract.protocols import Store
from tract.storage.memory import MemoryStore
from tract.storage.sqlite import Durability, open_sqlite


def open_store(
    place: "str | os.PathLike[str] | None", *, tract: str, read_only: bool = False, durability: Durability = "full"
) -> Store:
    """Return the store at a path, at a SQLAlchemy URL, or (None, `sqlite://`) in memory; the caller closes it.

    Raises:
        StorageError: it cannot be opened, or the URL names a database that tract does not keep stores in.
    """
    path = sqlite_path(place)
    if path is None:
        return MemoryStore(tract)
    return open_sqlite(path, tract=tract, read_only=read_only, durability=durability)


def tract_names(place: "str | os.PathLike[str]") -> list[str]:
    """Return the names of the tracts in a store that is there, in order.

    Raises:
        StorageError: there is no store.
    """
    path = sqlite_path(place)
    if path is None or not Path(path).exists():
        raise StorageError(f"no store at {place!s}")
    with open_sqlite(path, read_only=True) as store:
        return store.tracts()


def sqlite_path(place: "str | os.PathLike[str] | None") -> str | None:
    """Return the path of the SQLite file that is meant, or None for memory.

    Raises:
        StorageError: it is a URL of something else, or no path.
    """
    if place is None:
        return None
    if not isinstance(place, str | os.PathLike):
        raise StorageError(f"a store is named by a path or a URL, not by {type(place).__name__}")
    text = os.fspath(place)
    if not isinstance(text, str) or not text:
        raise StorageError("a store's path is text, and not empty")
    if "://" not in text:
        return text
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise StorageError("the URL of the store cannot be read") from error
    if url.get_backend_name() != "sqlite":
        raise StorageError(f"tract keeps no stores in {url.get_backend_name()!r}")
    return None if url.database in (None, "", ":memory:") else url.database
