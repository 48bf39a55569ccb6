"""What a SQLite store spends: statements, steps of SQLite's machine, bytes."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sqlite_counting import statements, steps
from storage_support import MAIN, append, commit, facts, ids, line, message, operation, publish, size_bytes
from tract import Tract
from tract.protocols import RefMove, TokenCount
from tract.storage.sql import SqlStore
from tract.storage.sqlite import Durability, open_sqlite


@pytest.fixture
def counted(connections: list[sqlite3.Connection], path: Path) -> Iterator[SqlStore]:
    """A store with one commit, whose connection notes its statements."""
    assert connections == []
    with open_sqlite(path, durability="normal") as opened:
        append(opened, "first")
        yield opened


def test_a_publish_takes_at_most_five_statements(counted: SqlStore) -> None:
    """Any number of messages and commits, with token counts, and one moved ref."""
    tip = counted.find_tip(MAIN)
    assert tip is not None
    blobs = [message(f"message {n}", o200k_base=n) for n in range(50)]
    made = line(3, parent=tip.commit.id)
    move = RefMove(MAIN, tip.commit.id, made[-1].commit.id)

    seen = statements(lambda: publish(counted, [*blobs, *made], move))

    assert len(seen) <= 5, seen


def test_the_first_append_of_all_takes_at_most_six_statements(
    connections: list[sqlite3.Connection], path: Path
) -> None:
    """A new store is ready when it is open."""
    assert connections == []
    with open_sqlite(path) as store:
        seen = statements(lambda: append(store, "first"))

    assert len(seen) <= 6, seen


def test_every_question_is_one_statement(counted: SqlStore) -> None:
    """However many ids, and however long and forked the history."""
    tip = counted.find_tip(MAIN)
    assert tip is not None
    base = line(30, "base", tip.commit.id)
    regenerated = [commit((made.commit.id,), note="again") for made in base]
    merge = commit((base[-1].commit.id, regenerated[3].commit.id), note="merge")
    publish(counted, [*base, *regenerated, merge], RefMove(MAIN, tip.commit.id, merge.commit.id))
    every = ids([*base, *regenerated, merge])
    questions: list[Callable[[], object]] = [
        lambda: counted.find_ref(MAIN),
        lambda: counted.refs("heads/"),
        lambda: counted.find_tip(MAIN),
        lambda: counted.commits(every),
        lambda: counted.commit_ids("a", 5),
        lambda: counted.chain(merge.commit.id),
        lambda: counted.chain(merge.commit.id, skip=3, limit=2),
        lambda: counted.ancestry([merge.commit.id], 0),
        lambda: counted.blobs(every * 10),
        lambda: counted.find_record(every[0]),
        lambda: counted.token_counts(every, "o200k_base"),
        lambda: counted.moves(),
        lambda: counted.moves(MAIN, limit=1),
        lambda: counted.has_operation(every[0]),
    ]

    assert [len(statements(question)) for question in questions] == [1] * len(questions)


def test_appending_to_a_long_history_takes_no_more_steps(connections: list[sqlite3.Connection], path: Path) -> None:
    """The ten-thousandth append costs SQLite what the tenth did, and so does reading the tip."""
    with open_sqlite(path, durability="normal") as store:
        (connection,) = connections
        for n in range(9):
            append(store, str(n))
        early = steps(connection, lambda: append(store, "early"))
        tip = store.find_tip(MAIN)
        assert tip is not None
        more = line(10_000, parent=tip.commit.id)
        moves = [RefMove(f"tags/{n}", None, new.commit.id) for n, new in enumerate(more[:1000])]
        publish(store, more, RefMove(MAIN, tip.commit.id, more[-1].commit.id), *moves)

        late = steps(connection, lambda: append(store, "late"))

    assert late <= 1.1 * early


def test_a_cut_chain_reads_what_it_returns(connections: list[sqlite3.Connection], path: Path) -> None:
    """The newest ten of a history take as many steps whether it has a hundred commits or five thousand."""
    made = line(5000)
    with open_sqlite(path, durability="normal") as store:
        (connection,) = connections
        publish(store, made)

        short = steps(connection, lambda: store.chain(made[100].commit.id, limit=10))
        long = steps(connection, lambda: store.chain(made[-1].commit.id, limit=10))
        deep = steps(connection, lambda: store.chain(made[-1].commit.id, skip=4000, limit=10))

    assert max(long, deep) <= 1.1 * short


def test_ancestry_does_not_walk_below_its_floor(connections: list[sqlite3.Connection], path: Path) -> None:
    """Twenty commits above the floor take as many steps on a hundred below as on five thousand."""
    made = line(5000)
    with open_sqlite(path, durability="normal") as store:
        (connection,) = connections
        publish(store, made)

        short = steps(connection, lambda: store.ancestry([made[120].commit.id], 100))
        long = steps(connection, lambda: store.ancestry([made[-1].commit.id], 4979))

    assert long <= 1.1 * short


def test_a_log_of_many_tracts_is_read_alone(connections: list[sqlite3.Connection], path: Path) -> None:
    """A tract's newest moves take as many steps beside a busy tract as they did before."""
    with open_sqlite(path, tract="quiet", durability="normal") as store:
        (connection,) = connections
        for n in range(5):
            append(store, str(n))
        before = steps(connection, store.moves)
        with store.sibling("busy") as busy:
            made = line(1)
            publish(busy, made, *[RefMove(f"heads/{n}", None, made[0].commit.id) for n in range(2000)])

        after = steps(connection, store.moves)

    assert after <= 1.1 * before


