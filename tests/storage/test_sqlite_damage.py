"""Damage to a SQLite store is found, on reading or by a check, and never comes out as a driver's exception."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from storage_support import MAIN, append, commit, ids, line, message, operation, publish, record, rich_facts
from tract.exceptions import CorruptionError, StorageError
from tract.protocols import RefMove
from tract.storage.sqlite import open_sqlite


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store with something in every table."""
    path = tmp_path_factory.mktemp("damage") / "store.db"
    base = line(3, "base")
    side = line(2, "side", base[0].commit.id)
    merge = commit((base[-1].commit.id, side[-1].commit.id), message("m"), note="merge", about=rich_facts())
    blobs = [message(f"message {n}", o200k_base=n, other_base=n) for n in range(5)]
    with open_sqlite(path, durability="normal") as store:
        kept = record("kept")
        moves = [RefMove(MAIN, None, merge.commit.id), RefMove("merge/main", None, kept.id)]
        publish(store, [message("m"), kept, *blobs, *base, *side, merge], *moves)
        publish(store, [], RefMove("HEAD/default", None, MAIN), RefMove("tags/a", None, ids(base)[0]), name="refs")
        append(store, "one")
        append(store, "two")
        publish(store, [], RefMove("tags/a", ids(base)[0], None), name="delete")
    return path


@pytest.fixture
def filled(original: Path, path: Path) -> Path:
    """A copy of that store, to be damaged."""
    shutil.copy(original, path)
    return path


def alter(path: Path, sql: str, *parameters: object) -> None:
    """Change a store's rows behind its back."""
    connection = sqlite3.connect(path)
    assert connection.execute(sql, parameters).rowcount > 0
    connection.commit()
    connection.close()


def faults(path: Path) -> list[str]:
    """Return what a check finds, as text; where the damage lets no store be opened, what that says."""
    try:
        with open_sqlite(path, durability="normal") as store:
            return [f"{fault.where}: {fault.problem}" for fault in store.check()]
    except CorruptionError as error:
        return [str(error)]


