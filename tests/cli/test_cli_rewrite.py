"""Rebase, cherry-pick and revert from the command line: what is said, what waits, and who goes on with it."""

import json

import pytest

from cli_support import Shell


def conflicted(shell: Shell) -> str:
    """Edit one message on `main` and on `topic`, say more on `topic`, stand there, and return the message's id."""
    message_id: str = shell.run("add", "user", "How often?", "--json").json["message_ids"][0]
    shell.run("branch", "topic")
    shell.run("edit", message_id, "main's")
    shell.run("switch", "topic")
    shell.run("edit", message_id, "topic's", "-m", "the topic's words")
    shell.run("add", "user", "more")
    return message_id


def test_a_rebase_says_what_it_did(shell: Shell) -> None:
    """The branch stands on the other one; a second time it does already, and a branch behind moves forward."""
    shell.run("add", "user", "start")
    shell.run("branch", "topic")
    shell.run("add", "user", "main's")
    shell.run("switch", "topic")
    behind = shell.run("rebase", "main")
    shell.run("add", "user", "topic's")
    again = shell.run("rebase", "main")

    assert behind.out.startswith("topic had nothing of its own: it now stands where main does")
    assert again.lines == ["topic stands on main already"]


def test_commits_are_picked_and_taken_back(shell: Shell) -> None:
    """Several at once; what is there already adds nothing."""
    shell.run("add", "user", "start")
    shell.run("switch", "-c", "topic")
    for word in ("one", "two"):
        shell.run("add", "user", word)
    shell.run("switch", "main")

    picked = shell.run("cherry-pick", "main..topic")
    again = shell.run("cherry-pick", "topic~1", "topic")
    reverted = shell.run("revert", "HEAD", "--json").json

    assert picked.out.startswith("picked main..topic onto main at ")
    assert picked.out.rstrip().endswith(": 2 commits")
    assert again.lines == ["main has topic~1 topic already"]
    assert (reverted["verb"], reverted["kind"], len(reverted["commits"])) == ("revert", "clean", 1)
    assert shell.texts() == ["start", "one"]


def test_a_conflict_is_shown_settled_and_gone_on_with(shell: Shell) -> None:
    """`status`, `conflicts` and `resolve` work as for a merge; the hints name the right command."""
    conflicted(shell)

    waits = shell.run("rebase", "main", code=1)
    status = shell.run("status")
    shown = shell.run("conflicts")
    (conflict,) = shell.run("conflicts", "--json").json
    settled = shell.run("resolve", "--text", "both")
    done = shell.run("rebase", "--continue")

    assert waits.lines[0] == "rebasing topic onto main: 1 conflict open"
    assert "'tract rebase --continue'" in waits.out
    assert "Rebasing topic onto main: 1 conflict open" in status.lines
    assert "the topic's words" in shown.out
    assert conflict["theirs"]["text"] == "topic's"
    assert "'tract rebase --continue' commits it" in settled.out
    assert done.out.startswith("rebased topic onto main at ")
    assert done.out.rstrip().endswith(": 2 commits, 1 conflict settled")
    assert shell.texts() == ["both", "more"]


def test_what_waits_is_skipped_or_given_up(shell: Shell) -> None:
    """`--abort` changes nothing, `--skip` leaves out the commit that waits."""
    conflicted(shell)
    shell.run("rebase", "main", code=1)

    given_up = shell.run("rebase", "--abort")
    assert given_up.lines == ["the rebase on topic is given up; nothing was changed"]
    assert shell.texts() == ["topic's", "more"]
    shell.run("rebase", "main", code=1)
    skipped = shell.run("rebase", "--skip")

    assert skipped.out.rstrip().endswith(": 1 commit, 1 left out")
    assert shell.texts() == ["main's", "more"]


def test_each_command_goes_on_with_its_own(shell: Shell) -> None:
    """A rebase that waits is no cherry-pick, nor a merge, and none begins beside it."""
    conflicted(shell)
    shell.run("rebase", "main", code=1)

    assert shell.fails("cherry-pick", "--continue") == "no cherry-pick waits on 'topic'; a rebase does"
    assert shell.fails("merge", "--continue") == "no merge waits on 'topic'"
    assert shell.fails("merge", "main") == "a rebase on 'topic' waits"
    assert shell.fails("revert", "HEAD") == "a rebase on 'topic' waits"
    assert shell.fails("rebase", "--continue") == "1 conflict is not settled"


@pytest.mark.parametrize(
    "arguments",
    [["rebase"], ["revert"], ["cherry-pick"], ["rebase", "main", "--abort"], ["rebase", "main", "--auto"]],
)
def test_a_wrong_command_line_is_said(shell: Shell, arguments: list[str]) -> None:
    """Either something to replay or one of the options that go on, and --auto only with --llm."""
    shell.fails(*arguments, code=2)


def test_a_strategy_settles_conflicts(shell: Shell) -> None:
    """--theirs takes the commit's words, as in git."""
    conflicted(shell)

    shell.run("rebase", "main", "--theirs")

    assert shell.texts() == ["topic's", "more"]


def test_a_replay_goes_on_in_another_process(shell: Shell) -> None:
    """Each step is a process of its own."""
    conflicted(shell)

    codes = [
        shell.process("rebase", "main").returncode,
        shell.process("resolve", "--theirs").returncode,
        shell.process("rebase", "--continue").returncode,
    ]

    assert codes == [1, 0, 0]
    assert shell.texts() == ["topic's", "more"]


def test_json_tells_what_waits(shell: Shell) -> None:
    """The status has the replay, and the replay has the commit that waits."""
    conflicted(shell)
    waits = shell.run("rebase", "main", "--json", code=1).json

    status = shell.run("status", "--json").json

    assert status["merge"] is None
    assert status["replay"] == waits
    assert json.loads(shell.run("log", "-n", "2", "--json").out)[1]["id"] == waits["waiting_id"]