def test_the_log_file_stays_bounded(path: Path) -> None:
    """Three times its limit of writes leave the write-ahead log within its limit and one transaction."""
    with open_sqlite(path, durability="normal") as store:
        largest = 0
        for n in range(60):
            publish(store, [message(f"{n} " + "x" * 200_000)], name=str(n))
            largest = max(largest, size_bytes(path.with_name(path.name + "-wal")))

    assert 4_000_000 < largest < 5_000_000


def test_whoever_writes_keeps_the_log_short(path: Path) -> None:
    """The lock of one store's checkpoint is given up again, so that another can do the next."""
    log = path.with_name(path.name + "-wal")
    with open_sqlite(path, durability="normal") as one, open_sqlite(path, durability="normal") as two:
        for writer, store in enumerate((one, two, one)):
            for n in range(40):
                publish(store, [message(f"{writer} {n} " + "x" * 200_000)], name=f"{writer} {n}")

        assert size_bytes(log) < 5_000_000


def test_a_log_that_grew_long_is_cut(path: Path) -> None:
    """After one very large transaction the log file shrinks again."""
    log = path.with_name(path.name + "-wal")
    with open_sqlite(path, durability="normal") as store:
        publish(store, [message(f"{n} " + "x" * 2_000_000) for n in range(12)], name="large")
        grown = size_bytes(log)
        append(store, "small")

        assert size_bytes(log) < 1_000_000 < 20_000_000 < grown


def test_a_reader_that_stays_does_not_stop_writers(path: Path) -> None:
    """While another reads an old state the log cannot start anew; writers go on, and it is emptied afterwards."""
    log = path.with_name(path.name + "-wal")
    with open_sqlite(path, durability="normal") as store:
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM blobs").fetchall()
        for n in range(30):
            publish(store, [message(f"{n} " + "x" * 1_000_000)], name=str(n))
        held = size_bytes(log)
        reader.execute("COMMIT")
        reader.close()
        for n in range(30, 40):
            publish(store, [message(f"{n} " + "x" * 1_000_000)], name=str(n))

        assert held > 25_000_000
        assert size_bytes(log) < 12_000_000


