"""The commands that merge: merge, conflicts and resolve."""

import json

import pytest

from cli_support import Shell, conflicted
from tract.cli.stand_in import serve


def conflict_id(shell: Shell) -> str:
    """Return the id of the first conflict of the merge that waits."""
    found: str = shell.run("conflicts", "--json").json[0]["id"]
    return found


def ask(shell: Shell, url: str) -> None:
    """Let `--llm` ask a server."""
    shell.monkeypatch.setenv("TRACT_OPENAI_API_KEY", "secret-canary")
    shell.monkeypatch.setenv("TRACT_OPENAI_BASE_URL", url)
    shell.monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_a_branch_with_nothing_of_its_own_moves_along(shell: Shell) -> None:
    """A fast-forward is done and said."""
    shell.says("user", "start")
    shell.run("switch", "-c", "other")
    shell.says("user", "more")
    tip = shell.head()
    shell.run("switch", "main")

    done = shell.run("merge", "other")

    assert done.lines == [f"main had nothing of its own: it now stands where other does, at {tip[:8]}"]
    assert shell.run("merge", "other").lines == ["main has all of other already"]


def test_a_merge_without_conflict_is_committed(shell: Shell) -> None:
    """What only one side changed merges by itself; --no-ff makes a commit of a fast-forward too."""
    shell.says("user", "start")
    shell.run("switch", "-c", "other")
    shell.says("user", "theirs")
    shell.run("switch", "main")

    result = shell.run("merge", "other", "--no-ff", "-m", "bring it in", "--delete-branch", "--json").json

    commit = shell.run("show", "--json").json["commit"]
    assert (result["kind"], result["committed"], result["commit_id"]) == ("clean", True, commit["id"])
    assert (commit["message"], len(commit["parents"])) == ("bring it in", 2)
    assert [row["name"] for row in shell.run("branch", "--json").json] == ["main"]


def test_conflicts_are_listed_with_their_texts_and_what_to_do(shell: Shell) -> None:
    """A merge with conflicts ends with 1 and names each conflict, both texts, and the commands that settle it."""
    message_id = conflicted(shell)

    done = shell.run("merge", "other", code=1)

    key, ours, theirs = conflict_id(shell)[:8], shell.head()[:8], shell.head("other")[:8]
    assert done.lines == [
        "merging other into main: 1 conflict open",
        "",
        f"{key} both_edit of message {message_id[:8]}",
        "    both sides changed what it says",
        "    base",
        "        Shall we go by train?",
        f"    ours  {ours} by boat",
        "        Shall we go by boat?",
        f"    theirs  {theirs} by bus",
        "        Shall we go by bus?",
        "",
        f"'tract conflicts' shows them whole; 'tract resolve {key} --ours' settles one,",
        "or --theirs, --text TEXT, --file PATH, or nothing for an editor.",
        "Then 'tract merge --continue'; 'tract merge --abort' gives up.",
    ]


def test_long_texts_are_cut_in_merge_and_whole_in_conflicts(shell: Shell) -> None:
    """`merge` shows the beginning of each text, `conflicts` all of it."""
    message_id = shell.says("user", "start")
    shell.run("switch", "-c", "other")
    shell.run("edit", message_id, "\n".join(f"line {number}" for number in range(9)))
    shell.run("switch", "main")
    shell.run("edit", message_id, "other words")

    merged = shell.run("merge", "other", code=1).lines

    assert "        ... and 3 lines more" in merged
    assert "        line 8" in shell.run("conflicts").lines
    assert "        line 8" in shell.run("conflicts", conflict_id(shell)[:8]).lines


