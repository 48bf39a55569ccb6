"""Fixtures of all tests: tracts and stores of every kind, and folders in which the command line runs."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_support import Shell
from postgres_server import new_schema, postgres_server
from sqlite_counting import CountingConnection
from tract import Tract
from tract.protocols import Store
from tract.storage.opening import open_store
from tract.storage.sql import SqlStore
from tract.storage.sqlite import open_sqlite
from tract_support import Another, Clock, another_on

KINDS = ("memory", "sqlite", "postgres")


@pytest.fixture(scope="session")
def postgres_server_url() -> Iterator[str]:
    """The URL of a running server, one for each process that runs tests."""
    with postgres_server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server_url: str) -> Iterator[str]:
    """The URL of a schema that is not there yet; it goes away with the test."""
    with new_schema(postgres_server_url) as url:
        yield url


def place_of(request: pytest.FixtureRequest, path: Path) -> Path | str | None:
    """Return where a store of the kind that a fixture is asked for may be made: memory, a file, or a schema."""
    kind: str = request.param
    if kind == "memory":
        return None
    return path if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=KINDS)
def t(request: pytest.FixtureRequest, path: Path) -> Iterator[Tract]:
    """A new tract, in each kind of store in turn, whose clock ticks by the second."""
    with Tract.open(place_of(request, path), author="Ada", clock=Clock(), durability="normal") as opened:
        yield opened


@pytest.fixture
def another(t: Tract) -> Iterator[Another]:
    """Open other objects on the store of `t`, with caches of their own, as another process would."""
    opened: list[Tract] = []

    def open_another(**options: str) -> Tract:
        opened.append(another_on(t, **options))
        return opened[-1]

    yield open_another
    for other in opened:
        other.close()


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, path: Path) -> Iterator[Store]:
    """An empty store, of each kind in turn."""
    opened = open_store(place_of(request, path), tract="default", durability="normal")
    yield opened
    opened.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a SQLite store may be made."""
    return tmp_path / "store.db"


@pytest.fixture
def sqlite_store(path: Path) -> Iterator[SqlStore]:
    """An empty store in a SQLite file."""
    with open_sqlite(path, durability="normal") as opened:
        yield opened


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The connections that are opened from now on, which note their statements."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def counting(*arguments: object, **options: object) -> sqlite3.Connection:
        opened.append(connect(*arguments, factory=CountingConnection, **options))  # type: ignore[call-overload]
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", counting)
    return opened


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A folder without a tract."""
    return Shell(tmp_path, monkeypatch)


@pytest.fixture
def shell(empty: Shell) -> Shell:
    """A folder with a new tract."""
    empty.run("init")
    return empty
