"""Connections to PostgreSQL: what they are set to, how many there are, who may use them, and what ends them."""

import os
import secrets
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from cli_support import Shell
from postgres_proxy import proxied
from postgres_server import OwnServer, own_server
from postgres_support import ask, database_of, raw, schema_of, with_query
from storage_support import run_in_child
from tract import BusyError, ReadOnlyError, StorageError, Tract
from tract_support import texts


@pytest.fixture
def counted_url(postgres_url: str) -> str:
    """The URL of a new schema whose connections can be told from others by their application's name."""
    return with_query(postgres_url, application_name=f"counted-{secrets.token_hex(4)}")


def connection_count(url: str) -> int:
    """Return how many connections of a counted URL's store the server has."""
    name = url.split("application_name=")[1].split("&")[0]
    count: int = ask(url, "SELECT count(*) - 1 FROM pg_stat_activity WHERE application_name = %s", name)[0][0]
    return count


@pytest.mark.parametrize(("durability", "synchronous"), [("full", "on"), ("normal", "off")])
def test_every_connection_is_set_up(postgres_url: str, durability: str, synchronous: str) -> None:
    """No statement, lock or forgotten transaction lasts for ever, and durability is what was asked for."""
    wanted = {
        "statement_timeout": "1min",
        "lock_timeout": "15s",
        "idle_in_transaction_session_timeout": "3s",
        "synchronous_commit": synchronous,
        "search_path": schema_of(postgres_url),
        "default_transaction_isolation": "read committed",
        "default_transaction_read_only": "off",
        "plan_cache_mode": "force_custom_plan",
    }
    with Tract.open(postgres_url, durability="full" if durability == "full" else "normal") as t:
        found = {name: database_of(t).read("SELECT current_setting(:name)", {"name": name})[0][0] for name in wanted}

    assert found == wanted


def test_a_connection_by_tcp_finds_out_a_host_that_is_gone(postgres_url: str) -> None:
    """Keepalives are on, and what was sent is waited for a minute at most."""
    with (
        proxied(postgres_url, by_tcp=True) as (url, _),
        Tract.open(url) as t,
        database_of(t)._connection() as connection,
        socket.socket(fileno=os.dup(connection.fileno())) as opened,
    ):
        found = [
            opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
            opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
            opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
            opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
        ]

    assert found == [1, 30, 10, 3, 60_000]


def test_a_url_may_set_something_else(postgres_url: str) -> None:
    """What the URL says in `options` goes before what tract would say."""
    with Tract.open(with_query(postgres_url, options="-c lock_timeout=7s")) as t:
        assert database_of(t).read("SHOW lock_timeout", {}) == [("7s",)]


def test_a_lock_that_is_held_too_long_is_an_error(postgres_url: str) -> None:
    """BusyError when the server gives up waiting; nothing was written, and the next try succeeds."""
    with Tract.open(with_query(postgres_url, options="-c lock_timeout=50ms")) as t, raw(postgres_url) as holder:
        t.user("one")
        with holder.transaction():
            holder.execute("SELECT 1 FROM refs FOR UPDATE")
            with pytest.raises(BusyError):
                t.user("two")

        t.user("three")

        assert texts(t) == ["one", "three"]


def test_a_statement_that_takes_too_long_is_an_error(postgres_url: str) -> None:
    """BusyError, and the connection is used again."""
    with Tract.open(with_query(postgres_url, options="-c statement_timeout=50ms")) as t:
        with pytest.raises(BusyError):
            database_of(t).read("SELECT pg_sleep(60)", {})

        t.user("next")

        assert texts(t) == ["next"]


def test_the_pool_is_bounded(counted_url: str) -> None:
    """Twelve threads on a pool of three have three connections, and all they say is there."""
    with Tract.open(with_query(counted_url, pool_size="3")) as t, ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda n: t.user(f"message {n}"), range(60)))

        assert connection_count(counted_url) == 3
        assert sorted(texts(t)) == sorted(f"message {n}" for n in range(60))


