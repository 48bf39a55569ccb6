"""A SQLite store's file: made, opened, refused, and left alone."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from storage_support import ABSENT, MAIN, append, line, message, publish, run_in_child
from tract.exceptions import BusyError, CorruptionError, ReadOnlyError, SchemaVersionError, StorageError
from tract.protocols import RefMove, TokenCount
from tract.storage.sql import SqlStore
from tract.storage.sqlite import open_sqlite


def test_a_store_is_found_again(path: Path) -> None:
    """What was written before closing is there after opening."""
    with open_sqlite(path) as store:
        made = append(store, "hello")

    with open_sqlite(path) as store:
        tip = store.find_tip(MAIN)

    assert tip is not None
    assert tip.commit == made


def test_two_stores_on_one_file_see_each_other(path: Path) -> None:
    """A write of one is read by the other at once, also in encodings it has not seen."""
    with open_sqlite(path) as one, open_sqlite(path) as two:
        made = append(one, "hello")
        blob = message("counted", strange_base=5)
        publish(one, [blob])

        tip = two.find_tip(MAIN)
        assert tip is not None
        assert tip.commit == made
        assert two.token_counts([blob.id], "strange_base") == {blob.id: TokenCount(5, True)}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277, 0o777])
def test_only_the_owner_can_read_the_files(path: Path, mask: int) -> None:
    """The database, its log and its index have mode 0600 whatever the umask."""
    before = os.umask(mask)
    try:
        with open_sqlite(path) as store:
            append(store, "secret")
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)

    assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


def test_no_file_is_left_beside_a_closed_store(path: Path) -> None:
    """Closing puts all into the one file."""
    with open_sqlite(path) as store:
        append(store, "hello")

    assert [file.name for file in path.parent.iterdir()] == ["store.db"]


def test_an_odd_name_is_a_name(tmp_path: Path) -> None:
    """A path is a path, whatever its characters mean in a URL."""
    for name in ("a b", "a?mode=ro", "a#b", "a%20b", "é", ":memory:", "file:x"):
        with open_sqlite(tmp_path / name) as store:
            append(store, "hello")

        assert (tmp_path / name).is_file()


def test_a_store_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    """A directory, a missing directory, a path with NUL, and an unknown durability are storage errors."""
    for odd in (tmp_path, tmp_path / "missing" / "store.db", "a\0b"):
        with pytest.raises(StorageError):
            open_sqlite(odd)
    with pytest.raises(StorageError, match="durability"):
        open_sqlite(tmp_path / "store.db", durability="half")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_reading_only_changes_nothing(path: Path) -> None:
    """A store opened read-only answers, refuses to write, and drops counts; the file stays as it was."""
    with open_sqlite(path) as store:
        made = append(store, "hello")
    before = path.read_bytes()

    with open_sqlite(path, read_only=True) as store:
        tip = store.find_tip(MAIN)
        with pytest.raises(ReadOnlyError):
            append(store, "more")
        store.save_token_counts("o200k_base", {ABSENT: TokenCount(1, True)})
        store.save_token_counts("unheard_of", {ABSENT: TokenCount(1, True)})
        faults = list(store.check())

    assert tip is not None
    assert (tip.commit, faults) == (made, [])
    assert path.read_bytes() == before


def test_reading_only_makes_nothing(path: Path) -> None:
    """A file or a tract that is not there is not made."""
    with pytest.raises(StorageError):
        open_sqlite(path, read_only=True)
    assert not path.exists()

    open_sqlite(path).close()
    with open_sqlite(path, tract="other", read_only=True) as store:
        assert store.find_tip(MAIN) is None
        assert store.tracts() == ["default"]
        with pytest.raises(ReadOnlyError):
            append(store, "hello")


def test_reading_only_sees_what_others_write(path: Path) -> None:
    """A reader follows a writer, also in a tract made after it was opened."""
    open_sqlite(path).close()
    with open_sqlite(path, tract="later", read_only=True) as reader, open_sqlite(path, tract="later") as writer:
        made = append(writer, "hello")

        tip = reader.find_tip(MAIN)

    assert tip is not None
    assert tip.commit == made


def test_a_directory_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    """A store of another user's is read, and opening it to write is a ReadOnlyError."""
    path = tmp_path / "store.db"
    with open_sqlite(path) as store:
        append(store, "hello")
    folders = [(folder, folder.stat().st_mode) for folder in (tmp_path, *tmp_path.parents[:3])]
    path.chmod(0o444)
    for folder, _ in folders:
        folder.chmod(0o555)

    def read_as_another() -> None:
        if os.geteuid() == 0:
            os.setuid(65534)
        with open_sqlite(path, read_only=True) as store:
            assert list(store.refs("")) == [MAIN]
        with pytest.raises(ReadOnlyError):
            open_sqlite(path)

    try:
        assert run_in_child(read_as_another) == 0
    finally:
        for folder, mode in folders:
            folder.chmod(mode)


