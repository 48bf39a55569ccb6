"""Where a PostgreSQL store is: what its URL says, and what every connection to it is told."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import URL, Dialect

from tract.exceptions import StorageError
from tract.storage.postgres_waiting import impatient

BACKENDS = ("postgresql", "postgres")
"""How a URL of PostgreSQL begins."""

_DRIVER = "postgresql+psycopg"
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_NUMBERS = {"pool_size": 10, "answer_seconds": 75, "away_seconds": 15}
"""How many connections there are, how long an answer is waited for (longer than the server gives a statement, so that
it is mostly the server that ends one), and how long a server that was reached once may be away."""

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
    "plan_cache_mode": "force_custom_plan",
}
"""What the server is told. The first timeout ends a client that stopped inside its transaction, long before others give
up waiting for what it holds. Compiling a statement takes longer than any of ours runs, and a plan for any number of ids
would read whole tables."""


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """A schema of a PostgreSQL database, and how it is to be used."""

    url: URL = field(repr=False)
    schema: str
    pool_size: int
    answer_seconds: int
    away_seconds: int
    read_only: bool
    durability: str

    @property
    def label(self) -> str:
        """The place as messages name it, without the password."""
        bare = self.url.set(drivername="postgresql", query={})
        return f"{bare.render_as_string(hide_password=True)}, schema {self.schema}"


def postgres_place(url: URL, *, read_only: bool, durability: str) -> PostgresPlace:
    """Return the place that a URL names; in its query `schema` and the numbers are ours, the rest is libpq's.

    Raises:
        StorageError: the URL asks for another driver, or a value in it is not valid.
    """
    if url.drivername not in (*BACKENDS, _DRIVER):
        raise StorageError(f"tract speaks to PostgreSQL with psycopg, not with {url.drivername!r}")
    if durability not in ("full", "normal"):
        raise StorageError(f"durability is full or normal, not {durability!r}")
    if "@" in (url.host or ""):
        raise StorageError("an @ in the password of a URL is written %40")
    schema = url.query.get("schema", "tract")
    if not isinstance(schema, str) or not _SCHEMA.fullmatch(schema) or schema.startswith("pg_"):
        raise StorageError(f"a schema's name has small letters, digits and underscores, not {schema!r}")
    size, answer, away = (_number(url, name, default) for name, default in _NUMBERS.items())
    rest = url.difference_update_query(["schema", *_NUMBERS]).set(drivername=_DRIVER)
    return PostgresPlace(rest, schema, size, answer, away, read_only, durability)


def _number(url: URL, name: str, default: int) -> int:
    """Return a number of the URL's query, of one to four digits.

    Raises:
        StorageError: it is none.
    """
    text = url.query.get(name, str(default))
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise StorageError(f"{name} in a URL is a number from 1 to 9999, not {text!r}")
    return int(text)


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
        # Frames of the cause hold the password, and some tracebacks print what frames hold.
        raise StorageError(f"the URL of {place.label} cannot be used: {error}") from None
    adapters = driver.adapt.AdaptersMap(driver.adapters)
    # One type for every number: else a statement is prepared again for each size of its values.
    adapters.register_dumper(int, driver.types.numeric.Int8BinaryDumper)

    connection_class = impatient(driver, place.answer_seconds)

    def connect() -> Any:
        return connection_class.connect(
            autocommit=True, context=adapters, cursor_factory=driver.RawCursor, client_encoding="utf8", **arguments
        )

    return driver.Error, connect


def _options(place: PostgresPlace) -> str:
    settings = _SETTINGS | {"search_path": place.schema}
    settings["synchronous_commit"] = "on" if place.durability == "full" else "off"
    if place.read_only:
        settings["default_transaction_read_only"] = "on"
    return " ".join(f"-c {name}={value}" for name, value in settings.items())
