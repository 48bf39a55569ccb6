"""Which store a command works on."""

import os
import stat
from pathlib import Path

import pytest

from cli_support import Shell


def test_init_makes_a_folder_that_git_ignores_and_others_cannot_read(empty: Shell) -> None:
    """`init` makes .tract with mode 0700, a database in it, and a .gitignore of everything."""
    done = empty.run("init")

    folder = empty.folder / ".tract"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    assert stat.S_IMODE((folder / "tract.db").stat().st_mode) == 0o600
    assert done.lines == [f"made a tract in {folder}"]


def test_init_twice_loses_nothing(shell: Shell) -> None:
    """A second `init` says that the tract was there, and leaves it as it was."""
    shell.says("user", "hello")

    done = shell.run("init")

    assert done.out.startswith("there was already a tract")
    assert shell.texts() == ["hello"]


def test_init_makes_missing_folders_and_takes_a_first_branch(empty: Shell) -> None:
    """`init DIRECTORY -b NAME` makes the directory, and stands on that branch."""
    empty.run("init", "a/b", "-b", "trunk")

    assert empty.run("-C", "a/b", "status", "--json").json["branch"] == "trunk"


def test_the_folder_is_found_from_below(shell: Shell) -> None:
    """A command finds the nearest .tract above where it starts."""
    shell.says("user", "hello")
    (shell.folder / "deep" / "er").mkdir(parents=True)

    done = shell.run("-C", "deep", "-C", "er", "compile", "--openai")

    assert done.json == [{"role": "user", "content": "hello"}]


def test_the_nearest_folder_wins(shell: Shell) -> None:
    """A tract inside another's folder is its own."""
    shell.says("user", "outer")
    shell.run("init", "inner")

    assert shell.run("-C", "inner", "compile", "--openai").json == []


def test_a_command_leaves_the_working_directory_as_it_was(shell: Shell) -> None:
    """-C holds for one command."""
    before = Path.cwd()

    shell.run("status")

    assert Path.cwd() == before


@pytest.mark.parametrize("given", ["option", "variable"])
def test_a_store_can_be_named(empty: Shell, given: str) -> None:
    """--db and TRACT_DB name a store; `init` makes it, and no .tract is looked for."""
    if given == "variable":
        empty.monkeypatch.setenv("TRACT_DB", "work.db")
    options = ["--db", "work.db"] if given == "option" else []

    empty.run(*options, "init")
    empty.run(*options, "add", "user", "hello")

    assert empty.run(*options, "compile", "--openai").json == [{"role": "user", "content": "hello"}]
    assert {path.name for path in empty.folder.iterdir()} >= {"work.db"}
    assert not (empty.folder / ".tract").exists()


def test_a_url_names_a_store_too(empty: Shell) -> None:
    """--db takes a SQLAlchemy URL."""
    url = f"sqlite:///{empty.folder / 'work.db'}"

    empty.run("--db", url, "init")

    assert empty.run("--db", url, "status", "--json").json["message_count"] == 0


def test_the_option_goes_before_the_variable(shell: Shell) -> None:
    """--db wins over TRACT_DB."""
    shell.says("user", "hello")
    shell.monkeypatch.setenv("TRACT_DB", "elsewhere.db")

    assert shell.run("--db", ".tract/tract.db", "status", "--json").json["message_count"] == 1


@pytest.mark.parametrize("arguments", [["log"], ["add", "user", "hi"], ["--db", "nothing.db", "add", "user", "hi"]])
def test_no_command_but_init_makes_a_store(empty: Shell, arguments: list[str]) -> None:
    """Where there is no store, a command says so and makes none."""
    error = empty.fails(*arguments)

    assert error.startswith("there is no")
    assert list(empty.folder.iterdir()) == []


def test_a_folder_without_its_database_is_no_tract(empty: Shell) -> None:
    """An empty .tract folder is told apart from a store."""
    (empty.folder / ".tract").mkdir()

    assert "there is no store in" in empty.fails("log")


def test_a_folder_that_is_not_there_is_a_usage_error(empty: Shell) -> None:
    """-C to nowhere is one line and exit code 2."""
    assert "cannot go to 'nowhere'" in empty.fails("-C", "nowhere", "log", code=2)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_a_folder_of_another_user_is_not_worked_on(shell: Shell) -> None:
    """A .tract folder that somebody else put above us could collect what we record."""
    os.chown(shell.folder / ".tract", 12345, 12345)

    assert "belongs to another user" in shell.fails("add", "user", "secret")


def test_two_tracts_in_one_store_are_apart(shell: Shell) -> None:
    """--tract names another tract in the same store."""
    shell.run("--tract", "second", "add", "user", "there")

    assert shell.texts() == []
    assert shell.run("--tract", "second", "compile", "--openai").json == [{"role": "user", "content": "there"}]


def test_workspaces_do_not_move_each_others_branch(shell: Shell) -> None:
    """`switch` in one workspace leaves the other where it was."""
    shell.says("user", "hello")

    shell.run("--workspace", "mine", "switch", "-c", "other")

    assert shell.run("status", "--json").json["branch"] == "main"
    assert shell.run("--workspace", "mine", "status", "--json").json["branch"] == "other"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user, whom permissions bind")
def test_what_cannot_be_written_can_be_read(shell: Shell) -> None:
    """Reading commands work on a store that this user may only read; writing ones say so, and change nothing."""
    shell.says("user", "hello")
    shell.run("fsck")
    for folder in (shell.folder, shell.folder / ".tract", *shell.folder.parents[:3]):
        folder.chmod(0o755)
    (shell.folder / ".tract" / "tract.db").chmod(0o644)
    database = str(shell.folder / ".tract" / "tract.db")

    os.setresuid(65534, 65534, 0)
    try:
        shown = [shell.run("--db", database, *arguments) for arguments in (["compile", "--openai"], ["log"], ["tag"])]
        refused = shell.fails("--db", database, "add", "user", "more")
    finally:
        os.setresuid(0, 0, 0)

    assert shown[0].json == [{"role": "user", "content": "hello"}]
    assert "cannot be written" in refused
    assert shell.texts() == ["hello"]
