"""The commands that carry conversations in and out: import and export."""

import json

import pytest

from cli_support import Shell

HELLO = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
RUNS = [{"title": f"talk {number}", "messages": [{"role": "user", "content": str(number)}]} for number in range(3)]


def test_import_says_what_it_added(shell: Shell) -> None:
    """A file is imported onto the current branch as one commit."""
    (shell.folder / "talk.json").write_text(json.dumps({"title": "a talk", "messages": HELLO}))

    done = shell.run("import", "talk.json", "-m", "from the file")

    assert done.lines == [f"main: added 2 messages of 'a talk' in {shell.head()[:8]}"]
    assert shell.run("compile", "--openai").json == HELLO
    assert shell.run("show", "--json").json["commit"]["message"] == "from the file"


def test_import_reads_standard_input(shell: Shell) -> None:
    """`-` is standard input, in any format that can be told by looking."""
    shell.run("import", "-", stdin="\n".join(map(json.dumps, HELLO)))

    assert shell.texts() == ["hello", "hi"]


def test_what_is_known_is_not_added_again(shell: Shell) -> None:
    """A conversation that grew adds only what is new, and one that did not adds nothing."""
    shell.run("import", "-", stdin=json.dumps(HELLO))
    grown = json.dumps([*HELLO, {"role": "user", "content": "bye"}])

    again = shell.run("import", "-", stdin=grown)
    third = shell.run("import", "-", stdin=grown)

    assert again.lines == [f"main: added 1 message; 2 known before in {shell.head()[:8]}"]
    assert third.lines == ["main: added 0 messages; 3 known before"]


def test_import_tells_what_it_repaired(shell: Shell) -> None:
    """Calls without results and results without calls are repaired, and said."""
    broken = [
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "user", "content": "go on"},
        {"role": "tool", "tool_call_id": "c9", "content": "late"},
    ]

    done = shell.run("import", "-", stdin=json.dumps(broken))

    assert done.lines[1:] == [
        "    repaired: 1 call without a result answered with '[no result]'",
        "    repaired: 1 result without a call kept, but skipped",
    ]
    assert shell.run("import", "-", "--json", stdin=json.dumps(broken)).json[0]["added"] == 0


def test_import_as_json(shell: Shell) -> None:
    """--json prints a list with a report for each conversation."""
    (report,) = shell.run("import", "-", "--json", stdin=json.dumps(RUNS[0])).json

    assert set(report) == {"branch", "title", "commit_id", "added", "message_ids", "unanswered", "orphans"}
    assert (report["branch"], report["title"], report["added"]) == ("main", "talk 0", 1)


def test_one_run_of_many(shell: Shell) -> None:
    """--run picks a conversation, counted from 1; without it a file of several is refused with a hint."""
    shell.run("import", "-", "--run", "2", stdin=json.dumps(RUNS))

    assert shell.texts() == ["1"]
    assert "3 conversations" in shell.fails("import", "-", stdin=json.dumps(RUNS))
    assert shell.fails("import", "-", "--run", "4", stdin=json.dumps(RUNS)) == "there is no run 4: - holds 3"


def test_every_run_on_its_own_branch_of_a_new_tract(shell: Shell) -> None:
    """--all gives each conversation a branch of its own with nothing below it, and stays where it was."""
    done = shell.run("import", "-", "--all", stdin=json.dumps(RUNS))

    assert [line.split(":")[0] for line in done.lines] == ["run-1", "run-2", "run-3"]
    assert [shell.texts(f"run-{number}") for number in (1, 2, 3)] == [["0"], ["1"], ["2"]]
    assert shell.run("status", "--json").json["branch"] == "main"
    assert shell.run("status", "--json").json["head_id"] is None


def test_every_run_on_its_own_branch_of_what_is_there(shell: Shell) -> None:
    """With history, the branches start where the current one stands, and can be merged."""
    shell.says("system", "be terse")

    shell.run("import", "-", "--all", "--branch-prefix", "t/", stdin=json.dumps(RUNS))
    shell.run("merge", "t/1")
    shell.run("merge", "t/2")

    assert shell.texts("t/3") == ["be terse", "2"]
    assert shell.texts() == ["be terse", "0", "1"]


def test_every_run_again_adds_nothing(shell: Shell) -> None:
    """The same file imported twice with --all finds its branches."""
    shell.run("import", "-", "--all", stdin=json.dumps(RUNS))

    again = shell.run("import", "-", "--all", "--json", stdin=json.dumps(RUNS)).json

    assert [(report["branch"], report["added"]) for report in again] == [("run-1", 0), ("run-2", 0), ("run-3", 0)]


def test_import_onto_a_branch(shell: Shell) -> None:
    """--branch goes to a branch first, and makes it --at a revision if it is not there."""
    shell.says("user", "one")
    shell.says("user", "two")

    shell.run("import", "-", "--branch", "side", "--at", "HEAD^", stdin=json.dumps(HELLO))

    assert shell.run("status", "--json").json["branch"] == "side"
    assert shell.texts() == ["one", "hello", "hi"]


@pytest.mark.parametrize("format", ["openai", "openai-jsonl", "anthropic"])
def test_what_goes_out_comes_in_again(shell: Shell, format: str) -> None:
    """An export in any shape is a conversation that can be imported."""
    shell.run("import", "-", stdin=json.dumps(HELLO))
    shell.run("export", "--format", format, "-o", "out.json")

    shell.run("-C", ".", "init", "copy")
    shell.run("-C", "copy", "import", "../out.json")

    assert shell.run("-C", "copy", "compile", "--openai").json == HELLO
    assert shell.run("export", "--format", format).out == (shell.folder / "out.json").read_text()


def test_export_of_a_revision(shell: Shell) -> None:
    """A revision may be named."""
    shell.says("user", "one")
    shell.says("user", "two")

    assert shell.run("export", "HEAD^").json == [{"role": "user", "content": "one"}]


@pytest.mark.parametrize(
    ("arguments", "data", "code"),
    [
        (["import"], b"", 2),
        (["import", "nowhere.json"], b"", 1),
        (["import", "."], b"", 1),
        (["import", "-"], b"", 1),
        (["import", "-"], b"{", 1),
        (["import", "-"], b"\xff\xfe", 1),
        (["import", "-"], b'"talk.json"', 1),
        (["import", "-"], b"[" * 100_000, 1),
        (["import", "-"], b'[{"role": "robot", "content": "x"}]', 1),
        (["import", "-", "--format", "word"], b"[]", 2),
        (["import", "-", "--run", "0"], b"[]", 2),
        (["import", "-", "--all", "--run", "1"], b"[]", 2),
        (["import", "-", "--all", "--branch", "x"], b"[]", 2),
        (["import", "-", "--at", "HEAD"], b"[]", 2),
        (["import", "-", "--branch", "new", "--at", "nowhere"], json.dumps(HELLO).encode(), 1),
        (["import", "-", "--branch", "a b"], json.dumps(HELLO).encode(), 1),
        (["export", "nowhere"], b"", 1),
        (["export", "--format", "word"], b"", 2),
        (["export", "-o", "no/such/folder"], b"", 1),
    ],
)
def test_what_is_no_conversation_changes_nothing(shell: Shell, arguments: list[str], data: bytes, code: int) -> None:
    """A file that cannot be read or understood is refused in one line."""
    shell.says("user", "hello")
    before = shell.head()

    shell.fails(*arguments, stdin=data, code=code)

    assert shell.head() == before
