"""Stores to test: every one of them for the shared suite, and a SQLite file for the rest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tract.protocols import Store
from tract.storage.memory import MemoryStore
from tract.storage.sql import SqlStore
from tract.storage.sqlite import open_sqlite


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