def test_conflicts_as_json(shell: Shell) -> None:
    """A conflict's JSON has its id, kind, both sides and the base, what may answer it, and the answer."""
    message_id = conflicted(shell)
    shell.run("merge", "other", code=1)

    (conflict,) = shell.run("conflicts", "--json").json

    assert set(conflict) == {
        *("id", "kind", "message_id", "ours", "theirs", "base", "choices", "takes_text", "members", "resolution"),
    }
    assert (conflict["kind"], conflict["message_id"]) == ("both_edit", message_id)
    assert conflict["ours"] == {"commit_id": shell.head(), "message": "by boat", "text": "Shall we go by boat?"}
    assert conflict["theirs"]["text"] == "Shall we go by bus?"
    assert conflict["base"]["text"] == "Shall we go by train?"
    assert conflict["choices"] == ["ours", "theirs"]
    assert conflict["resolution"] is None


@pytest.mark.parametrize(
    ("answer", "stdin", "text"),
    [
        (["--ours"], "", "Shall we go by boat?"),
        (["--theirs"], "", "Shall we go by bus?"),
        (["--choice", "theirs"], "", "Shall we go by bus?"),
        (["--text", "By both."], "", "By both."),
        (["--text", "ours"], "", "ours"),
        (["--text", "-"], "By all.\n", "By all."),
        (["--file", "answer.txt"], "", "By none."),
        ([], "By foot.\n", "By foot."),
    ],
)
def test_a_conflict_is_settled_and_the_merge_goes_on(shell: Shell, answer: list[str], stdin: str, text: str) -> None:
    """An answer may be a side, words, a file or standard input; then --continue commits."""
    conflicted(shell)
    (shell.folder / "answer.txt").write_text("By none.\n")
    shell.run("merge", "other", code=1)

    settled = shell.run("resolve", conflict_id(shell)[:8], *answer, stdin=stdin)
    done = shell.run("merge", "--continue")

    assert settled.lines[0].startswith("settled ")
    assert "--continue" in settled.lines[1]
    assert done.lines == [f"merged other into main at {shell.head()[:8]}"]
    assert shell.texts() == [text]
    assert shell.run("conflicts").lines == ["nothing waits"]


def test_the_only_open_conflict_needs_no_name(shell: Shell) -> None:
    """`resolve` without an id settles the one conflict that is open."""
    conflicted(shell)
    shell.run("merge", "other", code=1)

    result = shell.run("resolve", "--ours", "--json").json

    assert result["conflicts"][0]["resolution"]["text"] == "ours"
    assert shell.run("status").lines[2] == "Merging other: every conflict is settled"


def test_several_open_conflicts_need_a_name(shell: Shell) -> None:
    """`resolve` without an id is refused while two are open, and says so; settled ones are counted."""
    conflicted(shell)
    for branch, model in (("other", "gpt-4"), ("main", "gpt-4o")):
        shell.run("switch", branch)
        shell.run("config", "set", "model", model)
    shell.run("merge", "other", code=1)

    refused = shell.fails("resolve", "--ours")
    settled = shell.run("resolve", conflict_id(shell), "--ours")

    assert refused == "2 conflicts open: say which one"
    assert settled.lines[0].endswith("; 1 conflict left open")


def test_an_open_conflict_is_never_committed(shell: Shell) -> None:
    """--continue with an open conflict fails, and the merge waits on."""
    conflicted(shell)
    shell.run("merge", "other", code=1)
    before = shell.head()

    assert shell.fails("merge", "--continue") == "1 conflict is not settled"
    assert shell.head() == before
    assert len(shell.run("conflicts", "--json").json) == 1


def test_a_merge_can_be_given_up(shell: Shell) -> None:
    """--abort leaves the branch as it was, and no merge waits."""
    conflicted(shell)
    before = shell.head()
    shell.run("merge", "other", code=1)

    shell.run("merge", "--abort")

    assert shell.head() == before
    assert shell.run("conflicts", "--json").json == []


@pytest.mark.parametrize(
    ("strategy", "text"),
    [("--ours", "Shall we go by boat?"), ("--theirs", "Shall we go by bus?")],
)
def test_a_strategy_settles_at_once(shell: Shell, strategy: str, text: str) -> None:
    """--ours and --theirs settle conflicts, and the merge is committed."""
    conflicted(shell)

    done = shell.run("merge", "other", strategy)

    assert done.lines == [f"merged other into main at {shell.head()[:8]}, 1 conflict settled"]
    assert shell.texts() == [text]


