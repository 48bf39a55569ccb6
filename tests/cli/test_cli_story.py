"""One story from start to end, over recorded runs of an agent."""

import json
from collections import defaultdict
from typing import Any

import pytest

from cli_support import DATA, Shell

RUNS = DATA / "tau_bench_airline" / "dev_tasks_00-11.jsonl"

pytestmark = pytest.mark.skipif(not RUNS.exists(), reason="the recorded runs are not here")


def runs() -> list[dict[str, Any]]:
    """Return the recorded runs."""
    return [json.loads(line) for line in RUNS.read_text().splitlines()]


def command(shell: Shell, *arguments: str, code: int = 0) -> str:
    """Run a command as a process of its own and return what it printed."""
    done = shell.process(*arguments)
    assert done.returncode == code, done.stderr
    return done.stdout.decode()


def test_a_recorded_run_branches_four_ways_conflicts_and_merges(shell: Shell) -> None:
    """Import, branch four ways, change, merge, settle, go on in another process, compile."""
    first = runs()[0]["traj"]
    shell.run("import", str(RUNS), "--run", "1")
    asked = shell.run("compile", "--json").json["messages"][1]["id"]
    for number in range(4):
        shell.run("branch", f"way-{number}")
    for number in range(4):
        shell.run("switch", f"way-{number}")
        shell.run("edit", asked[:12], f"Book me flight {number}.", "-m", f"flight {number}")
        shell.says("user", f"Thank you, {number}.")
    shell.run("switch", "main")

    shell.run("merge", "way-0")
    command(shell, "merge", "way-1", code=1)
    (conflict,) = json.loads(command(shell, "conflicts", "--json"))
    command(shell, "resolve", conflict["id"][:8], "--text", "Book me flights 0 and 1.")
    command(shell, "merge", "--continue")
    shell.run("merge", "way-2", "--ours")
    shell.run("merge", "way-3", "--theirs")

    messages = json.loads(command(shell, "compile", "--openai"))
    assert messages[1]["content"] == "Book me flight 3."
    assert [message["content"] for message in messages[len(first) :]] == [f"Thank you, {n}." for n in range(4)]
    assert messages[2 : len(first)] == first[2:]
    assert shell.run("fsck").lines == ["clean"]
    assert len(shell.run("log", "--json").json) == 1 + 4 * 2 + 3


def test_every_recorded_run_comes_out_as_it_went_in(shell: Shell) -> None:
    """All runs go onto branches of their own, each compiles to what was recorded, and the four of each task merge."""
    tasks: dict[int, list[str]] = defaultdict(list)
    shell.run("import", str(RUNS), "--all")

    for number, run in enumerate(runs(), start=1):
        assert shell.run("compile", f"run-{number}", "--openai").json == run["traj"]
        tasks[run["task_id"]].append(f"run-{number}")

    assert all(len(branches) == 4 for branches in tasks.values())
    for base, *others in tasks.values():
        shell.run("switch", base)
        for other in others:
            shell.run("merge", other, "--allow-unrelated", "--ours")
        merged = shell.run("compile", "--openai").json
        for number in (int(name.removeprefix("run-")) - 1 for name in (base, *others)):
            assert all(message in merged for message in runs()[number]["traj"])
    assert shell.run("fsck").lines == ["clean"]
