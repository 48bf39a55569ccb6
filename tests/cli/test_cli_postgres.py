"""The command line on a store in PostgreSQL."""

import pytest

from cli_support import Shell


@pytest.fixture
def served(empty: Shell, postgres_url: str) -> Shell:
    """A folder without a tract, where TRACT_DB names a new store in PostgreSQL."""
    empty.monkeypatch.setenv("TRACT_DB", postgres_url)
    empty.run("init")
    return empty


def test_a_conversation_branches_and_merges(served: Shell) -> None:
    """The same commands, and nothing in the folder."""
    served.says("user", "hello")
    served.run("switch", "-c", "try-it")
    served.says("assistant", "there")
    served.run("switch", "main")
    served.says("user", "again")

    served.run("merge", "try-it")

    assert sorted(served.texts()) == ["again", "hello", "there"]
    assert served.run("fsck").code == 0
    assert list(served.folder.iterdir()) == []


def test_a_merge_that_waits_is_finished_by_another_command(served: Shell) -> None:
    """What conflicts stands in the store, where the next connection finds it."""
    message_id = served.says("user", "by train")
    served.run("switch", "-c", "other")
    served.run("edit", message_id, "by bus")
    served.run("switch", "main")
    served.run("edit", message_id, "by boat")
    served.run("merge", "other", code=1)

    served.run("resolve", "--theirs")
    served.run("merge", "--continue")

    assert served.texts() == ["by bus"]


def test_the_option_names_a_store_too(empty: Shell, postgres_url: str) -> None:
    """--db takes the URL, in a process of its own."""
    empty.run("--db", postgres_url, "init")
    empty.run("--db", postgres_url, "add", "user", "hello")

    done = empty.process("--db", postgres_url, "compile", "--openai")

    assert b"hello" in done.stdout, done


@pytest.mark.parametrize("command", [["log"], ["add", "user", "hello"], ["fsck"]])
def test_no_command_but_init_makes_a_store(empty: Shell, postgres_url: str, command: list[str]) -> None:
    """A schema that is not there is said so, and is not there afterwards either."""
    first = empty.fails("--db", postgres_url, *command)
    second = empty.fails("--db", postgres_url, "status")

    assert first.startswith("no store at postgresql://")
    assert second == first


def test_an_absent_sqlite_url_is_no_store_either(empty: Shell) -> None:
    """A URL of a file that is not there makes none."""
    assert empty.fails("--db", "sqlite:///nothing.db", "log").startswith("no store at")
    assert list(empty.folder.iterdir()) == []


def test_a_server_that_cannot_be_reached_is_one_line(empty: Shell) -> None:
    """The line names the server."""
    error = empty.fails("--db", "postgresql:///db?host=/nowhere/at/all", "log")

    assert "/nowhere/at/all" in error