def test_bytes_for_each_message(path: Path) -> None:
    """A message of 400 characters takes less than 1,300 bytes of disk, its payloads and all of its history."""
    old: str | None = None
    with open_sqlite(path, durability="normal") as store:
        for n in range(1500):
            blob = message(f"{n:010}" + "abcdefghi " * 39, o200k_base=100)
            made = commit((old,) if old else (), blob, about=facts(n))
            store.publish([blob, made], [RefMove(MAIN, old, made.commit.id)], operation(str(n)))
            old = made.commit.id

    assert size_bytes(path) / 1500 < 1300


def test_a_fork_costs_little(path: Path) -> None:
    """A branch in the middle of a history copies nothing: a commit there takes the bytes of a commit."""
    made = line(2000)
    with open_sqlite(path, durability="normal") as store:
        publish(store, made)
    before = size_bytes(path)
    with open_sqlite(path, durability="normal") as store:
        forks = [commit((new.commit.id,), note="fork") for new in made[500:600]]
        publish(store, forks, name="forks")

    assert size_bytes(path) - before < 100 * 700


def test_save_token_counts_is_one_transaction(counted: SqlStore) -> None:
    """Any number of counts is one statement."""
    blobs = [message(str(n)) for n in range(100)]
    publish(counted, blobs)
    counts = {blob.id: TokenCount(1, True) for blob in blobs}

    seen = statements(lambda: counted.save_token_counts("o200k_base", counts))

    assert len(seen) == 1


@pytest.mark.parametrize(("durability", "level"), [("full", 2), ("normal", 1)])
def test_durability_is_how_often_sqlite_syncs(
    connections: list[sqlite3.Connection], path: Path, durability: Durability, level: int
) -> None:
    """Full syncs the log at every commit, normal only at checkpoints; both keep a write-ahead log."""
    with open_sqlite(path, durability=durability):
        (connection,) = connections

        assert connection.execute("PRAGMA synchronous").fetchone() == (level,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def is_open(connection: sqlite3.Connection) -> bool:
    """Tell whether a connection can still be used."""
    try:
        return connection.total_changes >= 0
    except sqlite3.ProgrammingError:
        return False


def test_threads_that_ended_leave_no_connection(connections: list[sqlite3.Connection], path: Path) -> None:
    """Each thread has a connection while it lives; those of the dead are closed or used again, all by `close`."""
    together = threading.Barrier(6)
    with open_sqlite(path) as store:

        def ask() -> None:
            together.wait()
            store.find_ref(MAIN)
            together.wait()

        for _ in range(3):
            threads = [threading.Thread(target=ask) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert sum(map(is_open, connections)) <= 1 + 2 * 6

    assert not any(map(is_open, connections))


def test_the_newest_operations_cost_the_same_in_any_log(path: Path, connections: list[sqlite3.Connection]) -> None:
    """Neither reading the end of the log nor what stands before an operation walks the rest."""
    with open_sqlite(path, durability="normal") as opened:
        (connection,) = connections
        spent = []
        for _ in range(2):
            for n in range(200):
                append(opened, f"message {n}")
            newest = opened.operations(limit=1)[0].operation.id
            spent.append(
                (
                    steps(connection, lambda: opened.operations(limit=4)),
                    steps(connection, lambda: opened.operations(before=newest, limit=4)),  # noqa: B023
                    steps(connection, lambda: opened.find_operations(newest, 4)),  # noqa: B023
                )
            )

        assert all(later <= earlier + 20 for earlier, later in zip(*spent, strict=True)), spent
        assert max(spent[1]) < 500, spent


@pytest.mark.usefixtures("connections")
def test_an_undo_takes_few_statements(path: Path) -> None:
    """However long the log is, and however much was undone before."""
    with Tract.open(path, durability="normal") as opened:
        for n in range(60):
            opened.user(f"message {n}")
        spent = [len(statements(opened.undo)) for _ in range(40)]
        spent += [len(statements(opened.redo)) for _ in range(3)]

    assert max(spent[:-3]) <= 4, spent
    assert spent[-3:] == sorted(spent[-3:]), spent
    assert max(spent[-3:]) <= 8, spent
