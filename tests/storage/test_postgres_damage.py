"""Damage to a store in PostgreSQL is found, on reading or by a check, and never comes out as a driver's exception."""

from collections.abc import Callable

import pytest

from postgres_support import ask
from storage_support import MAIN, append, commit, ids, line, message, publish, record, rich_facts
from tract.exceptions import CorruptionError, StorageError
from tract.protocols import RefMove, Store
from tract.storage.opening import open_store


def opened(url: str) -> Store:
    """Return the store; the caller closes it."""
    return open_store(url, tract="default", durability="normal")


@pytest.fixture
def filled(postgres_url: str) -> str:
    """A store with something in every table."""
    base = line(3, "base")
    side = line(2, "side", base[0].commit.id)
    merge = commit((base[-1].commit.id, side[-1].commit.id), message("m"), note="merge", about=rich_facts())
    blobs = [message(f"message {n}", o200k_base=n, other_base=n) for n in range(5)]
    store = opened(postgres_url)
    kept = record("kept")
    moves = [RefMove(MAIN, None, merge.commit.id), RefMove("merge/main", None, kept.id)]
    publish(store, [message("m"), kept, *blobs, *base, *side, merge], *moves)
    publish(store, [], RefMove("HEAD/default", None, MAIN), RefMove("tags/a", None, ids(base)[0]), name="refs")
    append(store, "one")
    store.close()
    return postgres_url


def faults(url: str) -> list[str]:
    """Return what a check finds, as text; where the damage lets no store be opened, what that says."""
    try:
        store = opened(url)
        try:
            return [f"{fault.where}: {fault.problem}" for fault in store.check()]
        finally:
            store.close()
    except CorruptionError as error:
        return [str(error)]


def test_a_sound_store_has_no_faults(filled: str) -> None:
    """A check of what was written as it should be finds nothing."""
    assert faults(filled) == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE blobs SET payload = payload || 'x'::bytea WHERE row_id = 1",
        "UPDATE blobs SET kind = 1 WHERE kind = 0",
        "UPDATE blobs SET tokens = tokens + 1 WHERE encoding IS NOT NULL",
        "UPDATE blobs SET encoding = 99 WHERE encoding IS NOT NULL",
        "UPDATE blobs SET id = sha256('x') WHERE row_id = 2",
        "DELETE FROM blobs WHERE row_id = (SELECT max(row_id) FROM blobs)",
        "UPDATE token_counts SET tokens = tokens + 1",
        "UPDATE token_counts SET exact = NOT exact",
        "UPDATE token_counts SET blob = blob + 1000",
        "UPDATE token_counts SET encoding = 77",
        "UPDATE commits SET payload = '{}' WHERE generation = 2",
        "UPDATE commits SET message_count = message_count + 1 WHERE generation = 2",
        "UPDATE commits SET tokens_exact = NOT tokens_exact WHERE generation = 2",
        "UPDATE commits SET extras = NULL WHERE extras IS NOT NULL",
        "UPDATE commits SET encoding = 99 WHERE generation = 2",
        "UPDATE commits SET generation = 9 WHERE generation = 1",
        "UPDATE commits SET parent = NULL WHERE generation = 3",
        "UPDATE commits SET place = place + 7 WHERE generation = 5",
        "DELETE FROM commits WHERE generation = 1",
        "UPDATE parents SET n = 2",
        "UPDATE parents SET child = child + 1000",
        "DELETE FROM parents",
        "UPDATE refs SET target = (SELECT id FROM commits WHERE generation = 1) WHERE name = 'heads/main'",
        "UPDATE refs SET name = 'heads/other' WHERE name = 'heads/main'",
        "UPDATE refs SET tract = 55 WHERE name = 'heads/main'",
        "UPDATE refs SET target = '\\xff' WHERE name = 'heads/main'",
        "DELETE FROM refs WHERE name = 'heads/main'",
        "UPDATE moves SET author = 'mallory'",
        "UPDATE moves SET created_at = created_at + 1",
        "UPDATE moves SET created_at = 9223372036854775807",
        "UPDATE moves SET new = old WHERE old IS NOT NULL",
        "DELETE FROM moves",
        "UPDATE tracts SET name = 'mallory'",
        "UPDATE encodings SET name = 'mallory' WHERE row_id = 1",
        "UPDATE encodings SET name = '\\xff' WHERE row_id = 1",
        "DELETE FROM encodings WHERE row_id = 1",
    ],
)
def test_an_altered_row_is_found(filled: str, sql: str) -> None:
    """A change of a column in any table, and a row lost, is a fault."""
    ask(filled, sql)

    assert faults(filled) != []


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("UPDATE blobs SET payload = payload || 'x'::bytea", "blobs"),
        ("UPDATE blobs SET payload = payload || 'x'::bytea", "record"),
        ("UPDATE blobs SET tokens = tokens + 1", "counts"),
        ("UPDATE commits SET payload = '{}'", "chain"),
        ("UPDATE commits SET token_count = 0", "tip"),
        ("DELETE FROM commits WHERE generation = 2", "chain"),
        ("UPDATE moves SET author = 'mallory'", "moves"),
        ("UPDATE refs SET target = '\\xff'", "ref"),
    ],
)
def test_what_was_altered_is_not_served(filled: str, sql: str, read: str) -> None:
    """Reading altered bytes, facts, counts or log is a CorruptionError."""
    store = opened(filled)
    tip = store.find_ref(MAIN) or ""
    ask(filled, sql)
    blob = message("message 1").id
    reads: dict[str, Callable[[], object]] = {
        "blobs": lambda: store.blobs([blob]),
        "record": lambda: store.find_record(record("kept").id),
        "counts": lambda: store.token_counts([blob], "o200k_base"),
        "chain": lambda: store.chain(tip),
        "tip": lambda: store.find_tip(MAIN),
        "moves": lambda: store.moves(),
        "ref": lambda: store.find_ref(MAIN),
    }

    with pytest.raises(CorruptionError):
        reads[read]()
    store.close()


@pytest.mark.parametrize("table", ["blobs", "commits", "refs", "moves", "tracts", "encodings"])
def test_a_lost_table_is_a_typed_error(filled: str, table: str) -> None:
    """Somebody dropped it: opening or checking is a StorageError."""
    ask(filled, f"DROP TABLE {table}")

    with pytest.raises(StorageError):
        list(opened(filled).check())