def test_a_sound_store_has_no_faults(filled: Path) -> None:
    """A check of what was written as it should be finds nothing."""
    assert faults(filled) == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE blobs SET payload = CAST(payload || 'x' AS BLOB) WHERE row_id = 1",
        "UPDATE blobs SET payload = 'text' WHERE row_id = 1",
        "UPDATE blobs SET kind = 1 WHERE kind = 0",
        "UPDATE blobs SET tokens = tokens + 1 WHERE encoding IS NOT NULL",
        "UPDATE blobs SET tokens = 'many' WHERE encoding IS NOT NULL",
        "UPDATE blobs SET encoding = 99 WHERE encoding IS NOT NULL",
        "UPDATE blobs SET id = zeroblob(32) WHERE row_id = 2",
        "DELETE FROM blobs WHERE row_id = (SELECT max(row_id) FROM blobs)",
        "DELETE FROM blobs WHERE kind = 1",
        "UPDATE token_counts SET tokens = tokens + 1",
        "UPDATE token_counts SET exact = 'yes'",
        "UPDATE token_counts SET blob = blob + 1000",
        "UPDATE token_counts SET encoding = 77",
        "UPDATE commits SET payload = CAST('{}' AS BLOB) WHERE generation = 2",
        "UPDATE commits SET message_count = message_count + 1 WHERE generation = 2",
        "UPDATE commits SET tokens_exact = 1 - tokens_exact WHERE generation = 2",
        "UPDATE commits SET extras = CAST('{}' AS BLOB) WHERE extras IS NOT NULL",
        "UPDATE commits SET extras = NULL WHERE extras IS NOT NULL",
        "UPDATE commits SET encoding = 99 WHERE generation = 2",
        "UPDATE commits SET generation = 9 WHERE generation = 1",
        "UPDATE commits SET parent = NULL WHERE generation = 3",
        "UPDATE commits SET parent = place WHERE generation = 3",
        "UPDATE commits SET place = place + 5 WHERE generation = 6",
        "UPDATE commits SET place = place + 5 * 268435456 + 1 WHERE generation = 6",
        "DELETE FROM commits WHERE generation = 1",
        "DELETE FROM commits WHERE place = (SELECT max(place) FROM commits)",
        "UPDATE parents SET n = 2",
        "UPDATE parents SET parent = parent - 1",
        "UPDATE parents SET child = child + 1000",
        "DELETE FROM parents",
        "UPDATE refs SET target = (SELECT id FROM commits WHERE generation = 1) WHERE target NOT IN "
        "(SELECT id FROM commits WHERE generation = 1) AND name = CAST('heads/main' AS BLOB)",
        "UPDATE refs SET name = CAST('heads/other' AS BLOB) WHERE name = CAST('heads/main' AS BLOB)",
        "UPDATE refs SET tract = 55 WHERE name = CAST('heads/main' AS BLOB)",
        "UPDATE refs SET target = 'text' WHERE name = CAST('heads/main' AS BLOB)",
        "DELETE FROM refs WHERE name = CAST('heads/main' AS BLOB)",
        "DELETE FROM refs WHERE name = CAST('HEAD/default' AS BLOB)",
        "INSERT INTO refs SELECT tract, CAST('heads/x' AS BLOB), target FROM refs LIMIT 1",
        "UPDATE moves SET author = CAST('mallory' AS BLOB)",
        "UPDATE moves SET created_at = created_at + 1",
        "UPDATE moves SET created_at = 'now'",
        "UPDATE moves SET n = n + 7 WHERE number = (SELECT max(number) FROM moves)",
        "UPDATE refs SET name = x'ff' WHERE name = CAST('heads/main' AS BLOB)",
        "UPDATE refs SET name = x'ff', tract = 55 WHERE name = CAST('heads/main' AS BLOB)",
        "UPDATE moves SET created_at = 9223372036854775807",
        "UPDATE moves SET new = old WHERE old IS NOT NULL",
        "UPDATE moves SET operation = zeroblob(32) WHERE number = (SELECT max(number) FROM moves)",
        "UPDATE moves SET number = number + 10 WHERE number = (SELECT max(number) FROM moves)",
        "DELETE FROM moves WHERE number = (SELECT max(number) FROM moves)",
        "DELETE FROM moves WHERE number = (SELECT min(number) FROM moves)",
        "DELETE FROM moves",
        "UPDATE tracts SET name = CAST('mallory' AS BLOB)",
        "UPDATE encodings SET name = CAST('mallory' AS BLOB) WHERE row_id = 1",
        "UPDATE encodings SET name = CAST(x'ff' AS BLOB) WHERE row_id = 1",
        "DELETE FROM encodings WHERE row_id = 1",
    ],
)
def test_an_altered_row_is_found(filled: Path, sql: str) -> None:
    """A change of any column in any table, and any row lost, is a fault."""
    alter(filled, sql)

    assert faults(filled) != []


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("UPDATE blobs SET payload = CAST(payload || 'x' AS BLOB)", "blobs"),
        ("UPDATE blobs SET payload = 'text'", "blobs"),
        ("UPDATE blobs SET payload = CAST(payload || 'x' AS BLOB)", "record"),
        ("UPDATE blobs SET tokens = tokens + 1", "counts"),
        ("UPDATE blobs SET tokens = 'many'", "counts"),
        ("UPDATE commits SET payload = CAST('{}' AS BLOB)", "chain"),
        ("UPDATE commits SET payload = CAST('{}' AS BLOB)", "tip"),
        ("UPDATE commits SET token_count = 0", "tip"),
        ("UPDATE commits SET generation = 'none'", "tip"),
        ("UPDATE commits SET generation = 'none'", "ancestry"),
        ("UPDATE commits SET token_count = 'none'", "commits"),
        ("DELETE FROM commits WHERE generation = 2", "chain"),
        ("UPDATE commits SET place = place + 1 WHERE generation = 6", "chain"),
        ("UPDATE moves SET author = CAST('mallory' AS BLOB)", "moves"),
        ("UPDATE moves SET created_at = 'now'", "moves"),
        ("UPDATE refs SET target = x'ff'", "ref"),
        ("UPDATE refs SET target = 7", "ref"),
    ],
)
def test_what_was_altered_is_not_served(filled: Path, sql: str, read: str) -> None:
    """Reading altered bytes, facts, counts or log is a CorruptionError."""
    with open_sqlite(filled) as store:
        tip = store.find_ref(MAIN)
    assert tip is not None
    alter(filled, sql)
    blob = message("message 1").id

    with open_sqlite(filled) as store:
        reads: dict[str, Callable[[], object]] = {
            "blobs": lambda: store.blobs([blob]),
            "record": lambda: store.find_record(record("kept").id),
            "counts": lambda: store.token_counts([blob], "o200k_base"),
            "chain": lambda: store.chain(tip),
            "tip": lambda: store.find_tip(MAIN),
            "commits": lambda: store.commits([tip]),
            "ancestry": lambda: store.ancestry([tip], 0),
            "moves": lambda: store.moves(),
            "ref": lambda: store.find_ref(MAIN),
        }
        with pytest.raises(CorruptionError):
            reads[read]()


