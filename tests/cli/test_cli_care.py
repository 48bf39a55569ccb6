"""The commands that care: fsck, completion, and help."""

import json
import re
import subprocess
from collections.abc import Iterator

import click
import pytest

from cli_support import Shell, conflicted
from tract.cli import hints
from tract.cli.app import FAMILIES, app


def completed(shell: Shell, line: str) -> list[str]:
    """Return what bash is offered behind a half-written line."""
    words = line.split(" ")
    environment = {
        "_TRACT_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    with shell.monkeypatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.chdir(shell.folder)
        done = shell.run()
    return [line.split(",", 1)[1] for line in done.lines if line]


def test_a_whole_store_is_clean(shell: Shell) -> None:
    """fsck finds nothing wrong in a store with a merge that waits."""
    conflicted(shell)
    shell.run("merge", "other", code=1)

    assert shell.run("fsck").lines == ["clean"]
    assert shell.run("fsck", "--json").json == {"is_clean": True, "faults": [], "purged": [], "repaired": 0}


def test_a_damaged_store_is_told_of(shell: Shell) -> None:
    """fsck ends with 1 and names what is wrong; reading it is one line too."""
    shell.says("user", "a text that is easily found")
    database = shell.folder / ".tract" / "tract.db"
    whole = database.read_bytes()
    for file in database.parent.glob("tract.db-*"):
        file.unlink()
    assert b"easily found" in whole
    database.write_bytes(whole.replace(b"easily found", b"hardly found"))

    done = shell.run("fsck", code=1)
    report = shell.run("fsck", "--json", code=1).json

    assert done.lines[-1].endswith("found")
    assert report["is_clean"] is False
    assert set(report["faults"][0]) == {"where", "problem"}
    shell.fails("compile")


def test_a_file_that_is_no_database_is_told_of(shell: Shell) -> None:
    """Every command refuses it in one line."""
    (shell.folder / "notes.db").write_bytes(b"these are my notes, and no database at all\n" * 99)

    for arguments in (["log"], ["add", "user", "hi"], ["fsck"], ["init"]):
        shell.fails("--db", "notes.db", *arguments)


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: Shell, name: str) -> None:
    """`completion SHELL` prints a script that calls tract."""
    assert "_TRACT_COMPLETE" in shell.run("completion", name).out


def test_the_bash_script_is_one_that_bash_reads(shell: Shell) -> None:
    """bash accepts what `completion bash` prints."""
    script = shell.run("completion", "bash").out

    subprocess.run(["bash", "-n"], input=script.encode(), check=True, timeout=60)


def test_commands_and_options_are_completed(empty: Shell) -> None:
    """Names of commands and of options are offered, where there is no tract too."""
    assert completed(empty, "tract comp") == ["compile", "completion", "compress"]
    assert "--graph" in completed(empty, "tract log --g")
    assert completed(empty, "tract switch ma") == []


def test_names_are_completed(shell: Shell) -> None:
    """Branches, tags, messages and conflicts are offered where they can stand."""
    message_id = conflicted(shell)
    shell.run("tag", "v1")
    shell.run("branch", "ma;rm")
    shell.run("merge", "other", code=1)
    (conflict,) = shell.run("conflicts", "--json").json

    assert completed(shell, "tract switch ") == ["main", "other"]
    assert completed(shell, "tract log v") == ["v1"]
    assert completed(shell, "tract diff main..o") == ["main..other"]
    assert completed(shell, "tract tag -d ") == ["v1"]
    assert completed(shell, f"tract edit {message_id[:2]}") == [message_id[:12]]
    assert completed(shell, "tract resolve ") == [conflict["id"][:12]]
    assert completed(shell, f"tract --db {shell.folder}/nothing.db switch ma") == []


def test_every_command_is_in_one_family_and_says_what_it_does(empty: Shell) -> None:
    """The help lists every command, each with a line that fits."""
    listed = [name for names in FAMILIES.values() for name in names]
    lines = empty.run("--help").lines

    assert sorted(listed) == sorted(app.commands)
    for name in listed:
        (line,) = [line for line in lines if line.startswith(f"  {name} ")]
        assert line.endswith(".")
        assert not line.endswith("...")