def test_tracts_of_one_process_share_a_pool(counted_url: str) -> None:
    """However many are open, one after the other they need one connection; the last to close ends it."""
    opened = [Tract.open(counted_url, name=f"agent{n}", workspace=f"w{n % 2}") for n in range(6)]
    for t in opened:
        t.user("hello")
    during = connection_count(counted_url)
    for t in opened:
        t.close()

    with Tract.open(counted_url) as t:
        after = connection_count(counted_url)

    assert (during, after) == (1, 1)


def test_a_closed_tract_is_closed(postgres_url: str) -> None:
    """Also where another one keeps the pool open."""
    with Tract.open(postgres_url) as kept:
        t = Tract.open(postgres_url)
        t.close()
        t.close()

        with pytest.raises(StorageError, match="closed"):
            t.user("x")
        kept.user("y")


def test_threads_share_a_tract(postgres_url: str) -> None:
    """Eight threads append at once: all is there, once, in one line."""
    ready = threading.Barrier(8)
    with Tract.open(postgres_url, durability="normal") as t, ThreadPoolExecutor(8) as threads:

        def write(writer: int) -> None:
            ready.wait()
            for n in range(10):
                t.user(f"{writer} {n}")

        list(threads.map(write, range(8)))

        assert sorted(texts(t)) == sorted(f"{writer} {n}" for writer in range(8) for n in range(10))
        assert len(t.log()) == 80


def test_a_fork_must_open_anew(postgres_url: str) -> None:
    """In the child the parent's tract is a typed error, and a new one works; the parent goes on."""
    with Tract.open(postgres_url) as t:
        t.user("parent")

        def in_child() -> None:
            with pytest.raises(StorageError, match="fork"):
                t.user("x")
            with pytest.raises(StorageError, match="fork"):
                t.compile()
            with Tract.open(postgres_url) as own:
                own.user("child")
            t.close()

        assert run_in_child(in_child) == 0
        t.user("again")

        assert texts(t) == ["parent", "child", "again"]


def test_a_session_that_the_server_ends_is_made_anew(postgres_url: str) -> None:
    """An administrator ends every idle connection: the next verb notices nothing."""
    with Tract.open(postgres_url) as t:
        t.user("one")
        (pid,) = database_of(t).read("SELECT pg_backend_pid()", {})[0]
        ask(postgres_url, "SELECT pg_terminate_backend(%s)", pid)

        t.user("two")

        assert texts(t) == ["one", "two"]


def test_a_server_that_does_not_answer_is_given_up(postgres_url: str) -> None:
    """A network that keeps quiet at COMMIT, and for good, is a typed error within the time that the URL gives."""
    with (
        proxied(postgres_url, lambda n: "mute before" if n >= 5 else None) as (url, _),
        Tract.open(with_query(url, answer_seconds="1", away_seconds="1", connect_timeout="2")) as t,
        pytest.raises(StorageError, match="did not answer"),
    ):
        for n in range(10):
            t.user(f"message {n}")


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """A server that only this test uses."""
    with own_server() as started:
        yield started


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_restarts_loses_nothing(server: OwnServer, how: signal.Signals) -> None:
    """Stopped and started again, or crashed, while four threads write: what was acknowledged is there, once."""
    acknowledged: list[str] = []
    stopped = threading.Event()
    some = threading.Semaphore(0)

    def write(writer: int) -> None:
        n = 0
        while not stopped.is_set():
            acknowledged.append(str(t.user(f"{writer} {n}").message_id))
            some.release()
            n += 1

    with Tract.open(server.url) as t, ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write, writer) for writer in range(4)]
        try:
            for _ in range(2):
                for _ in range(20):
                    some.acquire(timeout=30)
                server.stop(how)
                server.start()
            for _ in range(20):
                some.acquire(timeout=30)
        finally:
            stopped.set()
        for writer in writers:
            writer.result()

        found = t.compile().message_ids

        assert sorted(found) == sorted(acknowledged)
        assert len(set(found)) == len(found)
        assert t.fsck().faults == ()


