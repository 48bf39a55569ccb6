"""The commands that shorten: compress and expand."""

import pytest

from cli_support import Shell
from tract.cli.stand_in import serve

LONG = "and so on " * 30


@pytest.fixture
def said(shell: Shell) -> list[str]:
    """The ids of four messages."""
    return [
        shell.says(role, text)
        for role, text in (
            ("system", "Be terse."),
            ("user", f"Where is order 17? {LONG}"),
            ("assistant", f"In the attic. {LONG}"),
            ("user", "And now?"),
        )
    ]


def ask(shell: Shell, url: str) -> None:
    """Let `--llm` ask a server."""
    shell.monkeypatch.setenv("TRACT_OPENAI_API_KEY", "secret-canary")
    shell.monkeypatch.setenv("TRACT_OPENAI_BASE_URL", url)
    shell.monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_a_range_is_folded_and_expanded(shell: Shell, said: list[str]) -> None:
    """The commands say what was folded, what it saved and what stayed, and bring it back."""
    before = shell.texts()

    done = shell.run(
        "compress", f"{said[0][:8]}..{said[2][:8]}", "--summary", "Order 17 is in the attic.", "-m", "tidy"
    )

    summary = shell.run("compile", "--json").json["messages"][1]["id"]
    assert done.lines[0] == f"[main {shell.head()[:8]}] tidy: fold 2 messages into {summary[:8]}"
    assert done.lines[1].startswith("    2 messages of ")
    assert done.lines[2] == "    left as they are: 1 system"
    assert shell.texts() == ["Be terse.", "Order 17 is in the attic.", "And now?"]
    assert shell.run("expand", summary[:8]).lines == [f"[main {shell.head()[:8]}] unfold {summary[:8]}"]
    assert shell.texts() == before


@pytest.mark.parametrize("way", ["ids", "before", "open"])
def test_messages_are_named_in_several_ways(shell: Shell, said: list[str], way: str) -> None:
    """Ids, everything before one, and a range with an open end."""
    named = {"ids": [said[1], said[2]], "before": ["--before", said[3]], "open": [f"..{said[2]}"]}

    shell.run("compress", *named[way], "--summary", "short")

    assert shell.texts() == ["Be terse.", "short", "And now?"]


@pytest.mark.parametrize("option", [("--summary", "-"), ("--file", "-"), ()])
def test_the_summary_may_come_on_standard_input(shell: Shell, said: list[str], option: tuple[str, ...]) -> None:
    """A pipe serves as for every text."""
    shell.run("compress", said[1], *option, stdin="from a pipe\n")

    assert shell.texts()[1] == "from a pipe"


def test_a_model_writes_the_summary(shell: Shell, said: list[str]) -> None:
    """--llm asks over HTTP, and the commit tells which model wrote."""
    with serve("Order 17 is in the attic.") as url:
        ask(shell, url)
        done = shell.run("compress", "..", "--llm", "--must-match", r"order \d+|Order \d+", "--keep", said[3], code=1)
        assert "error: the summary lacks 'order 17'" in done.err
        done = shell.run("compress", "..", "--llm", "--must-keep", "17", "--keep", said[3], "--json")

    assert shell.texts()[1].endswith(":\n\nOrder 17 is in the attic.")
    metadata = done.json["metadata"]
    assert metadata["compress"]["left_out"] == {said[0]: "system", said[3]: "kept"}
    assert metadata["generation_config"]["model"] == "stand-in"
    assert "Model:  stand-in" in shell.run("show").lines
    assert "secret-canary" not in done.out + done.err


def test_auto_folds_only_what_exceeds_the_budget(shell: Shell, said: list[str]) -> None:
    """Nothing is done while the context fits; else the oldest go."""
    with serve("They looked for order 17.") as url:
        ask(shell, url)
        assert shell.run("compress", "--auto", "--llm", "--budget", "9999").lines == ["nothing to change"]
        shell.run("config", "set", "budget", "150")
        shell.run("compress", "--auto", "--llm", "--keep-last", "1")

    assert [text[:7] for text in shell.texts()] == ["Be ters", "Summary", "And now"]
    assert shell.run("compress", "--auto", "--llm", "--keep-last", "1").lines == ["nothing to change"]


def test_auto_on_an_unborn_branch_does_nothing(shell: Shell) -> None:
    """There is nothing to fold yet."""
    ask(shell, "http://127.0.0.1:9/v1")

    assert shell.run("compress", "--auto", "--llm", "--budget", "9").lines == ["nothing to change"]
    assert shell.run("compress", "--auto", "--llm", "--budget", "9", "--json").json is None


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["a..b", "--before", "c"],
        ["a..b", "--auto", "--llm"],
        ["a..b", "--summary", "x", "--llm"],
        ["a..b", "--summary", "x", "--file", "-"],
        ["--auto"],
        ["--auto", "--llm", "--keep", "a"],
        ["a..b", "--budget", "9", "--summary", "x"],
        ["a..b", "--summary", "x", "--target-tokens", "0"],
        ["a..b", "--summary", "x", "--must-match", "("],
    ],
)
def test_wrong_usage_is_said(shell: Shell, arguments: list[str]) -> None:
    """Each is a usage error, and nothing is changed."""
    shell.fails("compress", *arguments, code=2)


def test_errors_are_one_line_with_a_hint(shell: Shell, said: list[str]) -> None:
    """What cannot be folded or expanded is said without a traceback."""
    assert shell.fails("compress", f"{said[2]}..{said[1]}", "--summary", "x").startswith("the range runs backwards")
    assert shell.fails("compress", said[0], "--summary", "x") == "nothing there may be folded: 1 system"
    assert shell.fails("compress", said[1], "--summary", " ") == "the summary is empty"
    assert shell.fails("expand", said[1]) == f"message {said[1][:12]} is no summary"
    assert "no message" in shell.fails("expand", "abcdef")
    assert shell.fails("compress", "--auto", "--llm", "--budget", "9") == (
        "there is no API key (given as api_key, or in TRACT_OPENAI_API_KEY)"
    )
    assert len(shell.run("log", "--json").json) == 4
