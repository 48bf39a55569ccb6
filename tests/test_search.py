"""Search: every store finds what a plain look at every message finds, whatever the query says."""

import re
import unicodedata
from pathlib import Path

import pytest

from tract import ContentError, RefNotFoundError, Tract
from tract.model.words import Word
from tract.storage.sql import SqlStore
from tract.storage.sqlite_database import SqliteDatabase
from tract.storage.writing import empty_index
from tract_support import Another, asking, naughty_strings, needs_data, say


def found(t: Tract, query: str, **options: object) -> list[str]:
    """Return what the messages found say, newest first."""
    return [hit.message.text for hit in t.search(query, **options)]  # type: ignore[arg-type]


def test_words_must_all_occur_in_any_order(t: Tract) -> None:
    """Whole words, in any case; the newest message first."""
    for text in ("Retry three times.", "times change", "Three TIMES a day", "threesome timeshare"):
        t.user(text)

    assert found(t, "times three") == ["Three TIMES a day", "Retry three times."]
    assert found(t, "times") == ["Three TIMES a day", "times change", "Retry three times."]
    assert found(t, "times three missing") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"the limit is"', ["the limit is 3"]),
        ('"limit the"', []),
        ("lim*", ["limits, the", "the limit is 3"]),
        ('"the lim"*', ["the limit is 3"]),
        ("lim", []),
        ("max_retries", ["set max-retries to 3"]),
        ("max-retries", ["set max-retries to 3"]),
        ("retries-max", []),
        ('"the limit', ["the limit is 3"]),
        ("ÜBER", ["Über Straße"]),
        ("strasse", ["Über Straße"]),
        ("stra*", ["Über Straße"]),
        ("上海", ["我在上海工作"]),
        ("海上", []),
        ("cafe\u0301", ["Café ﬁn"]),
        ("fin", ["Café ﬁn"]),
        ("cafe", []),
        ("", []),
        ('"', []),
        ("*", []),
        ("!!! --", []),
    ],
)
def test_the_language_of_queries(t: Tract, query: str, expected: list[str]) -> None:
    """Phrases, beginnings, scripts without spaces, and what is no word."""
    for text in ("the limit is 3", "limits, the", "set max-retries to 3", "Über Straße", "我在上海工作", "Café ﬁn"):
        t.user(text)

    assert found(t, query) == expected


def test_all_that_was_ever_said_is_found(t: Tract) -> None:
    """On other branches, before an edit, skipped, reset away, undone, and on deleted branches."""
    first = t.user("alpha original")
    t.edit(first.message_ids[0], "alpha edited")
    t.skip(first.message_ids[0])
    t.switch("other", create=True)
    t.user("alpha elsewhere")
    t.switch("main")
    t.delete_branch("other", force=True)
    t.user("alpha left")
    t.reset("HEAD^")
    t.user("alpha undone")
    t.undo()

    assert sorted(found(t, "alpha")) == [
        "alpha edited",
        "alpha elsewhere",
        "alpha left",
        "alpha original",
        "alpha undone",
    ]


def test_a_hit_tells_where_it_was_said(t: Tract) -> None:
    """The message, the commit that recorded these words, and what stands around them."""
    said = t.user(f"{'before ' * 100}the needle {'after ' * 100}", author="Eve")

    (hit,) = t.search("needle")

    assert (hit.message_id, hit.commit) == (said.message_ids[0], said)
    assert "the needle after" in hit.excerpt
    assert len(hit.excerpt) < 200


def test_tool_calls_are_searched(t: Tract) -> None:
    """Their names and their arguments."""
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Lisbon"}'}}
    t.append({**asking(), "tool_calls": [call]})

    assert len(t.search("weather lisbon")) == 1
    assert t.search("function") == []