def test_a_server_that_stays_away_is_an_error(server: OwnServer) -> None:
    """StorageError within the time that the URL gives; when it is back the same object goes on."""
    with Tract.open(with_query(server.url, away_seconds="1")) as t:
        t.user("one")
        server.stop()
        with pytest.raises(StorageError):
            t.user("two")
        server.start()

        t.user("three")

        assert texts(t) == ["one", "three"]


@pytest.fixture
def role(postgres_url: str) -> Iterator[tuple[str, str]]:
    """Another role, without any right, and the URL with which it comes."""
    name, password = f"role_{secrets.token_hex(4)}", secrets.token_hex(8)
    ask(postgres_url, f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    yield name, with_query(postgres_url, user=name, password=password)
    ask(postgres_url, f"DROP OWNED BY {name}")
    ask(postgres_url, f"DROP ROLE {name}")


def test_a_role_that_owns_nothing_but_a_schema_works(postgres_url: str, role: tuple[str, str]) -> None:
    """Rights on a schema that is there are enough to make a store in it."""
    name, url = role
    ask(postgres_url, f"CREATE SCHEMA {schema_of(url)}")
    ask(postgres_url, f"GRANT USAGE, CREATE ON SCHEMA {schema_of(url)} TO {name}")

    with Tract.open(url) as t:
        t.user("hello")

        assert texts(t) == ["hello"]
        assert t.fsck().faults == ()


def test_a_role_with_rights_on_the_rows_works(postgres_url: str, role: tuple[str, str]) -> None:
    """Who may not make tables writes into those that are there."""
    name, url = role
    schema = schema_of(url)
    Tract.open(postgres_url).close()
    ask(postgres_url, f"GRANT USAGE ON SCHEMA {schema} TO {name}")
    ask(postgres_url, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name}")
    ask(postgres_url, f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {name}")

    with Tract.open(url, name="another") as t:
        t.user("hello")
        t.switch("b", create=True)

        assert texts(t) == ["hello"]


def test_a_role_that_may_only_read_reads(postgres_url: str, role: tuple[str, str], empty: Shell) -> None:
    """From Python and from the command line; a write is a ReadOnlyError."""
    name, url = role
    with Tract.open(postgres_url) as t:
        t.user("hello")
    ask(postgres_url, f"GRANT USAGE ON SCHEMA {schema_of(url)} TO {name}")
    ask(postgres_url, f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema_of(url)} TO {name}")

    with Tract.open(url) as t:
        assert texts(t) == ["hello"]
        with pytest.raises(ReadOnlyError):
            t.user("x")
    assert "hello" in empty.run("--db", url, "compile", "--openai").out
    assert "permission denied" in empty.fails("--db", url, "add", "user", "x")


def test_a_role_without_rights_is_refused(role: tuple[str, str]) -> None:
    """Making a schema takes a right on the database."""
    _, url = role

    with pytest.raises(StorageError, match="permission denied"):
        Tract.open(url)


@pytest.mark.parametrize("user", ["as it is", "ordinary"])
def test_a_server_starts_as_root_and_as_an_ordinary_user(user: str) -> None:
    """PostgreSQL refuses to run as root, so the tests' server changes its user where it must."""

    def use(programs: Path | None) -> None:
        with own_server(programs) as server, psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    def as_nobody(programs: Path, folder: Path) -> None:
        tempfile.tempdir = str(folder)
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        use(programs)

    if user == "ordinary" and os.geteuid() == 0:
        with own_server() as server:
            programs, folder = server.programs, server.folder
            assert run_in_child(lambda: as_nobody(programs, folder)) == 0
    else:
        use(None)
