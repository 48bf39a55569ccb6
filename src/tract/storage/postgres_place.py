"""Where a PostgreSQL store is: what its URL says, and what every connection to it is told."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import URL, Dialect

from tract.exceptions import StorageError

BACKENDS = ("postgresql", "postgres")
"""How a URL of PostgreSQL begins."""

_DRIVER = "postgresql+psycopg"
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_POOL_SIZE = 10

_CONNECTION = {
    "application_name": "tract",
    "connect_timeout": "10",
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""What libpq is told unless the URL says otherwise: a server that is gone is found out within a minute."""

_SETTINGS = {
    "default_transaction_isolation": r"read\ committed",
    "idle_in_transaction_session_timeout": "3s",
    "lock_timeout": "15s",
    "statement_timeout": "60s",
    "jit": "off",
}
"""What the server is told: the first ends a client that stopped inside its transaction, long before others give up
waiting for what it holds; compiling a statement takes longer than any of ours runs."""


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """A schema of a PostgreSQL database, and how it is to be used."""

    url: URL
    schema: str
    pool_size: int
    read_only: bool
    durability: str

    @property
    def label(self) -> str:
        """The place as messages name it, without the password."""
        bare = self.url.set(drivername="postgresql", query={})
        return f"{bare.render_as_string(hide_password=True)}, schema {self.schema}"


def postgres_place(url: URL, *, read_only: bool, durability: str) -> PostgresPlace:
    """Return the place that a URL names; `schema` and `pool_size` in its query are ours, the rest is libpq's.

    Raises:
        StorageError: the URL asks for another driver, or a value in it is not valid.
    """
    if url.drivername not in (*BACKENDS, _DRIVER):
        raise StorageError(f"tract speaks to PostgreSQL with psycopg, not with {url.drivername!r}")
    if durability not in ("full", "normal"):
        raise StorageError(f"durability is full or normal, not {durability!r}")
    schema, size = url.query.get("schema", "tract"), url.query.get("pool_size", str(_POOL_SIZE))
    if not isinstance(schema, str) or not _SCHEMA.fullmatch(schema) or schema.startswith("pg_"):
        raise StorageError(f"a schema's name has small letters, digits and underscores, not {schema!r}")
    if not isinstance(size, str) or not size.isascii() or not size.isdigit() or not 0 < int(size) < 10_000:
        raise StorageError(f"pool_size is a number of connections, not {size!r}")
    rest = url.difference_update_query(["schema", "pool_size"]).set(drivername=_DRIVER)
    return PostgresPlace(rest, schema, int(size), read_only, durability)


def _load_driver(place: PostgresPlace) -> tuple[Any, Dialect]:
    """Return the driver's module, which is loaded now, and SQLAlchemy's dialect.

    Raises:
        StorageError: the driver is not installed.
    """
    try:
        dialect = place.url.get_dialect()
        driver = dialect.import_dbapi()
    except ImportError as error:
        raise StorageError(
            f"stores in PostgreSQL need the extra `postgres`: pip install 'tract-context[postgres]' ({error})"
        ) from error
    return driver, dialect()


def connector(place: PostgresPlace) -> tuple[type[Exception], Callable[[], Any]]:
    """Return the class of the driver's errors, and what opens connections.

    A connection makes each statement its own transaction, and takes values as numbered parameters.

    Raises:
        StorageError: the driver is not installed, or the URL has what it cannot use.
    """
    driver, dialect = _load_driver(place)
    try:
        _, given = dialect.create_connect_args(place.url)
        arguments: dict[str, Any] = {**_CONNECTION, **given, "options": f"{_options(place)} {given.get('options', '')}"}
        driver.conninfo.make_conninfo(**arguments)
    except (TypeError, ValueError, driver.Error) as error:
        raise StorageError(f"the URL of {place.label} cannot be used: {error}") from error
    adapters = driver.adapt.AdaptersMap(driver.adapters)
    # One type for every number: else a statement is prepared again for each size of its values.
    adapters.register_dumper(int, driver.types.numeric.Int8BinaryDumper)

    def connect() -> Any:
        return driver.connect(
            autocommit=True, context=adapters, cursor_factory=driver.RawCursor, client_encoding="utf8", **arguments
        )

    return driver.Error, connect


def _options(place: PostgresPlace) -> str:
    settings = _SETTINGS | {"search_path": place.schema}
    settings["synchronous_commit"] = "on" if place.durability == "full" else "off"
    if place.read_only:
        settings["default_transaction_read_only"] = "on"
    return " ".join(f"-c {name}={value}" for name, value in settings.items())
