"""The commands undo, redo and op."""

from cli_support import Shell


def test_undo_and_redo_say_what_they_did(shell: Shell) -> None:
    """The context goes back and forward."""
    shell.says("user", "one")
    shell.says("user", "two")

    undone = shell.run("--author", "Ada", "undo")

    assert undone.out.startswith("undid ")
    assert " append  " in undone.out
    assert shell.texts() == ["one"]
    assert shell.run("redo").out.startswith("did again ")
    assert shell.texts() == ["one", "two"]


def test_several_operations_at_once(shell: Shell) -> None:
    """A line for each, or one JSON document."""
    for text in ("one", "two", "three"):
        shell.says("user", text)

    assert len(shell.run("undo", "2").lines) == 2
    assert shell.texts() == ["one"]
    assert [entry["kind"] for entry in shell.run("redo", "2", "--json").json] == ["append", "append"]


def test_a_switch_is_undone(shell: Shell) -> None:
    """The workspace stands where it stood."""
    shell.says("user", "one")
    shell.run("switch", "-c", "other")

    shell.run("undo")

    assert shell.run("status").lines[0].startswith("On branch main at ")
    assert [branch["name"] for branch in shell.run("branch", "--json").json] == ["main"]


def test_the_log_lists_what_was_done(shell: Shell) -> None:
    """Newest first, with the refs that moved."""
    shell.says("user", "one")
    shell.run("tag", "v1")
    shell.run("undo")

    undo, tag, append = shell.run("op", "log", "--json").json

    assert (undo["kind"], undo["subject_id"]) == ("undo", tag["id"])
    assert tag["moves"] == [{"ref": "tags/v1", "old": None, "new": shell.head()}]
    assert append["moves"][0]["ref"] == "heads/main"
    lines = shell.run("op", "log", "-n", "1").lines
    assert lines[0].startswith(f"{undo['id'][:8]} undo {tag['id'][:8]}  ")
    assert lines[1] == f"    tags/v1 {shell.head()[:8]} -> --------"


def test_one_operation_is_reverted(shell: Shell) -> None:
    """By its id; where the branch moved on, that is refused in one line."""
    shell.says("user", "one")
    shell.run("tag", "v1")
    shell.says("user", "two")
    _, tag, append = shell.run("op", "log", "--json").json

    shell.run("op", "revert", tag["id"][:10])

    assert shell.run("tag").out == ""
    assert "heads/main moved since" in shell.fails("op", "revert", append["id"])
    assert "no operation" in shell.fails("op", "revert", "0" * 64)


def test_nothing_to_undo_is_an_error(shell: Shell) -> None:
    """So is nothing to redo, and a number below one is a wrong command line."""
    shell.says("user", "one")

    assert "2 to undo were wanted, and the log has 1" in shell.fails("undo", "2")
    assert "the log has none" in shell.fails("redo")
    shell.run("undo", "0", code=2)