def test_commits_that_changed_places_are_found(filled: Path) -> None:
    """Two commits of one line that stand in each other's place are neither served nor overlooked."""
    alter(filled, "UPDATE commits SET place = -1 WHERE generation = 5")
    alter(filled, "UPDATE commits SET place = place - 1 WHERE generation = 6")
    alter(filled, "UPDATE commits SET place = (SELECT place + 1 FROM commits WHERE generation = 6) WHERE place = -1")

    with open_sqlite(filled) as store:
        last = store.find_ref(MAIN)
        assert last is not None
        with pytest.raises(CorruptionError):
            store.chain(store.commits([last])[last].commit.parents[0])

    assert faults(filled) != []


def test_a_corruption_names_its_object(filled: Path) -> None:
    """The error carries the id of the message whose bytes changed."""
    blob = message("message 1").id
    alter(filled, "UPDATE blobs SET payload = CAST('{}' AS BLOB) WHERE id = ?", bytes.fromhex(blob))

    with open_sqlite(filled) as store, pytest.raises(CorruptionError) as caught:
        store.blobs([blob])

    assert caught.value.object_id == blob


def read_all(path: Path) -> list[object]:
    """Return every answer that a store gives."""
    with open_sqlite(path, durability="normal") as store:
        commits = store.commit_ids("", 100)
        tip = store.find_ref(MAIN)
        blobs = [message(f"message {n}").id for n in range(5)]
        return [
            store.refs(""),
            store.find_tip(MAIN),
            store.commits(commits),
            commits,
            store.chain(tip or ""),
            store.ancestry(commits, 0),
            store.blobs(blobs),
            store.token_counts(blobs, "o200k_base"),
            store.moves(),
        ]


def test_a_flipped_bit_is_found_or_harmless(filled: Path) -> None:
    """A bit flipped anywhere gives the same answers, a typed error, or a fault; never another exception."""
    sound = read_all(filled)
    content = filled.read_bytes()
    chance = random.Random(4)

    for _ in range(60):
        place = chance.randrange(len(content))
        flipped = bytearray(content)
        flipped[place] ^= 1 << chance.randrange(8)
        filled.write_bytes(flipped)
        try:
            found = read_all(filled) == sound or faults(filled) != []
        except StorageError:
            found = True
        assert found, place


@pytest.mark.parametrize("kept", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_truncated_file_is_found(filled: Path, kept: float) -> None:
    """A file that lost its end is a CorruptionError, or a check tells."""
    content = filled.read_bytes()
    filled.write_bytes(content[: int(len(content) * kept)])

    assert faults(filled) != []


def test_a_check_goes_on_behind_damage(filled: Path) -> None:
    """Several faults in several tables are all named, with what they concern."""
    blob, done = message("message 1").id, operation("refs").id
    alter(filled, "UPDATE blobs SET payload = CAST('{}' AS BLOB) WHERE id = ?", bytes.fromhex(blob))
    alter(filled, "UPDATE moves SET author = x'00' WHERE operation = ?", bytes.fromhex(done))

    found = faults(filled)

    assert any(blob in fault for fault in found)
    assert any(done in fault for fault in found)
