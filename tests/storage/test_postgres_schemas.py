"""Stores in one PostgreSQL database: a schema each, made once by whoever comes first, and tracts that do not mix."""

import multiprocessing
import secrets
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import pytest

from postgres_support import ask, raw, schema_of, with_query
from tract import CommitNotFoundError, MessageNotFoundError, ReadOnlyError, SchemaVersionError, StorageError, Tract
from tract.storage.schema import VERSION, metadata
from tract_support import texts

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["__main__", "tract", "psycopg", "sqlalchemy.dialects.postgresql.psycopg"])


def open_and_write(url: str, number: int) -> str:
    """Open a store that may not be there yet, and record a message."""
    with Tract.open(url, name=f"agent{number % 3}", workspace=f"w{number}") as t:
        return str(t.user(f"message {number}").message_id)


def opened_at_once(url: str, count: int) -> set[str]:
    """Let so many processes open a store at once, and return the ids of what they recorded."""
    with ProcessPoolExecutor(count, CONTEXT) as processes:
        # A first task for each starts all of them before there is anything to open.
        list(processes.map(abs, range(count)))
        return set(processes.map(open_and_write, [url] * count, range(count)))


def assert_whole(url: str, written: set[str]) -> None:
    """Assert that a store was made once, and holds what was written."""
    assert ask(url, "SELECT version FROM tract_schema") == [(VERSION,)]
    found: set[str] = set()
    for name in Tract.tracts(url):
        with Tract.open(url, name=name) as t:
            found |= set(t.compile().message_ids)
            assert t.fsck().faults == ()
    assert found == written


def test_eight_processes_open_a_new_schema_at_once(postgres_url: str) -> None:
    """One makes the tables, the others wait for it; all write."""
    written = opened_at_once(postgres_url, 8)

    assert len(written) == 8
    assert_whole(postgres_url, written)


@pytest.mark.long
@pytest.mark.parametrize("attempt", range(8))
def test_sixteen_processes_open_a_new_schema_at_once(postgres_url: str, attempt: int) -> None:
    """Eight rounds of sixteen."""
    written = opened_at_once(postgres_url, 16)

    assert len(written) == 16
    assert_whole(postgres_url, written)


def test_whoever_makes_the_tables_holds_a_lock_that_others_wait_for(postgres_url: str) -> None:
    """While another session holds the migration's lock no table is made, and the wait is not a driver's error."""
    with raw(postgres_url) as holder, holder.transaction():
        holder.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [0x74726163, schema_of(postgres_url)])
        waiting = with_query(postgres_url, answer_seconds="1", away_seconds="1")

        with pytest.raises(StorageError):
            Tract.open(waiting)

        assert ask(postgres_url, "SELECT to_regclass('commits')") == [(None,)]
    with Tract.open(postgres_url) as t:
        t.user("hello")


def test_schemas_are_stores_of_their_own(postgres_url: str) -> None:
    """Two deployments in one database share nothing, not even what they say alike."""
    other = with_query(postgres_url, schema=f"t_{secrets.token_hex(8)}")
    try:
        with Tract.open(postgres_url) as one, Tract.open(other) as two:
            commit = one.user("hello")

            with pytest.raises(CommitNotFoundError):
                two.show(commit.id)
            assert texts(two) == []
            two.user("other")
            assert (texts(one), texts(two)) == (["hello"], ["other"])
    finally:
        ask(other, f"DROP SCHEMA {schema_of(other)} CASCADE")


def test_tracts_are_apart(postgres_url: str) -> None:
    """A tract sees no branch, tag, workspace, log, message or undo of another, only what is asked for by its name."""
    with Tract.open(postgres_url, name="acme") as acme, Tract.open(postgres_url, name="rival") as rival:
        said = acme.user("the plan")
        acme.branch("secret")
        acme.tag("v1")
        acme.configure(model="m")

        reads: list[Callable[[], object]] = [
            rival.compile,
            rival.log,
            rival.branches,
            rival.tags,
            rival.reflog,
        ]
        assert [len(getattr(found, "messages", found)) for found in (read() for read in reads)] == [0] * len(reads)  # type: ignore[arg-type]
        assert rival.status().message_count == 0
        with pytest.raises(MessageNotFoundError):
            rival.edit(str(said.message_id), "mine")
        rival.user("the same words")
        acme.delete_branch("secret", force=True)

        assert texts(rival) == ["the same words"]
        assert texts(acme) == ["the plan"]
    assert Tract.tracts(postgres_url) == ["acme", "rival"]


