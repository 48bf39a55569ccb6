"""The store in a schema of a PostgreSQL database: how it is made, opened and brought to the present tables."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from sqlalchemy.engine import URL

from tract.exceptions import ReadOnlyError, SchemaVersionError, StorageError
from tract.storage.migrations import USUAL_ENCODINGS, pending_statements
from tract.storage.postgres_database import PostgresDatabase
from tract.storage.postgres_place import PostgresPlace, postgres_place
from tract.storage.rows import Parameters, Row, readable, seal_of, text_bytes
from tract.storage.schema import APPLICATION_ID, VERSION, metadata
from tract.storage.sql import SqlStore
from tract.storage.statements import ADD_ENCODING
from tract.storage.writing import Transaction

_HAS_VERSION = """
SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('tract_schema') AND attname = 'version')"""
_VERSION = "SELECT version FROM tract_schema"
_TABLES = """
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


def _migrate(place: PostgresPlace, transaction: Transaction) -> None:
    transaction.read("SET LOCAL lock_timeout = '60s'", {})
    transaction.read("SET LOCAL statement_timeout = 0", {})
    transaction.read(f"SELECT pg_advisory_xact_lock({APPLICATION_ID}, hashtext('{place.schema}'))", {})
    version = _version(transaction.read)
    if version == VERSION:
        return
    if version == 0:
        _make_schema(place, transaction)
    for statement in pending_statements(version, place.url.get_dialect()()):
        transaction.read(statement, {})
    transaction.write(ADD_ENCODING, [(name, seal_of(name)) for name in map(text_bytes, USUAL_ENCODINGS)])
    transaction.read(f"UPDATE tract_schema SET version = {VERSION}", {})


def _make_schema(place: PostgresPlace, transaction: Transaction) -> None:
    """Make the schema, if it is not there, and the table that tells its version.

    Raises:
        SchemaVersionError: it has tables that bear our names.
    """
    # Where the schema is there, making it "if not exists" would ask for a right that this user need not have.
    if not transaction.read(f"SELECT 1 FROM pg_namespace WHERE nspname = '{place.schema}'", {}):
        transaction.read(f"CREATE SCHEMA {place.schema}", {})
    taken = {name for (name,) in transaction.read(_TABLES, {})} & {*metadata.tables, "tract_schema"}
    if taken:
        raise SchemaVersionError(f"{place.label} has another program's tables: {', '.join(sorted(taken))}", found=0)
    transaction.read("CREATE TABLE tract_schema (version INTEGER NOT NULL)", {})
    transaction.read("INSERT INTO tract_schema (version) VALUES (0)", {})


def _version(read: Callable[[str, Parameters], list[Row]]) -> int:
    """Return the version of the tables, 0 where there are none.

    Raises:
        SchemaVersionError: it is newer than ours.
    """
    if not read(_HAS_VERSION, {})[0][0]:
        return 0
    with readable():
        version: int = read(_VERSION, {})[0][0]
    if version > VERSION:
        raise SchemaVersionError(
            f"the store has schema {version}; this version of tract reads up to {VERSION}",
            found=version,
            supported=VERSION,
        )
    return version