def test_union_takes_both(shell: Shell) -> None:
    """--union puts our lines before theirs."""
    conflicted(shell)

    shell.run("merge", "other", "--union")

    assert shell.texts() == ["Shall we go by boat?\nShall we go by bus?"]


def test_a_model_proposes_and_a_person_accepts(shell: Shell) -> None:
    """--llm asks over HTTP, keeps the answer without committing, and ends with 1; --continue takes it."""
    conflicted(shell)
    before = shell.head()
    with serve("Shall we go by bus or boat?") as url:
        ask(shell, url)
        done = shell.run("merge", "other", "--llm", "--model", "some-model", code=1)
    waiting = shell.head()
    shell.run("merge", "--continue")

    assert done.lines[0] == "merging other into main: every conflict has an answer, and nothing is committed yet"
    assert "        Shall we go by bus or boat?" in done.lines
    assert waiting == before
    assert shell.texts() == ["Shall we go by bus or boat?"]
    assert "secret-canary" not in done.out + done.err


def test_a_model_settles_alone_with_leave(shell: Shell) -> None:
    """--llm --auto commits, and the commit tells which model settled what."""
    conflicted(shell)
    with serve("Shall we go by bus or boat?") as url:
        ask(shell, url)
        shell.run("merge", "other", "--llm", "--auto")

    assert shell.texts() == ["Shall we go by bus or boat?"]
    shown = shell.run("show").lines
    assert "Model:  stand-in" in shown
    assert next(line for line in shown if line.startswith("Settled: both_edit of ")).endswith(" by resolver, stand-in")


def test_a_proposal_can_be_changed(shell: Shell) -> None:
    """`resolve` replaces what a model proposed."""
    conflicted(shell)
    with serve("Shall we go by bus or boat?") as url:
        ask(shell, url)
        shell.run("merge", "other", "--llm", code=1)

    shell.run("resolve", conflict_id(shell), "--text", "Let us walk.")
    shell.run("merge", "--continue")

    assert shell.texts() == ["Let us walk."]


def test_system_messages_need_leave(shell: Shell) -> None:
    """A model is not asked about a system message unless --allow system is given."""
    message_id = shell.says("system", "Be terse.")
    shell.run("switch", "-c", "other")
    shell.run("edit", message_id, "Be short.")
    shell.run("switch", "main")
    shell.run("edit", message_id, "Be brief.")
    with serve("Be quick.") as url:
        ask(shell, url)
        refused = shell.run("merge", "other", "--llm", "--auto", code=1)
        shell.run("merge", "--abort")
        shell.run("merge", "other", "--llm", "--auto", "--allow", "system")

    assert "    a model settles this only with --allow system" in refused.lines
    assert shell.texts() == ["Be quick."]


def test_without_a_key_no_model_is_asked(shell: Shell) -> None:
    """--llm without a key fails in one line with a hint, and no merge is opened."""
    conflicted(shell)

    done = shell.run("merge", "other", "--llm", code=1)

    assert done.err.splitlines()[1].startswith("hint: set TRACT_OPENAI_API_KEY")
    assert shell.run("conflicts", "--json").json == []


def test_a_model_that_cannot_be_reached_changes_nothing(shell: Shell) -> None:
    """An error of the client is one line; no session stays behind."""
    conflicted(shell)
    with serve("") as url:
        ask(shell, url)
        shell.fails("merge", "other", "--llm")

    assert shell.run("conflicts", "--json").json == []