# They make places, go somewhere, print what is no document of tract's, or are read by a person alone.
WITHOUT_JSON = {
    *("clone", "completion", "demo", "export", "init", "remote add", "remote rm"),
    *("reset", "spawn", "switch", "workspace rm"),
}


def commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def test_every_command_that_reads_prints_json() -> None:
    """`--json` is an option of all commands, but for a few that have nothing to tell."""
    without = {name for name, command in commands(app) if not any("--json" in each.opts for each in command.params)}

    assert without == WITHOUT_JSON


@pytest.mark.parametrize("name", sorted(app.commands))
def test_every_command_has_help(empty: Shell, name: str) -> None:
    """`tract COMMAND --help` works anywhere."""
    assert empty.run(name, "--help").out.startswith(f"Usage: tract {name}")


def test_hints_name_commands_that_there_are() -> None:
    """No hint sends anybody to a command or an option that is not there."""
    for hint in hints.HINTS.values():
        for name in re.findall(r"'tract (\w+)", hint):
            assert name in app.commands
        for option in re.findall(r"--[a-z-]+", hint):
            parameters = [parameter for command in app.commands.values() for parameter in command.params]
            known = {each for parameter in (*parameters, *app.params) for each in parameter.opts} | {"--help"}
            assert option in known


def test_an_ambiguous_id_gets_its_candidates_as_a_hint(shell: Shell) -> None:
    """What several messages share is answered with what it could be."""
    messages = [{"role": "user", "content": str(number)} for number in range(600)]
    ids = shell.run("import", "-", "--json", stdin=json.dumps(messages)).json[0]["message_ids"]
    prefixes = [key[:4] for key in ids]
    shared = next(prefix for prefix in prefixes if prefixes.count(prefix) > 1)

    done = shell.run("history", shared, code=1)

    candidates = [key[:12] for key in ids if key.startswith(shared)]
    assert done.err.splitlines()[0].startswith("error: several messages begin with")
    assert sorted(done.err.splitlines()[1].removeprefix("hint: it could be ").split(", ")) == sorted(candidates)


def test_garbage_is_listed_and_deleted(shell: Shell) -> None:
    """A dry run lists it by kind; without, it is deleted, and what is left is whole."""
    shell.says("user", "one")
    shell.says("user", "two")
    lost = shell.head()
    shell.run("reset", "HEAD^")

    assert shell.run("gc").lines == ["deleted 0 commits, 0 messages, 0 records: 0 bytes"]
    listed = shell.run("gc", "--keep", "0s", "--dry-run").lines
    assert listed[0] == f"commit {lost[:8]}"
    assert listed[-1].startswith("would delete 1 commit, 1 message, ")
    done = shell.run("gc", "--keep", "0s", "--json").json
    assert (done["commits"], len(done["messages"]), done["dry_run"]) == ([lost], 1, False)
    assert shell.texts() == ["one"]
    assert shell.run("fsck").lines == ["clean"]


def test_a_span_that_means_nothing_is_a_clear_error(shell: Shell) -> None:
    """Nothing is deleted."""
    assert "time span" in shell.fails("gc", "--keep", "soon")


def test_a_purge_asks_first(shell: Shell) -> None:
    """Where nobody can be asked it does nothing; with --yes it overwrites, and fsck says so."""
    message_id = shell.says("user", "the key sk-123")

    assert "nobody to ask" in shell.fails("purge", message_id[:8], code=2)
    assert shell.run("purge", message_id, "--dry-run").lines == [
        f"1 version of message {message_id[:8]} would be purged"
    ]
    assert shell.texts() == ["the key sk-123"]
    assert shell.run("purge", message_id, "--yes", "--json").json["done"] is True
    assert shell.texts() == ["[purged]"]
    assert shell.run("fsck").lines == ["clean; 1 object purged"]
