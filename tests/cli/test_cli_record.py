"""The commands that record: add, edit, skip, unskip, pin, unpin and config."""

import json

import pytest

from cli_support import Shell

CALLS = [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]


@pytest.mark.parametrize("role", ["user", "assistant", "system", "developer"])
def test_add_takes_a_text(shell: Shell, role: str) -> None:
    """`add ROLE TEXT` is one commit with one message."""
    shell.run("add", role, "hello")

    assert shell.run("compile", "--openai").json == [{"role": role, "content": "hello"}]


def test_add_says_what_it_recorded(shell: Shell) -> None:
    """The branch, the commit and the message are named by the beginnings of their ids."""
    done = shell.run("add", "user", "hello")

    message_id = shell.run("compile", "--json").json["messages"][0]["id"]
    assert done.lines == [f"[main {shell.head()[:8]}] user {message_id[:8]}"]


@pytest.mark.parametrize("arguments", [[], ["-"], ["--file", "-"]])
def test_add_reads_standard_input(shell: Shell, arguments: list[str]) -> None:
    """Without a text, or with `-`, the message is what standard input holds, but for its last line break."""
    shell.run("add", "user", *arguments, stdin="two\nlines é\n\n")

    assert shell.texts() == ["two\nlines é\n"]


@pytest.mark.parametrize("command", [["add", "user"], ["add", "assistant", "--name", "x"], ["edit", "HELLO"]])
def test_nothing_on_standard_input_is_no_message(shell: Shell, command: list[str]) -> None:
    """A command that failed has written nothing into the pipe; whoever means an empty text says so."""
    message_id = shell.says("user", "hello")
    command = [message_id if word == "HELLO" else word for word in command]

    assert "standard input" in shell.fails(*command, code=2)
    assert shell.texts() == ["hello"]

    shell.run(*command, "-")
    assert shell.texts()[-1] == ""


def test_a_tool_may_answer_nothing(shell: Shell) -> None:
    """A tool that printed nothing gave an empty result."""
    shell.run("add", "assistant", "--tool-calls", json.dumps(CALLS))

    shell.run("add", "tool", "--tool-call-id", "c1")

    assert shell.run("compile", "--openai").json[-1]["content"] == ""


def test_add_reads_a_file(shell: Shell) -> None:
    """--file names the file that holds the message."""
    (shell.folder / "prompt.txt").write_bytes(b"from a file\r\n")

    shell.run("add", "user", "--file", "prompt.txt")

    assert shell.texts() == ["from a file"]


def test_a_call_and_its_result(shell: Shell) -> None:
    """An assistant message may make calls without words, and a tool message names the call that it answers."""
    shell.run("add", "assistant", "--tool-calls", json.dumps(CALLS))
    shell.run("add", "tool", "--tool-call-id", "c1", "--name", "look", "found it")

    assert shell.run("compile", "--openai").json == [
        {"role": "assistant", "content": None, "tool_calls": CALLS},
        {"role": "tool", "content": "found it", "tool_call_id": "c1", "name": "look"},
    ]


def test_words_and_calls_go_together(shell: Shell) -> None:
    """An assistant message with calls may say something too."""
    shell.run("add", "assistant", "let me look", "--tool-calls", json.dumps(CALLS))

    assert shell.run("compile", "--openai").json[0]["content"] == "let me look"


def test_the_author_and_the_message_are_recorded(shell: Shell) -> None:
    """--author and -m go into the commit."""
    shell.run("--author", "Ada", "add", "user", "hello", "-m", "first words")

    commit = shell.run("show", "--json").json["commit"]
    assert (commit["author"], commit["message"]) == ("Ada", "first words")


def test_edit_keeps_the_message_and_changes_its_words(shell: Shell) -> None:
    """An edit names the message by the beginning of its id."""
    message_id = shell.says("user", "helo")

    done = shell.run("edit", message_id[:8], "hello")

    assert shell.texts() == ["hello"]
    assert done.lines == [f"[main {shell.head()[:8]}] edit {message_id[:8]}"]


def test_an_edit_that_changes_nothing_makes_no_commit(shell: Shell) -> None:
    """The same words again are said to be no change."""
    message_id = shell.says("user", "hello")
    before = shell.head()

    done = shell.run("edit", message_id, "hello")

    assert done.lines == ["nothing to change"]
    assert shell.head() == before