def test_a_newer_schema_is_refused(path: Path) -> None:
    """A store made by a later version is named, and left as it is."""
    open_sqlite(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    for read_only in (False, True):
        with pytest.raises(SchemaVersionError) as caught:
            open_sqlite(path, read_only=read_only)
        assert (caught.value.found, caught.value.supported) == (99, 1)


def test_another_programs_database_is_refused(path: Path) -> None:
    """A SQLite file with tables of its own is left alone."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(SchemaVersionError, match="another program"):
        open_sqlite(path)

    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"x", b"a note\n" * 20, b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000, b"\0" * 8192]
)
def test_garbage_is_corruption(path: Path, content: bytes) -> None:
    """A file that is no database is a CorruptionError, and stays as it is."""
    path.write_bytes(content)

    for read_only in (False, True):
        with pytest.raises(CorruptionError):
            open_sqlite(path, read_only=read_only)

    assert path.read_bytes() == content


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    """A file of no bytes is a store that was not made yet, as after a crash at the very start."""
    path.touch()

    with open_sqlite(path) as store:
        append(store, "hello")

        assert list(store.check()) == []


def test_a_locked_store_is_busy(path: Path, sqlite_store: SqlStore) -> None:
    """After the wait budget a BusyError, nothing written, and the same store works when the lock is gone."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with open_sqlite(path, busy_seconds=0.1) as store:
        with pytest.raises(BusyError):
            append(store, "hello")
        store.save_token_counts("o200k_base", {ABSENT: TokenCount(1, True)})
        other.execute("ROLLBACK")
        other.close()

        append(store, "hello")

        assert len(sqlite_store.moves()) == 1


FULL_DISK = """
import resource, signal, sys
sys.path.insert(0, sys.argv[2])
from storage_support import MAIN, append, message, publish
from tract.exceptions import StorageError
from tract.storage.sqlite import open_sqlite
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open_sqlite(sys.argv[1], durability="normal") as store:
    made = append(store, "before")
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    try:
        publish(store, [message("x" * 1_000_000)], name="large")
    except StorageError as error:
        print(type(error).__name__)
    assert store.find_tip(MAIN).commit == made
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    publish(store, [message("x" * 1_000_000)], name="large")
    append(store, "after")
    print(len(store.moves()), list(store.check()))
"""


def test_a_full_disk_is_an_error_and_no_more(path: Path) -> None:
    """A write that finds no room fails whole; the same store goes on when there is room."""
    here = str(Path(__file__).parents[1] / "support")

    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), here], capture_output=True, text=True, check=False
    )

    assert done.stdout == "StorageError\n2 []\n", done.stderr


def test_a_fork_cannot_use_the_store(sqlite_store: SqlStore) -> None:
    """A child gets a StorageError from every use, may close, and the parent's store goes on."""
    append(sqlite_store, "before")

    def use() -> None:
        with pytest.raises(StorageError):
            sqlite_store.find_tip(MAIN)
        sqlite_store.close()

    code = run_in_child(use)
    append(sqlite_store, "after")

    assert code == 0
    assert len(sqlite_store.moves()) == 2
    assert list(sqlite_store.check()) == []


class Interrupting(bytes):
    """Bytes that the user interrupts the writing of."""

    def __conform__(self, _: object) -> object:
        raise KeyboardInterrupt


def test_an_interrupt_leaves_nothing(sqlite_store: SqlStore) -> None:
    """An interrupt in the middle of an operation rolls it back and gives the lock up."""
    blob, (made,) = message("hello"), line(1)
    move = RefMove(MAIN, None, made.commit.id)

    with pytest.raises(KeyboardInterrupt):
        publish(sqlite_store, [blob, made._replace(payload=Interrupting(made.payload))], move)

    assert sqlite_store.blobs([blob.id]) == {}
    publish(sqlite_store, [blob, made], move)
    assert sqlite_store.find_ref(MAIN) == made.commit.id
