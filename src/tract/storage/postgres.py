"""The store in a schema of a PostgreSQL database: how it is made, opened and brought to the present tables."""

from functools import partial
from typing import Literal

from sqlalchemy.engine import URL

from tract.exceptions import ReadOnlyError, SchemaVersionError, StorageError
from tract.storage.migrations import USUAL_ENCODINGS, pending_statements
from tract.storage.postgres_database import PostgresDatabase
from tract.storage.postgres_place import PostgresPlace, postgres_place
from tract.storage.rows import seal_of, text_bytes
from tract.storage.schema import APPLICATION_ID, VERSION, metadata
from tract.storage.sql import SqlStore
from tract.storage.statements import ADD_ENCODING
from tract.storage.writing import Transaction

_HAS_VERSION = "SELECT to_regclass('tract_schema') IS NOT NULL"
_VERSION = "SELECT version FROM tract_schema"
_OTHER_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema()"""


def open_postgres(
    url: URL,
    *,
    tract: str = "default",
    read_only: bool = False,
    durability: Literal["full", "normal"] = "full",
) -> SqlStore:
    """Return the store in the schema that a URL names, made if it is not there; the caller closes it.

    With durability `full` what was published is on the server's disk, and on that of a standby that it waits for;
    `normal` may lose the last transactions where the server crashes, never more.

    Raises:
        BusyError: others held what is needed.
        ReadOnlyError: the store or the tract is to be made, and may not be.
        SchemaVersionError: a newer tract made the store, or the schema has another program's tables.
        StorageError: the server cannot be reached, the driver is not installed, or the URL is not valid.
    """
    return _open(postgres_place(url, read_only=read_only, durability=durability), tract)


def _open(place: PostgresPlace, tract: str) -> SqlStore:
    database = PostgresDatabase(place)
    try:
        if _version(database.read) != VERSION:
            _prepare(database)
        return SqlStore(database, tract, read_only=place.read_only, reopen=partial(_open, place))
    except BaseException:
        database.close()
        raise


def _prepare(database: PostgresDatabase) -> None:
    """Bring a new or an older schema to the present tables; of all who do, one does it and the others wait."""
    place = database.place
    if place.read_only:
        found = _version(database.read)
        if found == 0:
            raise StorageError(f"no store at {place.label}")
        raise ReadOnlyError(f"{place.label} needs to be brought to schema {VERSION}, and was opened read-only")
    database.transact(partial(_migrate, place))