def test_skipped_messages_are_not_sent_until_they_are_shown_again(shell: Shell) -> None:
    """`skip` and `unskip` hide and show."""
    shell.says("user", "one")
    message_id = shell.says("user", "two")

    shell.run("skip", message_id[:8])
    hidden = shell.texts()
    shell.run("unskip", message_id[:8])

    assert hidden == ["one"]
    assert shell.texts() == ["one", "two"]


def test_several_marks_are_one_commit(shell: Shell) -> None:
    """`pin` and the like take several messages, and make one commit of them, or none."""
    ids = [shell.says("user", text) for text in ("one", "two")]

    shell.run("pin", *ids, "-m", "both")

    commit = shell.run("show", "--json").json
    assert commit["commit"]["message"] == "both"
    assert [mark["after"] for mark in commit["diff"]["marked"]] == ["pinned", "pinned"]


def test_marks_with_one_unknown_message_change_nothing(shell: Shell) -> None:
    """A batch of marks is written whole or not at all."""
    message_id = shell.says("user", "one")
    before = shell.head()

    shell.fails("skip", message_id, "ffffffff")

    assert shell.head() == before


def test_unpin_leaves_other_marks_alone(shell: Shell) -> None:
    """`unpin` of a skipped message does nothing."""
    message_id = shell.says("user", "one")
    shell.run("skip", message_id)

    assert shell.run("unpin", message_id).lines == ["nothing to change"]
    assert shell.texts() == []


def test_settings_are_json_or_text(shell: Shell) -> None:
    """A value is JSON if it can be read so, else text; --text keeps it text."""
    shell.run("config", "set", "model", "gpt-4o")
    shell.run("config", "set", "budget", "1000")
    shell.run("config", "set", "version", "--text", "12")

    assert shell.run("config", "list", "--json").json == {"model": "gpt-4o", "budget": 1000, "version": "12"}
    assert shell.run("config", "get", "model").lines == ["gpt-4o"]
    assert shell.run("config", "get", "budget").lines == ["1000"]
    assert shell.run("config", "list").lines == ["budget = 1000", 'model = "gpt-4o"', 'version = "12"']


def test_settings_are_read_at_a_revision(shell: Shell) -> None:
    """The configuration is part of the history."""
    shell.run("config", "set", "model", "gpt-4o")
    shell.run("config", "unset", "model")

    assert shell.run("config", "list", "--json").json == {}
    assert shell.run("config", "list", "HEAD^", "--json").json == {"model": "gpt-4o"}


def test_settings_can_be_read_under_a_budget_that_holds_nothing(shell: Shell) -> None:
    """Who set a budget too small can see that, and take it back."""
    shell.run("add", "system", "You are terse.")
    shell.run("config", "set", "budget", "1")

    shell.fails("compile")
    shell.run("config", "unset", "budget")

    assert shell.texts() == ["You are terse."]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["add", "user", "a", "--file", "b"], 2),
        (["add", "tool", "found"], 2),
        (["add", "user", "hi", "--tool-call-id", "c1"], 2),
        (["add", "robot", "hi"], 2),
        (["add"], 2),
        (["add", "user", "--file", "nowhere.txt"], 1),
        (["add", "user", "--file", "."], 1),
        (["add", "tool", "found", "--tool-call-id", "c1"], 1),
        (["add", "assistant", "--tool-calls", "{"], 1),
        (["add", "assistant", "--tool-calls", '[{"id": 1}]'], 1),
        (["add", "assistant", "--tool-calls", "[" * 100_000], 1),
        (["add", "user", "\udcff"], 1),
        (["edit", "abcd", "words"], 1),
        (["edit", "\x1b[31m", "words"], 1),
        (["skip"], 2),
        (["pin", "no"], 1),
        (["config", "get", "nothing"], 1),
        (["config", "unset", "nothing"], 1),
        (["config", "set", "budget", "-3"], 1),
        (["config", "set", "budget", "NaN"], 1),
        (["config", "set", "tools", "hammer"], 1),
        (["config", "set", "", "x"], 1),
        (["config", "unset"], 2),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(shell: Shell, arguments: list[str], code: int) -> None:
    """Whatever cannot be recorded is refused in one line, and the next command works."""
    shell.says("user", "hello")
    before = shell.head()

    shell.fails(*arguments, code=code)

    assert shell.head() == before
    shell.run("add", "user", "next")


def test_bytes_that_are_no_text_are_refused(shell: Shell) -> None:
    """Standard input that is not UTF-8 is said to be so, with the place."""
    assert shell.fails("add", "user", stdin=b"caf\xe9") == "standard input is not UTF-8: byte 3 is 0xe9"
