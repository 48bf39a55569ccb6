"""What the tests of PostgreSQL ask the server itself, behind a store's back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy.engine import URL, make_url

from tract import Tract
from tract.storage.postgres_database import PostgresDatabase
from tract.storage.postgres_place import postgres_place
from tract.storage.sql import SqlStore


def with_query(url: str, **query: str) -> str:
    """Return a URL with more in its query."""
    return make_url(url).update_query_dict(query).render_as_string(hide_password=False)


def schema_of(url: str) -> str:
    """Return the schema that a URL names."""
    return postgres_place(make_url(url), read_only=False, durability="full").schema


@contextmanager
def raw(url: str) -> Iterator["psycopg.Connection[Any]"]:
    """Yield a connection of its own to a store's schema, each statement a transaction."""
    parsed: URL = make_url(url)
    bare = parsed.difference_update_query(["schema", "pool_size", "answer_seconds", "away_seconds"]).set(
        drivername="postgresql"
    )
    with psycopg.connect(bare.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute("SELECT set_config('search_path', %s, false)", [schema_of(url)])
        yield connection


def ask(url: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows that a statement finds."""
    with raw(url) as connection:
        cursor = connection.execute(sql.encode(), values)
        return [] if cursor.description is None else cursor.fetchall()


def database_of(t: Tract) -> PostgresDatabase:
    """Return what a tract sends its statements through."""
    store = t._repo.store
    assert isinstance(store, SqlStore)
    assert isinstance(store._database, PostgresDatabase)
    return store._database
