"""The store in a SQLite file: how it is made, opened and brought to the present schema."""

import os
from typing import Literal

from sqlalchemy.engine import make_url

from tract.exceptions import ReadOnlyError, SchemaVersionError, StorageError
from tract.storage.migrations import USUAL_ENCODINGS, pending_statements
from tract.storage.rows import Row, seal_of, text_bytes
from tract.storage.schema import APPLICATION_ID, VERSION
from tract.storage.sql import SqlStore
from tract.storage.sqlite_database import SqliteDatabase, pragma
from tract.storage.sqlite_files import file_uri, is_writable, make_file, real_path
from tract.storage.statements import ADD_ENCODING

Durability = Literal["full", "normal"]

_FOUND = """
SELECT v.user_version, a.application_id, NOT EXISTS (SELECT 1 FROM sqlite_schema)
FROM pragma_user_version v CROSS JOIN pragma_application_id a"""


def open_sqlite(
    path: str | os.PathLike[str],
    *,
    tract: str = "default",
    read_only: bool = False,
    durability: Durability = "full",
    busy_seconds: float = 30.0,
) -> SqlStore:
    """Return the store in a file, made if it is not there; the caller closes it.

    With durability `full` what was published outlives a power cut; `normal` may then lose the last transactions,
    never more. `busy_seconds` is how long to wait while others write.

    Raises:
        BusyError: others wrote for longer than that.
        ReadOnlyError: the store or the tract is to be made, and cannot be.
        CorruptionError: the file is damaged, or no database.
        SchemaVersionError: a newer tract made the store, or another program the database.
        StorageError: the file cannot be opened.
    """
    if durability not in ("full", "normal"):
        raise StorageError(f"durability is full or normal, not {durability!r}")
    place = real_path(path)
    if not read_only:
        make_file(place)

    def reopen(name: str) -> SqlStore:
        return open_sqlite(place, tract=name, read_only=read_only, durability=durability, busy_seconds=busy_seconds)

    database = SqliteDatabase(
        file_uri(place, read_only=read_only), place, durability=durability, busy_seconds=busy_seconds
    )
    try:
        _prepare(database, read_only=read_only)
        return SqlStore(database, tract, read_only=read_only, reopen=reopen)
    except BaseException as error:
        database.close()
        if isinstance(error, StorageError) and not read_only and os.path.exists(place) and not is_writable(place):
            raise ReadOnlyError(f"{place} or its directory cannot be written") from error
        raise


def _prepare(database: SqliteDatabase, *, read_only: bool) -> None:
    """Bring a new or an older file to the present schema."""
    version = _version(database)
    if version == VERSION:
        return
    if read_only:
        raise ReadOnlyError(f"{database.path} needs to be brought to schema {VERSION}, and was opened read-only")
    if version == 0:
        pragma(database, "journal_mode = WAL")
    with database.transaction() as transaction:
        found = _checked(transaction.read(_FOUND, {})[0], database.path)
        # Asked for by name, the dialect is imported only where there is something to migrate.
        dialect = make_url("sqlite://").get_dialect()()
        for statement in pending_statements(found, dialect):
            transaction.read(statement, {})
        transaction.write(ADD_ENCODING, [(name, seal_of(name)) for name in map(text_bytes, USUAL_ENCODINGS)])
        transaction.read(f"PRAGMA application_id = {APPLICATION_ID}", {})
        transaction.read(f"PRAGMA user_version = {VERSION}", {})


def _version(database: SqliteDatabase) -> int:
    """Return the version of a file's schema, 0 for a new one, asked in one statement: others may be making it.

    Raises:
        SchemaVersionError: it is newer than ours, or the tables are another program's.
    """
    return _checked(database.read(_FOUND, {})[0], database.path)


def _checked(found: Row, path: str) -> int:
    version, application_id, is_empty = found
    if not (application_id == APPLICATION_ID or (is_empty and version == application_id == 0)):
        raise SchemaVersionError(f"{path} is another program's database", found=version, supported=VERSION)
    if version > VERSION:
        raise SchemaVersionError(
            f"{path} has schema {version}; this version of tract reads up to {VERSION}",
            found=version,
            supported=VERSION,
        )
    return int(version)
