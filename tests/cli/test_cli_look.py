"""The commands that look: status, log, show, diff, history, compile and reflog."""

import json
from itertools import combinations

import pytest

from cli_support import Shell, conflicted
from tract.cli.render import id_length


def test_status_of_a_new_tract(shell: Shell) -> None:
    """Before the first commit, status says so."""
    assert shell.run("status").lines == ["On branch main, which has no commits yet", "0 messages, 3 tokens"]


def test_status_counts(shell: Shell) -> None:
    """Status tells the branch, its commit, and what its context costs."""
    shell.says("user", "hello")
    shell.run("config", "set", "budget", "100")

    found = shell.run("status", "--json").json
    assert found == {
        "branch": "main",
        "head_id": shell.head(),
        "message_count": 1,
        "token_count": 8,
        "tokens_exact": True,
        "budget": 100,
        "merge": None,
        "replay": None,
    }
    assert shell.run("status").lines[1] == "1 message, 8 tokens, of a budget of 100"


def test_status_tells_of_the_merge_that_waits(shell: Shell) -> None:
    """A merge with open conflicts shows in status until it is finished."""
    conflicted(shell)
    shell.run("merge", "other", code=1)

    assert "Merging other: 1 conflict open" in shell.run("status").out
    assert len(shell.run("status", "--json").json["merge"]["conflicts"]) == 1


def test_log_shows_who_when_and_what(shell: Shell) -> None:
    """The long form has the id and what stands there, author, date, message, and what was said."""
    message_id = shell.says("user", "hello\nworld")
    shell.run("--author", "Ada", "edit", message_id, "good\n\nbye", "-m", "a better start\n\nwith a reason")
    shell.run("tag", "v1")

    lines = shell.run("log", "-n", "1").lines

    assert lines[0] == f"commit {shell.head()[:8]} (HEAD -> main, tag: v1)"
    assert lines[1] == "Author: Ada"
    assert lines[2].startswith("Date:   20")
    assert lines[3:] == [
        "",
        "    a better start",
        "    ",
        "    with a reason",
        "",
        f"    edit {message_id[:8]}  good bye",
        "",
    ]


def test_log_oneline(shell: Shell) -> None:
    """One line has the id, the names, and the message with what was said."""
    shell.says("user", "hello\nworld")
    first = shell.head()
    shell.run("add", "assistant", "word " * 40, "-m", "long\ntext")

    lines = shell.run("log", "--oneline").lines

    assert lines[0].startswith(f"{shell.head()[:8]} (HEAD -> main) long text: word word")
    assert lines[0].endswith("…")
    assert lines[1] == f"{first[:8]} user: hello world"


def test_log_limit_and_range(shell: Shell) -> None:
    """-n and a range choose commits."""
    for text in ("one", "two", "three"):
        shell.says("user", text)

    assert len(shell.run("log", "--oneline", "-n", "2").lines) == 2
    assert shell.run("log", "--oneline", "-2").lines == shell.run("log", "--oneline", "-n2", "HEAD").lines
    assert len(shell.run("reflog", "-1", "main").lines) == 1
    assert "'-1'" in shell.fails("log", "--", "-1")
    assert shell.run("log", "-n", "0", "--json").json == []
    assert [commit["id"] for commit in shell.run("log", "HEAD~2..HEAD~1", "--json").json] == [shell.head("HEAD~1")]


def test_log_of_a_new_tract_is_empty(shell: Shell) -> None:
    """No commits, no lines."""
    assert shell.run("log").out == ""
    assert shell.run("log", "--json").json == []


def test_log_json_has_the_commits_whole(shell: Shell) -> None:
    """Every commit is an object with its parents, changes, and the names that stand at it."""
    message_id = shell.says("user", "hello")

    (commit,) = shell.run("log", "--json").json

    assert set(commit) == {
        *("id", "parents", "author", "created_at", "message", "message_ids", "changes", "metadata", "refs"),
    }
    assert commit["message_ids"] == [message_id]
    assert commit["changes"][0]["do"] == "append"
    assert commit["refs"] == ["main"]