def test_conflicts_of_settings_and_marks_are_settled_by_choice(shell: Shell) -> None:
    """What no text can answer lists its choices, and takes them alone."""
    message_id = shell.says("user", "hello")
    shell.run("switch", "-c", "other")
    shell.run("skip", message_id)
    shell.run("switch", "main")
    shell.run("pin", message_id)
    done = shell.run("merge", "other", code=1)

    refused = shell.fails("resolve", "--text", "words")
    shell.run("resolve", "--theirs")
    shell.run("merge", "--continue")

    assert [line for line in done.lines if line.startswith("    to choose from: ours, theirs")]
    assert refused
    assert shell.texts() == []


def test_conflicts_of_settings_show_both_values(shell: Shell) -> None:
    """What each side set stands in the list and in the JSON."""
    conflicted(shell)
    shell.run("edit", shell.run("compile", "--json").json["messages"][0]["id"], "Shall we go by train?")
    shell.run("config", "set", "model", "gpt-4o")
    shell.run("switch", "other")
    shell.run("config", "set", "model", "gpt-4")
    shell.run("config", "set", "budget", "1")
    shell.run("switch", "main")
    done = shell.run("merge", "other", code=1)

    (conflict,) = shell.run("conflicts", "--json").json
    assert "of setting model" in done.out
    assert (conflict["ours"]["text"], conflict["theirs"]["text"]) == ('"gpt-4o"', '"gpt-4"')
    assert conflict["base"]["text"] is None
    assert '        "gpt-4"' in done.lines
    shell.run("resolve", "--theirs")
    shell.run("merge", "--continue")
    assert shell.run("config", "get", "model").lines == ["gpt-4"]


def test_unrelated_histories_need_leave(shell: Shell) -> None:
    """Branches without a common commit merge only with --allow-unrelated."""
    runs = [[{"role": "user", "content": "a"}], [{"role": "user", "content": "b"}]]
    shell.run("import", "-", "--all", stdin=json.dumps(runs))
    shell.run("switch", "run-1")

    assert "no common history" in shell.fails("merge", "run-2")
    shell.run("merge", "run-2", "--allow-unrelated")
    assert shell.texts() == ["a", "b"]


def test_commits_made_meanwhile_are_merged_too(shell: Shell) -> None:
    """While a merge waits others may record; --continue merges with what they recorded."""
    conflicted(shell)
    shell.run("merge", "other", code=1)
    shell.says("user", "meanwhile")

    shell.run("resolve", "--theirs")
    shell.run("merge", "--continue")

    assert shell.texts() == ["Shall we go by bus?", "meanwhile"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["merge"], 2),
        (["merge", "other", "--continue"], 2),
        (["merge", "--continue", "--abort"], 2),
        (["merge", "other", "--llm", "--ours"], 2),
        (["merge", "other", "--auto"], 2),
        (["merge", "other", "--allow", "system"], 2),
        (["merge", "other", "--llm", "--allow", "everything"], 2),
        (["merge", "nothing"], 1),
        (["merge", "--continue"], 1),
        (["merge", "--abort"], 1),
        (["conflicts", "abcd"], 1),
        (["resolve", "--ours"], 1),
        (["resolve", "--ours", "--text", "x"], 2),
    ],
)
def test_what_cannot_be_merged_is_one_line(shell: Shell, arguments: list[str], code: int) -> None:
    """Wrong combinations are usage errors, and what is not there is said to be so."""
    conflicted(shell)

    shell.fails(*arguments, code=code)

    assert shell.run("conflicts", "--json").json == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["merge", "other"], 1),
        (["resolve", "ffff", "--ours"], 1),
        (["resolve", "", "--choice", "mine"], 1),
        (["resolve", "--text", "\udcff"], 1),
        (["resolve", "--file", "nowhere"], 1),
        (["conflicts", "ffff"], 1),
    ],
)
def test_wrong_answers_leave_the_merge_waiting(shell: Shell, arguments: list[str], code: int) -> None:
    """What cannot be an answer is refused in one line, and the conflict stays open."""
    conflicted(shell)
    shell.run("merge", "other", code=1)

    shell.fails(*arguments, code=code)

    assert [conflict["resolution"] for conflict in shell.run("conflicts", "--json").json] == [None]