def test_the_same_message_is_found_once(t: Tract) -> None:
    """Though a merge recorded it again; where two messages say the same, both are."""
    t.user("start")
    t.switch("other", create=True)
    t.user("needle")
    t.switch("main")
    t.user("meanwhile")
    t.merge("other")
    t.user("needle")

    assert found(t, "needle") == ["needle", "needle"]


def test_a_branch_a_role_and_the_present_can_be_asked_for(t: Tract) -> None:
    """A branch's history with what was edited there; or only what a model is sent there now."""
    first = t.user("word one")
    t.edit(first.message_ids[0], "word 1")
    t.switch("other", create=True)
    t.assistant("word two")
    t.skip(t.user("word three").message_ids[0])
    t.switch("main")
    t.user("word four")

    assert found(t, "word", branch="main") == ["word four", "word 1", "word one"]
    assert found(t, "word", branch="other") == ["word three", "word two", "word 1", "word one"]
    assert found(t, "word", role="assistant") == ["word two"]
    assert found(t, "word", current=True) == ["word four", "word 1"]
    assert found(t, "word", branch="other", current=True) == ["word two", "word 1"]
    assert found(t, "word", branch="other", role="user", current=True) == ["word 1"]


def test_wrong_questions_are_errors(t: Tract) -> None:
    """Each of its kind; an unborn branch has nothing."""
    assert t.search("word", current=True) == t.search("word") == []
    t.user("word")

    with pytest.raises(RefNotFoundError):
        t.search("word", branch="nowhere")
    with pytest.raises(ContentError):
        t.search("word", role="nobody")
    with pytest.raises(ContentError):
        t.search("word", limit=-1)
    with pytest.raises(ContentError):
        t.search(None)  # type: ignore[arg-type]
    assert found(t, "word") == ["word"]


def test_there_may_be_many(t: Tract) -> None:
    """At most as many as asked for, the newest; None: all of them, over any number of pages."""
    with t.batch():
        for n in range(150):
            t.user(f"word {n} {'even' if n % 2 == 0 else 'odd'}")
    t.user("word last")

    assert found(t, "word", limit=3) == ["word last", "word 149 odd", "word 148 even"]
    assert len(t.search("word")) == 50
    assert len(t.search("word", limit=None)) == 151
    assert len(t.search('"word" even', limit=None)) == 75
    assert t.search("word", limit=0) == []


def test_another_tract_is_never_searched(t: Tract, another: Another) -> None:
    """Though the store is shared, and so are messages that say the same."""
    other = another(name="other")
    other.user("secret plan")
    other.user("shared words")
    t.user("shared words")

    assert other.search("shared")[0].message_id != t.search("shared")[0].message_id
    assert found(t, "secret") == []
    assert found(other, "secret") == ["secret plan"]
    assert found(t, "secret") == []
    assert len(t.search("shared")) == 1


def test_what_others_say_later_is_found(t: Tract, another: Another) -> None:
    """The index is caught up by whoever searches next."""
    t.user("word one")
    assert found(t, "word") == ["word one"]

    other = another()
    other.user("word two")

    assert found(t, "word") == found(other, "word") == ["word two", "word one"]


def test_an_emptied_index_is_filled_again(t: Tract) -> None:
    """It is a cache: nothing is lost with it, and the store stays clean."""
    t.user("word one")
    before = found(t, "word")
    store = t._repo.store

    if isinstance(store, SqlStore):
        database = store._database
        database.transact(lambda transaction: empty_index(transaction, database.statements))

    assert found(t, "word") == before == ["word one"]
    assert t.fsck().is_clean


def test_a_message_of_very_many_words_is_found(t: Tract) -> None:
    """More than PostgreSQL indexes, and words longer than are kept of one."""
    long = "x" * 100
    text = " ".join(f"{n:07}{n:09}" for n in range(70_000)) + f" {long}1"
    t.user(text)
    t.user(f"{long}2")

    assert [hit.message.text[-2:] for hit in t.search(f"{long}1")] == ["x1"]
    assert [hit.message.text[-2:] for hit in t.search(f"{long}*")] == ["x2", "x1"]
    assert len(t.search("0000000000000000")) == 1


