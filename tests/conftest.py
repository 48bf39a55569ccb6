"""Fixtures of all tests: a tract in memory and one in a file, and other objects on the same store."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tract import Tract
from tract_support import Clock, another_on

Another = Callable[..., Tract]


@pytest.fixture(params=["memory", "sqlite"])
def t(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tract]:
    """A new tract, in memory and in a SQLite file, whose clock ticks by the second."""
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
