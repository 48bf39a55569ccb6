"""The commands blame, bisect and grep."""

import json
import sys
from pathlib import Path

from cli_support import Shell

CHECK = """
import json, os, sys
messages = json.load(sys.stdin)
with open("seen", "a") as seen:
    seen.write(os.environ["TRACT_COMMIT"] + "\\n")
print("noise")
if len(messages) == {skip}:
    sys.exit(125)
sys.exit(3 if any("bad" in message["content"] for message in messages) else 0)
"""


def _turns(shell: Shell, skip: int = 0) -> list[str]:
    """Say eight things, the sixth of them bad, write the check, and return the commits."""
    (shell.folder / "check.py").write_text(CHECK.replace("{skip}", str(skip)), encoding="utf-8")
    ids = []
    for n in range(8):
        shell.says("user", f"turn {n}{' bad' if n == 5 else ''}")
        ids.append(shell.head())
    return ids


def test_blame_shows_each_line(shell: Shell) -> None:
    """With the commit, who, when, and the line's number."""
    message_id = shell.says("user", "one\ntwo")
    first = shell.head()
    shell.run("--author", "Bob", "edit", message_id, "one\n2")

    lines = shell.run("blame", message_id).lines
    found = shell.run("blame", message_id, "--json").json

    assert lines[0].startswith(f"message {message_id[:8]} by {first[:8]}  append  ")
    assert lines[1].startswith(f"{first[:8]}  append  ")
    assert lines[1].endswith("  1  one")
    assert "  edit  Bob  " in lines[2]
    assert [(line["text"], line["kind"], line["author"]) for line in found["lines"]] == [
        ("one", "append", ""),
        ("2", "edit", "Bob"),
    ]
    assert found["commit_id"] == first
    assert shell.run("blame", message_id, "--at", first).lines[-1].endswith("  2  two")


def test_bisect_runs_a_command(shell: Shell) -> None:
    """On standard input it gets the context, in the environment the commit."""
    ids = _turns(shell)

    done = shell.process("bisect", "run", "--good", ids[0], sys.executable, "check.py")

    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines() == [f"{ids[5][:8]} is the first bad commit: user"]
    seen = Path(shell.folder, "seen").read_text("utf-8").split()
    assert set(seen) <= set(ids[1:-1])
    assert len(seen) == len(set(seen)) <= 3
    assert done.stderr.decode().count("noise") == len(seen)
    assert f"{ids[5][:8]} is bad" in done.stderr.decode()


def test_bisect_says_where_it_could_not_tell(shell: Shell) -> None:
    """125 is neither good nor bad."""
    ids = _turns(shell, skip=6)

    done = shell.process("bisect", "run", "--json", "--good", ids[0], "--bad", ids[7], "--", sys.executable, "check.py")

    found = json.loads(done.stdout)
    assert found["commit"] is None
    assert found["candidates"] == ids[5:7]
    assert {"commit_id": ids[5], "verdict": "skip"} in found["steps"]


def test_bisect_needs_a_command_that_runs(shell: Shell) -> None:
    """One that is not there is an error, and no verdict."""
    ids = _turns(shell)

    assert "no-such-command" in shell.fails("bisect", "run", "--good", ids[0], "no-such-command")
    shell.run("bisect", "run", "--good", ids[0], code=2)
    assert "is not before" in shell.fails("bisect", "run", "--good", ids[4], "--bad", ids[1], "true")


def test_search_finds_what_was_ever_said(shell: Shell) -> None:
    """Newest first, with where it was said; grep is another name."""
    message_id = shell.says("user", "How often may we retry?")
    first = shell.head()
    shell.run("--author", "Bob", "edit", message_id, "How often should we retry?")

    lines = shell.run("search", "retry", "often").lines
    assert [line for line in lines if line.startswith("    ")] == [
        "    How often should we retry?",
        "    How often may we retry?",
    ]
    assert lines[0].startswith(f"{shell.head()[:8]} user {message_id[:8]}  ")
    assert lines[0].endswith("  Bob")
    assert [hit["commit_id"] for hit in shell.run("grep", '"may we"', "--json").json] == [first]
    assert shell.run("search", "--current", "retr*", "--role", "user", "--json").json[0]["message"]["content"] == (
        "How often should we retry?"
    )


def test_nothing_found_ends_with_one(shell: Shell) -> None:
    """As grep does, without a word; with --json it is an empty list."""
    shell.says("user", "one")

    assert shell.run("search", "two", code=1).out == ""
    assert shell.run("search", "two", "--json", code=1).json == []
    assert "no branch" in shell.fails("search", "one", "--branch", "nowhere")
    shell.run("search", code=2)
