"""The commands notes and workspace."""

from cli_support import Shell


def test_notes_are_added_shown_and_removed(shell: Shell) -> None:
    """From an argument or standard input."""
    shell.says("user", "one")

    assert shell.run("notes", "add", "HEAD", "checked").out == f"noted on {shell.head()[:8]}\n"
    shell.run("notes", "add", "HEAD", "-F", "-", stdin="by hand\n")

    assert [note["text"] for note in shell.run("notes", "list", "--json").json] == ["checked", "by hand"]
    assert [line for line in shell.run("notes", "list", "main").lines if line.startswith("    ")] == [
        "    checked",
        "    by hand",
    ]
    assert shell.run("notes", "rm", "HEAD").out == "removed 2 notes\n"
    assert shell.run("notes", "list").out == ""


def test_workspaces_are_listed_and_forgotten(shell: Shell) -> None:
    """Never the one that the command runs in."""
    shell.says("user", "one")
    shell.run("--workspace", "web", "switch", "-c", "tabs")

    assert shell.run("workspace", "list").lines == ["* default main", "  web     tabs"]
    assert shell.run("--workspace", "web", "workspace", "list", "--json").json == [
        {"name": "web", "branch": "tabs", "is_current": True},
    ]
    assert "in use" in shell.fails("workspace", "rm", "default")
    assert shell.run("workspace", "rm", "web").out == "workspace web forgotten\n"
    assert shell.run("workspace", "list").lines == ["* default main"]