def test_every_question_about_refs_names_its_tract(postgres_url: str) -> None:
    """Two tracts with branches of one name: each reads, moves and lists its own."""
    with Tract.open(postgres_url, name="a") as a, Tract.open(postgres_url, name="b") as b:
        for t, text in ((a, "from a"), (b, "from b")):
            t.user(text)
            t.user(f"more {text}")
            t.branch("side", "HEAD^")
        a.reset("side")

        assert (texts(a), texts(b)) == (["from a"], ["from b", "more from b"])
        assert [move.operation.kind for move in a._repo.store.moves()] != [
            move.operation.kind for move in b._repo.store.moves()
        ]
        assert a.branches().keys() == b.branches().keys()


def test_a_newer_schema_is_refused(postgres_url: str) -> None:
    """With both versions, and left as it is."""
    Tract.open(postgres_url).close()
    ask(postgres_url, "UPDATE tract_schema SET version = 99")

    for read_only in (False, True):
        with pytest.raises(SchemaVersionError) as caught:
            Tract.open(postgres_url, read_only=read_only)
        assert (caught.value.found, caught.value.supported) == (99, VERSION)
    assert ask(postgres_url, "SELECT version FROM tract_schema") == [(99,)]


@pytest.mark.parametrize("table", sorted([*metadata.tables, "tract_schema"]))
def test_another_programs_tables_are_refused(postgres_url: str, table: str) -> None:
    """A schema in which one of our names is taken is not touched."""
    ask(postgres_url, f"CREATE SCHEMA {schema_of(postgres_url)}")
    ask(postgres_url, f"CREATE TABLE {table} (theirs TEXT)")
    ask(postgres_url, f"INSERT INTO {table} VALUES ('precious')")

    with pytest.raises(SchemaVersionError):
        Tract.open(postgres_url)

    assert ask(postgres_url, f"SELECT * FROM {table}") == [("precious",)]
    names = ask(postgres_url, "SELECT tablename FROM pg_tables WHERE schemaname = %s", schema_of(postgres_url))
    assert names == [(table,)]


def test_another_programs_other_tables_do_no_harm(postgres_url: str) -> None:
    """A store may stand beside tables of other names."""
    ask(postgres_url, f"CREATE SCHEMA {schema_of(postgres_url)}")
    ask(postgres_url, "CREATE TABLE customers (name TEXT)")

    with Tract.open(postgres_url) as t:
        t.user("hello")

        assert texts(t) == ["hello"]


def test_a_migration_that_fails_leaves_nothing(postgres_url: str) -> None:
    """A sequence of another program stands in the way half-way: no table stays, and then all goes well."""
    ask(postgres_url, f"CREATE SCHEMA {schema_of(postgres_url)}")
    ask(postgres_url, "CREATE SEQUENCE move_numbers")
    with pytest.raises(StorageError):
        Tract.open(postgres_url)
    assert ask(postgres_url, "SELECT tablename FROM pg_tables WHERE schemaname = %s", schema_of(postgres_url)) == []
    ask(postgres_url, "DROP SEQUENCE move_numbers")

    with Tract.open(postgres_url) as t:
        t.user("hello")


def test_reading_only_makes_nothing(postgres_url: str) -> None:
    """No schema, no tract; the server itself refuses what would write."""
    with pytest.raises(StorageError, match="no store"):
        Tract.open(postgres_url, read_only=True)
    with pytest.raises(StorageError, match="no store"):
        Tract.tracts(postgres_url)
    assert ask(postgres_url, "SELECT 1 FROM pg_namespace WHERE nspname = %s", schema_of(postgres_url)) == []
    with Tract.open(postgres_url) as t:
        t.user("hello")

    with Tract.open(postgres_url, read_only=True) as t, Tract.open(postgres_url, name="new", read_only=True) as new:
        assert (texts(t), texts(new)) == (["hello"], [])
        for write in (lambda: t.user("x"), lambda: new.user("x"), lambda: t.branch("b")):
            with pytest.raises(ReadOnlyError):
                write()
    assert Tract.tracts(postgres_url) == ["default"]


@pytest.mark.parametrize("query", [{"schema": "Tract"}, {"schema": "pg_x"}, {"schema": "a;b"}])
def test_a_schemas_name_is_checked(postgres_url: str, query: dict[str, str]) -> None:
    """It stands in statements, so it is one plain word."""
    with pytest.raises(StorageError, match="schema"):
        Tract.open(with_query(postgres_url, **query))


@pytest.mark.parametrize("size", ["0", "-1", "many", "10000", "1.5"])
def test_numbers_in_the_url_are_checked(postgres_url: str, size: str) -> None:
    """What is no number from 1 to 9999 is an error that names the option."""
    for name in ("pool_size", "answer_seconds", "away_seconds"):
        with pytest.raises(StorageError, match=name):
            Tract.open(with_query(postgres_url, **{name: size}))