def test_log_draws_a_merge(shell: Shell) -> None:
    """--graph puts branches beside each other and lets a merge join them."""
    shell.says("user", "start")
    shell.run("switch", "-c", "other")
    shell.says("user", "theirs")
    shell.run("switch", "main")
    shell.says("user", "ours")
    shell.run("merge", "other")

    columns = [line[:4].rstrip(" 0123456789abcdef") for line in shell.run("log", "--graph", "--oneline").lines]

    assert columns in (["*", "|\\", "| *", "* |", "|/", "*"], ["*", "|\\", "* |", "| *", "|/", "*"])


def test_log_graph_goes_beside_the_long_form(shell: Shell) -> None:
    """Every line of a commit has the graph on its left."""
    shell.says("user", "start")
    shell.says("user", "more")

    lines = shell.run("log", "--graph").lines

    assert [line[0] for line in lines] == ["*", "|", "|", "|", "|", "*", " ", " ", " ", " "]


def test_show_prints_what_a_commit_changed(shell: Shell) -> None:
    """`show` has the commit, then whole messages that came, and edits as differences."""
    message_id = shell.says("user", "one\ntwo\n\x1b[31mthree")
    added = shell.run("show").lines
    shell.run("edit", message_id, "one\n2\n\x1b[31mthree")
    edited = shell.run("show").lines

    assert added[-4:] == [f"+ user {message_id[:8]}", "+   one", "+   two", "+   ␛[31mthree"]
    assert edited[-6:] == [
        f"~ user {message_id[:8]}",
        "    @@ -1,3 +1,3 @@",
        "     one",
        "    -two",
        "    +2",
        "     ␛[31mthree",
    ]


def test_diff_between_branches(shell: Shell) -> None:
    """`diff a b` and `diff a..b` tell what the second context has that the first has not, and the other way."""
    message_id = conflicted(shell)
    shell.run("pin", message_id)
    shell.run("config", "set", "model", "gpt-4o")

    lines = shell.run("diff", "other..main").lines

    assert lines == shell.run("diff", "other", "main").lines
    assert lines == [
        f"~ user {message_id[:8]}",
        "    @@ -1 +1 @@",
        "    -Shall we go by bus?",
        "    +Shall we go by boat?",
        f"mark {message_id[:8]} normal -> pinned",
        'configured model: unset -> "gpt-4o"',
    ]


def test_diff_json(shell: Shell) -> None:
    """The difference as JSON has every kind of it, empty or not."""
    message_id = conflicted(shell)

    found = shell.run("diff", "--json").json

    assert set(found) == {"added", "removed", "edited", "marked", "folded", "moved", "configured"}
    (edited,) = found["edited"]
    assert edited["message_id"] == message_id
    assert edited["before"] == {"role": "user", "content": "Shall we go by train?"}
    assert edited["text_diff"] == "@@ -1 +1 @@\n-Shall we go by train?\n+Shall we go by boat?"


def test_history_tells_every_version(shell: Shell) -> None:
    """`history` lists what a message said, oldest first, and what was done to it."""
    message_id = shell.says("user", "one")
    shell.run("edit", message_id, "two")
    shell.run("skip", message_id)

    found = shell.run("history", message_id[:8], "--json").json

    assert [version["action"] for version in found] == ["added", "edited", "marked skipped"]
    assert [version["message"]["content"] for version in found] == ["one", "two", "two"]
    assert [line for line in shell.run("history", message_id).lines if line.startswith("    ")] == [
        "    one",
        "    two",
        "    two",
    ]


def test_history_can_look_from_elsewhere(shell: Shell) -> None:
    """--at names the revision whose history is meant."""
    message_id = shell.says("user", "one")
    shell.run("edit", message_id, "two")

    assert len(shell.run("history", message_id, "--at", "HEAD^", "--json").json) == 1


def test_compile_lists_messages_with_ids_and_tokens(shell: Shell) -> None:
    """What people read has each message's id and cost, and the sum."""
    message_id = shell.says("user", "hello\nworld")

    assert shell.run("compile").lines == [
        f"user {message_id[:8]}  7 tokens",
        "    hello",
        "    world",
        "1 message, 10 tokens",
    ]


