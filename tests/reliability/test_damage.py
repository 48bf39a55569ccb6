"""Damage to a store as a user meets it: each verb gives the sound answer or a typed error, and a check finds it."""

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tract import TraceError, Tract
from tract.storage.schema import metadata
from tract_support import Clock, answering, asking

TURNS = 24
"""So many turns make a store of about 200 rows."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store with something of every kind in it: about 200 rows."""
    path = tmp_path_factory.mktemp("damage") / "store.db"
    with Tract.open(path, durability="normal", clock=Clock()) as t:
        t.system("begin")
        first = t.user("first")
        assert first.message_id is not None
        t.branch("side")
        for n in range(TURNS):
            t.user(f"turn {n}")
        t.append(asking("one"))
        t.append(answering("one"))
        t.pin(first.message_id)
        t.configure(model="gpt-4o", budget=100_000)
        t.tag("v1")
        t.edit(first.message_id, "first, ours")
        t.switch("side")
        for n in range(TURNS):
            t.user(f"side {n}")
        t.edit(first.message_id, "first, theirs")
        t.switch("main")
        t.branch("other")
        result = t.merge("side")
        result.resolve(result.conflicts[0].id, "first, both")
        t.commit_merge()
        t.switch("other")
        t.merge("side", strategy="manual")
        t.switch("main")
    return path


@pytest.fixture
def filled(original: Path, path: Path) -> Path:
    """A copy of that store, to be damaged."""
    shutil.copy(original, path)
    return path


QUESTIONS: dict[str, Callable[[Tract], object]] = {
    "branches": lambda t: t.branches(),
    "tags": lambda t: t.tags(),
    "status": lambda t: t.status(),
    "log": lambda t: t.log(),
    "compile": lambda t: t.compile().to_openai(),
    "counts": lambda t: t.compile().token_counts,
    "other": lambda t: t.compile("other").to_openai(),
    "diff": lambda t: t.diff("v1", "main"),
    "show": lambda t: t.show(),
    "reflog": lambda t: t.reflog(),
    "history": lambda t: t.history(t.compile("v1").message_ids[1]),
    "session": lambda t: repr(t.merge_session()),
}


def answers(path: Path) -> dict[str, object]:
    """Return what a store answers, a typed error being an answer; nothing where it cannot be opened."""
    try:
        with Tract.open(path, durability="normal", read_only=True) as t:
            return {name: _answer(t, question) for name, question in QUESTIONS.items()}
    except TraceError:
        return {}


def _answer(t: Tract, question: Callable[[Tract], object]) -> object:
    try:
        return question(t)
    except TraceError as error:
        return error


def is_found(path: Path) -> bool:
    """Tell whether a check of a store finds something, or it cannot be opened."""
    try:
        with Tract.open(path, durability="normal", read_only=True) as t:
            return not t.fsck().is_clean
    except TraceError:
        return True


def served(found: dict[str, object], sound: dict[str, object]) -> list[str]:
    """Return the questions whose answer is neither the sound one nor an error."""
    return [name for name, answer in found.items() if not isinstance(answer, TraceError) and answer != sound[name]]


def alterations(value: object) -> Iterator[object]:
    """Yield what a column may be altered to."""
    yield None
    yield "text"
    yield b"\xff\xfe"
    if isinstance(value, int):
        yield value + 1
        yield value ^ (1 << 20)
    elif isinstance(value, bytes) and value:
        yield value[:-1]
        yield bytes([value[0] ^ 4]) + value[1:]
        yield value + b"x"


def all_alterations(path: Path) -> list[tuple[str, str, tuple[Any, ...], object]]:
    """Return every table, column, row (by its key) and other value that there is, in a fixed order."""
    found: list[tuple[str, str, tuple[Any, ...], object]] = []
    with sqlite3.connect(path) as connection:
        for table in metadata.sorted_tables:
            keys = [column.name for column in table.primary_key]
            for row in connection.execute(f"SELECT {', '.join([*keys, *table.columns.keys()])} FROM {table.name}"):
                for column, value in zip(table.columns.keys(), row[len(keys) :], strict=True):
                    where = " AND ".join(f"{key} IS ?" for key in keys)
                    sql = f"UPDATE {table.name} SET {column} = ? WHERE {where}"
                    found += [(sql, column, row[: len(keys)], other) for other in alterations(value) if other != value]
    connection.close()
    return found


def altered(path: Path, sql: str, key: tuple[Any, ...], other: object) -> bool:
    """Alter a row, and tell whether the database let it happen."""
    connection = sqlite3.connect(path)
    try:
        connection.execute(sql, (other, *key))
        connection.commit()
    except sqlite3.IntegrityError:
        return False
    finally:
        connection.close()
    return True


def check_alterations(original: Path, path: Path, chosen: list[tuple[str, str, tuple[Any, ...], object]]) -> int:
    """Check that each alteration is found and not served; return how many the database let happen."""
    sound, happened = answers(original), 0
    for sql, column, key, other in chosen:
        shutil.copy(original, path)
        if altered(path, sql, key, other):
            happened += 1
            found = answers(path)
            # A row's own number, where no other row names it, is no answer's concern.
            assert is_found(path) or (column == "row_id" and not served(found, sound)), (sql, key, other)
            assert "compile" not in served(found, sound), (sql, key, other)
    return happened


def test_altered_rows_are_found(original: Path, path: Path) -> None:
    """Any value of any row that is altered is found by a check, and no message is served that was not written."""
    everything = all_alterations(original)
    chosen = random.Random(5).sample(everything, 120)

    assert check_alterations(original, path, chosen) > 60


@pytest.mark.long
def test_every_row_altered_in_every_column_is_found(original: Path, path: Path) -> None:
    """Every value of every row, altered in several ways."""
    everything = all_alterations(original)

    assert check_alterations(original, path, everything) > 4_000


def flip(original: Path, path: Path, count: int, seed: int) -> None:
    """Check that bits that flip, one at a time, are found or change no answer."""
    sound, content, chance = answers(original), original.read_bytes(), random.Random(seed)
    for _ in range(count):
        place = chance.randrange(len(content))
        flipped = bytearray(content)
        flipped[place] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        found = answers(path)
        assert not served(found, sound) or is_found(path), place
        assert "compile" not in served(found, sound), place


def test_flipped_bits_are_found_or_harmless(original: Path, path: Path) -> None:
    """Of 150 bits flipped anywhere none changes a message that is compiled, nor any other answer without a fault."""
    flip(original, path, 150, seed=6)


@pytest.mark.long
def test_ten_thousand_flipped_bits_are_found_or_harmless(original: Path, path: Path) -> None:
    """The same of 10,000 bits."""
    flip(original, path, 10_000, seed=7)


def test_a_truncated_file_is_found(original: Path, path: Path) -> None:
    """A file cut off at any page, or within one, is an error or a fault."""
    content = original.read_bytes()
    sound = answers(original)
    for length in range(1, len(content), 4096 * 3 + 511):
        path.write_bytes(content[:length])

        assert "compile" not in served(answers(path), sound)
        assert is_found(path)
