"""Fixtures of all tests: tracts and stores of every kind, and folders in which the command line runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_support import Shell
from tract import Tract
from tract.protocols import Store
from tract.storage.memory import MemoryStore
from tract.storage.sql import SqlStore
from tract.storage.sqlite import open_sqlite
from tract_support import Another, Clock, another_on


@pytest.fixture(params=["memory", "sqlite"])
def t(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tract]:
    """A new tract, in each kind of store in turn, whose clock ticks by the second."""
    place = None if request.param == "memory" else tmp_path / "work.db"
    with Tract.open(place, author="Ada", clock=Clock(), durability="normal") as opened:
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


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, of each kind in turn."""
    opened = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db", durability="normal")
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
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A folder without a tract."""
    return Shell(tmp_path, monkeypatch)


@pytest.fixture
def shell(empty: Shell) -> Shell:
    """A folder with a new tract."""
    empty.run("init")
    return empty
