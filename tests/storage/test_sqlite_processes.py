"""Several processes on one SQLite file: opening it new, writing at once, and dying."""

import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import pytest

from process_support import start
from storage_support import MAIN, append
from tract.exceptions import ConcurrentMoveError
from tract.storage.rows import Parameters, Row
from tract.storage.sqlite import open_sqlite
from tract.storage.sqlite_database import SqliteDatabase

MAKE_STORE = "import sys; from tract.storage.sqlite import open_sqlite; open_sqlite(sys.argv[1]).close()"


def write(tell: Callable[[object], None], path: Path, writer: int, count: int) -> None:
    """Append so many messages, trying again after each lost race, and tell each commit that was acknowledged."""
    with open_sqlite(path, durability="normal") as store:
        for n in range(count):
            while True:
                try:
                    made = append(store, f"{writer} {n}")
                    break
                except ConcurrentMoveError:
                    pass
            tell(made.id)


def lost_and_faults(path: Path, acknowledged: Sequence[str]) -> tuple[set[str], list[str]]:
    """Return what was acknowledged but is not in the branch's chain, and the faults of the store."""
    with open_sqlite(path) as store:
        chain = {made.id for made in store.chain(store.find_ref(MAIN) or "")}
        return set(acknowledged) - chain, [str(fault) for fault in store.check()]


def test_many_processes_open_a_new_file_and_append(path: Path) -> None:
    """Eight processes at once make the store and write forty messages each: all there, once, in one line."""
    writers = [start(write, path, writer, 40) for writer in range(8)]

    acknowledged = [made for writer in writers for made in writer.told()]

    assert [writer.join() for writer in writers] == [0] * 8
    assert len(set(acknowledged)) == 320
    assert lost_and_faults(path, acknowledged) == (set(), [])
    with open_sqlite(path) as store:
        tip = store.find_tip(MAIN)
        assert tip is not None
        assert (tip.generation, len(store.moves(MAIN))) == (320, 320)


def test_a_killed_writer_loses_nothing_acknowledged(path: Path) -> None:
    """Killed at a random moment, a writer leaves all it acknowledged, no half operation, and no lock."""
    chance = random.Random(7)
    acknowledged: list[str] = []
    for cycle in range(8):
        writer = start(write, path, cycle, 100_000)
        acknowledged += islice(writer.told(), chance.randrange(1, 60))
        writer.process.kill()
        acknowledged += writer.told()
        writer.join()

        assert lost_and_faults(path, acknowledged) == (set(), [])
        with open_sqlite(path, busy_seconds=1) as store:
            acknowledged.append(append(store, f"after {cycle}").id)


@pytest.mark.parametrize("question", range(4))
def test_a_store_made_between_two_questions_is_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch, question: int
) -> None:
    """Another process that makes the new store while this one looks at it is no other program."""
    seen: list[str] = []

    class Watched(SqliteDatabase):
        """A database that another process makes a store of, behind one of the questions."""

        def read(self, sql: str, parameters: Parameters) -> list[Row]:
            """Answer, and then let the other go on."""
            rows = super().read(sql, parameters)
            seen.append(sql)
            if len(seen) == question + 1:
                subprocess.run([sys.executable, "-c", MAKE_STORE, str(path)], check=True)
            return rows

    monkeypatch.setattr("tract.storage.sqlite.SqliteDatabase", Watched)

    with open_sqlite(path, durability="normal") as store:
        append(store, "hello")

        assert list(store.check()) == []
