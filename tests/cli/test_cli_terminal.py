"""What reaches a terminal: nothing of what messages hold is obeyed."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli_support import Shell
from escape_support import ESCAPES, HARMFUL
from tract.cli.terminal import Styled, Terminal, find_pager, preview, to_json, visible


@pytest.fixture
def hostile(shell: Shell) -> Shell:
    """A tract that holds escapes wherever text can be, with a merge that waits."""
    everything = "\n".join(ESCAPES)
    call = {"id": everything, "type": "function", "function": {"name": everything, "arguments": everything}}
    run = {
        "title": everything,
        "model": everything,
        "messages": [
            {"role": "user", "content": everything, "name": everything},
            {"role": "user", "content": [{"type": everything}, {"type": "text", "text": everything}]},
            {"role": "assistant", "content": everything, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": everything, "content": everything},
            {"role": "tool", "tool_call_id": everything + "orphan", "content": everything},
        ],
    }
    shell.run("import", "-", stdin=json.dumps(run))
    safe = everything.replace("\ud800", "").replace("\udc9b", "").replace("\x00", "")
    message_id = shell.run("compile", "--json").json["messages"][0]["id"]
    shell.run("branch", "c1-\x85-name\u202e")
    shell.run("--author", safe, "config", "set", safe, safe)
    shell.run("switch", "-c", "other")
    shell.run("--author", safe, "edit", message_id, safe + "\nother", "-m", safe)
    shell.run("switch", "main")
    shell.run("edit", message_id, safe + "\nmain", "-m", safe)
    shell.run("tag", "v1")
    return shell


def test_no_command_lets_an_escape_through(hostile: Shell) -> None:
    """Whatever a printing command shows of a hostile tract, no control character but line ends comes out."""
    message_id = hostile.run("compile", "--json").json["messages"][0]["id"]
    merged = hostile.run("merge", "other", code=1)
    printed = [merged.out]
    reading = (
        *(["log"], ["log", "--graph"], ["log", "--oneline"], ["show"], ["show", "HEAD~1"], ["show", "HEAD~2"]),
        *(["diff", "other", "main"], ["status"], ["history", message_id], ["compile"], ["reflog"], ["branch"]),
        *(["tag"], ["config", "list"], ["conflicts"], ["fsck"], ["export"], ["compile", "--anthropic"]),
        *(["log", "--json"], ["show", "--json"], ["diff", "--json"], ["compile", "--json"], ["conflicts", "--json"]),
        *(["history", message_id, "--json"], ["compile", "--openai"], ["export", "--format", "openai-jsonl"]),
        *(["config", "list", "--json"], ["status", "--json"], ["branch", "--json"], ["reflog", "--json"]),
    )
    for arguments in reading:
        done = hostile.run(*arguments)
        assert done.err == ""
        printed.append(done.out)
    printed += [hostile.run("resolve", "--ours").out, hostile.run("merge", "--continue").out]
    printed += [hostile.run("show").out]

    assert [HARMFUL.findall(text) for text in printed] == [[]] * len(printed)


def test_json_of_hostile_messages_says_what_they_say(hostile: Shell) -> None:
    """What is escaped in JSON comes back when it is read."""
    (edited,) = hostile.run("diff", "--json").json["edited"]

    assert "\x1b]0;title\x07" in edited["after"]["content"]
    assert "\x9b31m" in edited["after"]["content"]


@pytest.mark.parametrize("arguments", [["show"], ["switch"], ["history"], ["nonsense"], ["import"], ["config", "get"]])
def test_no_error_lets_an_escape_through(shell: Shell, arguments: list[str]) -> None:
    """What was typed and is repeated in an error is made harmless too."""
    shell.says("user", "hello")
    for escape in ESCAPES:
        if "\x00" not in escape:
            done = shell.run(*arguments, escape, code=2 if arguments == ["nonsense"] else 1)
            assert HARMFUL.findall(done.err) == []
            assert done.err.count("\n") in (1, 2)


@given(st.text())
def test_shown_text_is_one_harmless_line(text: str) -> None:
    """Any text becomes a line that no terminal obeys."""
    assert HARMFUL.findall(visible(text)) == []
    assert "\n" not in visible(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢 🙂", "plain é 漢 🙂"),
        ("\x1b[31m", "␛[31m"),
        ("a\tb", "a   b"),
        ("a\r\n", "a␍␊"),
        ("\x7f", "␡"),
        ("\x9b", "\\u009b"),
        ("\udcff", "\\udcff"),
        ("\u202e", "\\u202e"),
    ],
)
def test_controls_are_shown(text: str, shown: str) -> None:
    """A control character is shown as its picture or its number."""
    assert visible(text) == shown


@given(
    st.recursive(st.text(st.characters(codec=None)), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_json_is_harmless_and_reads_back(value: object) -> None:
    """Printed JSON has no control character but line ends, and is the same value when read."""
    printed = to_json(value)
    in_ascii = to_json(value, ascii_only=True)

    assert HARMFUL.findall(printed) == []
    assert in_ascii.isascii()
    assert json.loads(printed) == json.loads(in_ascii) == value


def test_colour_goes_around_harmless_text() -> None:
    """A styled piece is coloured only where colour is wanted, and its own escapes stay shown."""
    line = ("a ", Styled("\x1b[2J", "added"), Styled("", "removed"))

    assert Terminal(io.StringIO(), colour=True).render(line) == "a \x1b[32m␛[2J\x1b[m"
    assert Terminal(io.StringIO()).render(line) == "a ␛[2J"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", ""), ("a  b\n c", "a b c"), ("x" * 10, "x" * 10), ("x" * 11, "x" * 9 + "…"), ("word " * 99, "word word…")],
)
def test_previews_fit(text: str, shown: str) -> None:
    """A preview is the beginning of a text in one line of a given width."""
    assert preview(text, 10) == shown


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("term", "no_color", "is_coloured"),
    [("xterm", "", True), ("xterm", "1", False), ("dumb", "", False), (None, "", False)],
)
def test_who_gets_colour(monkeypatch: pytest.MonkeyPatch, term: str | None, no_color: str, is_coloured: bool) -> None:
    """A terminal that can show it, unless NO_COLOR holds anything."""
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("NO_COLOR", no_color)

    assert ("\x1b" in Terminal.of(Screen()).render(Styled("x", "added"))) == is_coloured


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"TRACT_PAGER": "sort -r", "PAGER": "head"}, "sort -r"),
        ({"PAGER": "head"}, "head"),
        ({"PAGER": "LINES=1 head"}, "LINES=1 head"),
        ({"TRACT_PAGER": "", "PAGER": "head"}, None),
        ({"PAGER": "cat"}, None),
        ({"PAGER": "no-such-pager -x"}, None),
        ({"PAGER": "'"}, None),
    ],
)
def test_which_pager_is_used(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str | None) -> None:
    """TRACT_PAGER goes before PAGER; nothing, cat, and what is not there mean none."""
    for name in ("TRACT_PAGER", "PAGER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert find_pager() == expected