def test_compile_shows_what_is_no_text(shell: Shell) -> None:
    """Parts without text and calls are shown by what they are."""
    parts = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "x"}}]
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{\n "a": 1}'}}
    messages = [
        {"role": "user", "content": parts},
        {"role": "assistant", "content": None, "tool_calls": [call, {"id": "c2"}]},
    ]
    shell.run("import", "-", stdin=json.dumps(messages))

    lines = [line.strip() for line in shell.run("compile").lines if line.startswith("    ")]

    assert lines == ["see", "[image_url]", '-> look({ "a": 1}) c1', "-> ?() c2"]


def test_compile_json(shell: Shell) -> None:
    """The JSON has each message with its id and tokens, and the sum."""
    message_id = shell.says("user", "hello")

    assert shell.run("compile", "--json").json == {
        "commit_id": shell.head(),
        "token_count": 8,
        "tokens_exact": True,
        "config": {},
        "messages": [{"id": message_id, "tokens": 5, "message": {"role": "user", "content": "hello"}}],
    }


def test_compile_for_anthropic(shell: Shell) -> None:
    """--anthropic has system and messages apart."""
    shell.says("system", "be terse")
    shell.says("user", "hello")

    found = shell.run("compile", "--anthropic").json

    assert found["system"] == "be terse"
    assert found["messages"][0]["role"] == "user"


def test_compile_within_a_budget(shell: Shell) -> None:
    """--budget leaves out the oldest; one too small names both figures."""
    for text in ("one", "two", "three"):
        shell.says("user", text)
    shell.says("system", "be terse")

    assert shell.texts("--budget", "15") == ["three", "be terse"]
    assert "9" in shell.fails("compile", "--budget", "5")


def test_compile_takes_one_shape(shell: Shell) -> None:
    """Two of --openai, --anthropic and --json are a usage error."""
    for two in combinations(("--openai", "--anthropic", "--json"), 2):
        assert "choose one" in shell.fails("compile", *two, code=2)


def test_reflog_names_where_a_branch_stood(shell: Shell) -> None:
    """The reflog's selectors are revisions."""
    shell.says("user", "one")
    first = shell.head()
    shell.says("user", "two")
    shell.run("reset", "HEAD^")

    found = shell.run("reflog", "--json").json

    assert [entry["selector"] for entry in found] == ["main@{0}", "main@{1}", "main@{2}"]
    assert [entry["kind"] for entry in found] == ["reset", "append", "append"]
    assert found[0]["new_id"] == first == shell.head("main@{0}")
    assert shell.run("reflog", "main", "-n", "1").lines[0].startswith(f"{first[:8]} main@{{0}}: reset  20")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["log", "nothing"], 1),
        (["log", "HEAD~9"], 1),
        (["log", "a..b"], 1),
        (["log", ".."], 0),
        (["log", "-n", "-1"], 2),
        (["log", "-n", "9" * 30], 2),
        (["log", "--grpah"], 2),
        (["show", "\x1b[2J"], 1),
        (["show", "HEAD^2"], 1),
        (["show", "\udcff"], 1),
        (["diff", "main..main", "main"], 1),
        (["history", "beef"], 1),
        (["compile", "--budget", "many"], 2),
        (["compile", "nothing"], 1),
        (["reflog", "nothing"], 1),
        (["nonsense"], 2),
        (["--nonsense"], 2),
    ],
)
def test_what_is_not_there_is_one_line(shell: Shell, arguments: list[str], code: int) -> None:
    """A revision, message, option or command that is not there is refused in one line."""
    shell.says("user", "hello")

    if code:
        shell.fails(*arguments, code=code)
    else:
        shell.run(*arguments)


@pytest.mark.parametrize(
    ("ids", "length"),
    [([], 8), (["a" * 64], 8), (["a" * 64, "b" * 64], 8), (["a" * 20 + "b", "a" * 20 + "c"], 21)],
)
def test_shown_ids_are_as_long_as_tells_them_apart(ids: list[str], length: int) -> None:
    """Ids are shortened to eight characters, or more where eight are not enough."""
    assert id_length(ids) == length
