"""Repairing: what is only an index is rebuilt from the commits; what is damaged itself is not."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tract import CorruptionError, Tract
from tract.exceptions import BatchError
from tract.storage.sql import SqlStore
from tract_support import answering, asking, texts


@pytest.fixture(params=["sqlite", "postgres"])
def talk(request: pytest.FixtureRequest, path: Path) -> Iterator[Tract]:
    """A history with branches, merges, calls, marks and settings, in a database."""
    place = path if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with Tract.open(place, durability="normal") as t:
        first = t.user("one").message_id or ""
        t.append([asking("c1", "c2"), answering("c1"), answering("c2")])
        t.configure(model="gpt-4", budget=400)
        for number in range(3):
            t.switch(f"side-{number}", create=True)
            t.user(f"on the side {number}")
            t.edit(first, f"one\n\nand {number}")
            t.switch("main")
            t.assistant(f"on main {number}")
            t.merge(f"side-{number}", strategy="theirs")
        t.pin(first)
        t.append(asking("open"))
        yield t


def harm(t: Tract, statement: str) -> None:
    """Alter rows behind the store's back."""
    store = t._repo.store
    assert isinstance(store, SqlStore)
    store._database.transact(lambda transaction: transaction.read(statement, {}))


def everything(t: Tract) -> dict[str, object]:
    """Return what every branch compiles to and costs."""
    return {name: (t.compile(name).to_openai(), t.compile(name).token_count) for name in t.branches()}


def test_a_whole_store_needs_no_repair(talk: Tract) -> None:
    """Nothing is wrong, and nothing is written."""
    report = talk.fsck(repair=True)

    assert (report.is_clean, report.repaired) == (True, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE commits SET generation = 7",
        "UPDATE commits SET message_count = message_count + 1",
        "UPDATE commits SET token_count = 0, seal = 5",
        "UPDATE commits SET extras = NULL",
        "UPDATE commits SET parent = NULL",
        "UPDATE commits SET place = place + 13421772800 WHERE generation > 5",
        "UPDATE commits SET place = place + 3 WHERE generation = (SELECT max(generation) FROM commits)",
        "DELETE FROM parents",
        "UPDATE parents SET parent = child",
        "UPDATE blobs SET tokens = 1 WHERE encoding IS NOT NULL",
        "UPDATE blobs SET encoding = 77 WHERE encoding IS NOT NULL",
        "UPDATE token_counts SET tokens = tokens + 1",
        "INSERT INTO token_counts (blob, encoding, tokens, exact, seal) VALUES (99999, 1, 1, TRUE, 1)",
    ],
)
def test_an_altered_index_is_rebuilt(talk: Tract, statement: str) -> None:
    """Whatever column was altered: found by a check, mended by a repair, and everything reads as before."""
    before = everything(talk)
    harm(talk, statement)
    assert not talk.fsck().is_clean

    report = talk.fsck(repair=True)

    assert report.faults == ()
    assert report.repaired > 0
    talk._repo.caches.fields.clear()
    talk._repo.caches.counts.clear()
    assert everything(talk) == before
    talk.tool("at last", tool_call_id="open")
    talk.user("and on it goes")
    talk.switch("new", create=True)
    assert talk.merge("side-0").kind == "up_to_date"
    assert talk.fsck().is_clean


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE recorded SET place = place + 1000",
        "UPDATE recorded SET tract = 77",
        "DELETE FROM recorded WHERE blob = 0",
        "DELETE FROM recorded WHERE place = (SELECT min(place) FROM recorded)",
        "UPDATE recorded SET blob = blob + 1000 WHERE blob <> 0",
        "UPDATE searched SET number = number * 10",
        "UPDATE commits SET place = place + 13421772800 WHERE generation > 5",
    ],
)
def test_an_altered_index_of_words_is_emptied(talk: Tract, statement: str) -> None:
    """Found by a check; after a repair a search finds what it found before, and names the same commits."""
    before = talk.search("side")
    harm(talk, statement)
    assert not talk.fsck().is_clean

    report = talk.fsck(repair=True)

    assert report.faults == ()
    assert report.repaired > 0
    assert talk.search("side") == before
    assert talk.fsck().is_clean


def test_lost_words_are_found_and_made_again(talk: Tract) -> None:
    """A message whose words are not in the index is a fault, and is found again after a repair."""
    before = talk.search("side")
    store = talk._repo.store
    assert isinstance(store, SqlStore)
    harm(talk, store._database.statements.dialect.word_index.empty)
    assert not talk.fsck().is_clean

    assert talk.fsck(repair=True).is_clean

    assert talk.search("side") == before


def test_a_repaired_store_reads_a_line_with_one_statement(talk: Tract) -> None:
    """Places are laid out so that each chain is one again, whatever they were before."""
    places = [f"UPDATE commits SET place = -{number + 2} WHERE generation = {number + 1}" for number in range(15)]
    random.Random(1).shuffle(places)
    for statement in places[:4]:
        harm(talk, statement.replace("WHERE", "WHERE place > 0 AND id = (SELECT max(id) FROM commits) AND"))
    harm(talk, "UPDATE commits SET place = -1 WHERE generation = 2")

    assert talk.fsck(repair=True).is_clean

    assert [commit.parents[0] for commit in talk._repo.store.chain(talk.head_id or "")[:-1]] == [
        commit.id for commit in talk._repo.store.chain(talk.head_id or "")[1:]
    ]


def test_a_damaged_commit_is_not_rebuilt(talk: Tract) -> None:
    """What a commit says cannot be guessed; the error names it, and nothing is changed."""
    lost = talk.log()[5].id
    harm(talk, "UPDATE commits SET token_count = 0")
    harm(talk, f"UPDATE commits SET payload = CAST('{{}}' AS {_bytes(talk)}) WHERE id = {_literal(talk, lost)}")

    with pytest.raises(CorruptionError) as caught:
        talk.fsck(repair=True)

    assert caught.value.object_id == lost


def test_a_missing_commit_is_not_rebuilt(talk: Tract) -> None:
    """The error names the one that others build on."""
    lost = talk.log()[5].id
    harm(talk, f"DELETE FROM commits WHERE id = {_literal(talk, lost)}")

    with pytest.raises(CorruptionError) as caught:
        talk.fsck(repair=True)

    assert caught.value.object_id == lost


def _bytes(t: Tract) -> str:
    return "BLOB" if "Sqlite" in type(t._repo.store._database).__name__ else "bytea"  # type: ignore[attr-defined]


def _literal(t: Tract, object_id: str) -> str:
    return f"X'{object_id}'" if _bytes(t) == "BLOB" else f"'\\x{object_id}'::bytea"


def test_memory_needs_no_repair(t: Tract) -> None:
    """Every store can be asked."""
    t.user("one")

    assert t.fsck(repair=True).repaired == 0
    assert texts(t) == ["one"]


def test_nothing_is_repaired_inside_a_batch(t: Tract) -> None:
    """A batch is written against what stands beside the tip."""
    with t.batch(), pytest.raises(BatchError):
        t.fsck(repair=True)
