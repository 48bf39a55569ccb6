"""Recorded runs of an agent, from start to end: in, out equal, four ways for each task, merged, and sent."""

from collections import defaultdict
from itertools import takewhile
from pathlib import Path
from typing import Any

from tract import Resolution, Tract
from tract_support import Json, needs_data, say, tau_runs

pytestmark = needs_data


def tasks() -> dict[int, list[list[Json]]]:
    """Return the recorded conversations by task: four trials of each."""
    found: dict[int, list[list[Json]]] = defaultdict(list)
    for run in tau_runs():
        found[run["task_id"]].append(run["traj"])
    return found


def shared(trials: list[list[Json]]) -> list[Json]:
    """Return what all trials of a task begin with."""
    together = zip(*trials, strict=False)
    return [messages[0] for messages in takewhile(lambda messages: all(m == messages[0] for m in messages), together)]


def branched(t: Tract, trials: list[list[Json]]) -> list[str]:
    """Import what the trials share, branch, and import each whole trial onto its branch; return the branches."""
    t.import_messages(shared(trials))
    names = [f"trial-{number}" for number in range(len(trials))]
    for name, trial in zip(names, trials, strict=True):
        t.branch(name, "main")
        t.switch(name)
        t.import_messages(trial)
    return names


def asking_for(text: str) -> Any:
    """Return a resolver that answers every conflict with both sides' words and its own."""
    return lambda issue: Resolution("resolved", content_text=f"{issue.content_a_text} {issue.content_b_text} {text}")


def test_every_task_branches_four_ways_and_merges(path: Path) -> None:
    """Each trial compiles to what was recorded; merged, each message of all of them stands there once, and in order."""
    for task, trials in tasks().items():
        with Tract.open(path, name=f"task-{task}", durability="normal") as t:
            names = branched(t, trials)
            ways = [t.compile(name).message_ids for name in names]
            assert [t.compile(name).to_openai() for name in names] == trials

            t.switch(names[0])
            kinds = [t.merge(name).kind for name in names[1:]]

            merged = t.compile()
            place = {message_id: number for number, message_id in enumerate(merged.message_ids)}
            assert kinds == ["clean"] * 3
            assert sorted(merged.message_ids) == sorted({message_id for way in ways for message_id in way})
            for way, trial in zip(ways, trials, strict=True):
                places = [place[message_id] for message_id in way]
                assert places == sorted(places)
                assert [merged.to_openai()[number] for number in places] == trial

    assert len(Tract.tracts(path)) == len(tasks()) == 12
    with Tract.open(path) as t:
        assert t.fsck().is_clean


def test_four_ways_on_from_one_run_merge_with_their_conflicts_settled(path: Path) -> None:
    """Of four branches that edit and go on, one is merged by a rule, one by a resolver, and one by a later process."""
    for task, trials in tasks().items():
        run = trials[0]
        with Tract.open(path, name=f"task-{task}", durability="normal") as t:
            asked = t.import_messages(run).message_ids[1]
            answer_to = [say("tool", "done") | {"tool_call_id": call["id"]} for call in run[-1].get("tool_calls") or ()]
            if answer_to or run[-1]["role"] == "user":
                t.append([*answer_to, say("assistant", "Done.")])
            before = t.compile().to_openai()
            for number in range(4):
                t.branch(f"way-{number}", "main")
                t.switch(f"way-{number}")
                t.edit(asked, f"Flight {number}.")
                t.user(f"Thank you, {number}.")

            t.switch("way-0")
            t.merge("way-1", strategy="ours")
            t.merge("way-2", resolver=asking_for("Both."), auto_commit=True)
            waiting = t.merge("way-3")
        with Tract.open(path, name=f"task-{task}", durability="normal") as t:
            (conflict,) = waiting.conflicts
            session = t.merge_session()
            assert session is not None
            session.resolve(conflict.id, "theirs")
            t.commit_merge()

            expected = [*before, *(say("user", f"Thank you, {number}.") for number in range(4))]
            expected[1] = say("user", "Flight 3.")
            assert t.compile().to_openai() == expected
            assert [version.message.text for version in t.history(asked)][-2:] == [
                "Flight 0. Flight 2. Both.",
                "Flight 3.",
            ]
            assert t.compile("main").to_openai() == before

    with Tract.open(path) as t:
        assert t.fsck().is_clean
