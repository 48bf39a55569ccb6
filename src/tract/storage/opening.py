"""Which store a path or URL names."""

import os
from pathlib import Path
from typing import get_args

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tract.exceptions import RefNotFoundError, StorageError
from tract.protocols import Store
from tract.storage.memory import MemoryStore
from tract.storage.postgres import open_postgres
from tract.storage.postgres_place import BACKENDS, postgres_place
from tract.storage.sql import SqlStore
from tract.storage.sqlite import Durability, open_sqlite

# What SQLite itself calls a database in memory; whoever wants a file of that name says "./:memory:".
_MEMORY = ":memory:"


def open_store(
    place: "str | os.PathLike[str] | None", *, tract: str, read_only: bool = False, durability: Durability = "full"
) -> Store:
    """Return the store at a path, at a SQLAlchemy URL, or (None, `:memory:`) in memory; the caller closes it.

    A URL of PostgreSQL may say `schema` (unless given, `tract`) and `pool_size` in its query.

    Raises:
        StorageError: it cannot be opened, or the URL names a database that tract does not keep stores in.
    """
    if durability not in get_args(Durability):
        raise StorageError(f"durability is full or normal, not {durability!r}")
    found = None if place is None else _find_place(place)
    if found is None:
        return MemoryStore(tract, read_only=read_only)
    return _open(found, tract=tract, read_only=read_only, durability=durability)


def shown_place(place: str) -> str:
    """Return a path or URL as it may be shown to anybody, without a password.

    Raises:
        StorageError: the URL cannot be read.
    """
    found = _find_place(place)
    if not isinstance(found, URL):
        return place
    return postgres_place(found, read_only=False, durability="full").label


def tract_names(place: "str | os.PathLike[str]") -> list[str]:
    """Return the names of the tracts in a store that is there, in order.

    Raises:
        StorageError: there is no store.
    """
    with _open(_existing(place), tract="default", read_only=True, durability="full") as store:
        return store.tracts()


def open_to_read(place: "str | os.PathLike[str]", *, tract: str) -> Store:
    """Return the store of a tract that is there, to be read alone; the caller closes it.

    Raises:
        StorageError: there is no store.
        RefNotFoundError: the store has no tract of this name.
    """
    store = _open(_existing(place), tract=tract, read_only=True, durability="full")
    try:
        if tract not in store.tracts():
            raise RefNotFoundError(f"{place_label(place)} has no tract {tract!r}", name=tract)
    except BaseException:
        store.close()
        raise
    return store


def kept_place(place: "str | os.PathLike[str]") -> str:
    """Return a path or URL as it may be kept: a path from the root on, a URL without its password.

    Raises:
        StorageError: it names no store that outlives the process.
    """
    found = _find_place(place)
    if found is None:
        raise StorageError("a store in memory has no place that could be kept")
    if isinstance(found, str):
        return os.path.abspath(found)
    return _without_password(found).render_as_string(hide_password=False)


def place_label(place: "str | os.PathLike[str]") -> str:
    """Return a path or URL as messages show it, without a password."""
    found = _find_place(place)
    return _without_password(found).render_as_string() if isinstance(found, URL) else str(found or "memory")


def _without_password(url: URL) -> URL:
    return URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database,
        {key: value for key, value in url.query.items() if key != "password"},
    )  # fmt: skip


def _existing(place: "str | os.PathLike[str]") -> str | URL:
    found = _find_place(place)
    if found is None or (isinstance(found, str) and not Path(found).exists()):
        raise StorageError(f"no store at {place!s}")
    return found


def _open(place: str | URL, *, tract: str, read_only: bool, durability: Durability) -> SqlStore:
    if isinstance(place, URL):
        return open_postgres(place, tract=tract, read_only=read_only, durability=durability)
    return open_sqlite(place, tract=tract, read_only=read_only, durability=durability)


def _find_place(place: "str | os.PathLike[str]") -> str | URL | None:
    """Return the path of the SQLite file that is meant, the URL of a PostgreSQL database, or None for memory.

    Raises:
        StorageError: it is a URL of something else, or no path.
    """
    if not isinstance(place, str | os.PathLike):
        raise StorageError(f"a store is named by a path or a URL, not by {type(place).__name__}")
    text = os.fspath(place)
    if not isinstance(text, str) or not text:
        raise StorageError("a store's path is text, and not empty")
    if "://" not in text:
        return None if text == _MEMORY else text
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # The cause may quote the URL, and so the password in it.
        raise StorageError("the URL of the store cannot be read") from None
    if url.get_backend_name() in BACKENDS:
        return url
    if url.get_backend_name() != "sqlite":
        raise StorageError(f"tract keeps no stores in {url.get_backend_name()!r}")
    return None if url.database in (None, "", _MEMORY) else url.database