def _plainly(texts: list[str], query: str) -> list[str]:
    """Return what a plain look finds for a query of one phrase, in the words' own definition."""
    wanted = _split(query)
    if not wanted:
        return []
    found = []
    for text in reversed(texts):
        words = _split(text)
        if any(words[at : at + len(wanted)] == wanted for at in range(len(words))):
            found.append(text)
    return found


def _split(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    spaced = re.sub("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])", r" \1 ", folded)
    return "".join(char if char.isalnum() else " " for char in spaced).split()


@needs_data
def test_awkward_strings_are_found_as_a_plain_look_finds_them(t: Tract) -> None:
    """Said and asked for as they are, none breaks a query or means anything in one."""
    strings = [text for text in naughty_strings() if text.strip()]
    with t.batch():
        for text in strings:
            t.user(text)

    for text in strings[::3]:
        t.search(text)
        phrase = text.replace('"', " ")
        assert found(t, f'"{phrase}"', limit=None) == _plainly(strings, phrase), text


def test_a_build_without_the_module_reads_everything(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same is found, more slowly."""
    with Tract.open(path, durability="normal") as t:
        t.user("word one")
        t.user("word two")
        store = t._repo.store
        assert isinstance(store, SqlStore)
        index = store._statements.dialect.word_index
        database = store._database
        assert isinstance(database, SqliteDatabase)
        read = database.read
        monkeypatch.setattr(database, "read", lambda sql, given: [(0, 0)] if sql == index.state else read(sql, given))

        assert found(t, "word") == ["word two", "word one"]
        assert found(t, '"word one"') == ["word one"]


def test_a_store_that_cannot_be_written_is_searched(path: Path) -> None:
    """With an index or without, and with one that is behind."""
    with Tract.open(path, durability="normal") as t:
        t.user("word one")
    with Tract.open(path, read_only=True) as reader:
        assert found(reader, "word") == ["word one"]
    with Tract.open(path, durability="normal") as t:
        t.search("word")
        t.user("word two")
    with Tract.open(path, read_only=True) as reader:
        assert found(reader, "word") == ["word two", "word one"]


def test_roles_of_a_conversation(t: Tract) -> None:
    """System and developer messages are searched like any other."""
    t.append([say("system", "needle"), say("developer", "needle"), say("user", "needle")])

    assert [hit.message.role for hit in t.search("needle")] == ["user", "developer", "system"]


def test_what_was_collected_as_garbage_is_found_no_more(t: Tract) -> None:
    """And what is said later, in rows that are used again, is found."""
    t.user("word kept")
    t.user("word left")
    assert len(t.search("word")) == 2
    t.reset("HEAD^")

    t.gc(keep="0s")
    t.user("word new")

    assert found(t, "word") == ["word new", "word kept"]
    assert t.fsck().is_clean


def test_what_was_purged_is_found_no_more(t: Tract) -> None:
    """Its words are not in the index either; everything else is found as before."""
    secret = t.user("the password is swordfish")
    t.user("password kept")
    assert len(t.search("password")) == 2

    t.purge(secret.message_ids[0], confirmed=True)

    assert found(t, "password") == ["password kept"]
    assert found(t, "swordfish") == []
    store = t._repo.store
    if isinstance(store, SqlStore):
        assert [at.message_id for at in store.search([Word("swordfish")], limit=5)] == []
    assert t.fsck().is_clean


def test_a_purged_word_is_not_left_in_the_file(path: Path) -> None:
    """Neither in the database nor in its log, though it was indexed."""
    with Tract.open(path) as t:
        secret = t.user("the password is swordfish")
        t.search("swordfish")
        t.purge(secret.message_ids[0], confirmed=True)

        left = b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))

    assert b"swordfish" not in left
