"""Lost races: what several writers record on one branch, at once or between each other's reading and writing."""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tract import ConcurrentMoveError, ContentError, Tract
from tract.operations.repo import Workspace
from tract_support import Another, answering, asking, ids, say, texts

APPENDS = 50
PROCESSES = 4


def race(t: Tract, slow: Callable[[Tract], object], fast: Callable[[], object]) -> None:
    """Let another writer finish between what one writer reads and what it writes."""
    with t.batch():
        slow(t)
        fast()


@pytest.fixture
def other(t: Tract, another: Another) -> Tract:
    """Another object on the branch of `t`, which has a short conversation on it."""
    t.append([say("system", "s"), say("user", "u"), asking("c1", "c2")])
    t.append([answering("c1"), answering("c2"), say("assistant", "a")])
    t.configure(model="gpt-4o")
    return another()


def test_an_append_is_replayed_with_its_ids(t: Tract, other: Tract) -> None:
    """What both said is there once, the loser's behind, under the ids that it was given before the race."""
    given: list[str] = []

    def slow(t: Tract) -> None:
        given.extend(t.append([say("user", "slow 1"), asking("c3"), answering("c3")]).message_ids)
        t.configure(temperature=0)
        given.append(str(t.assistant("slow 2").message_id))

    race(t, slow, lambda: other.user("fast"))

    assert texts(t)[-5:] == ["fast", "slow 1", "", "found", "slow 2"]
    assert ids(t)[-4:] == given
    assert t.log()[0].message_ids == tuple(given)
    assert t.log()[0].parents == (t.log()[1].id,) == (t.resolve_revision("main@{1}"),)
    assert ids(other) == ids(t)
    assert t.status().token_count == t.compile().token_count


def test_the_first_commits_of_two_writers_follow_each_other(t: Tract, another: Another) -> None:
    """On an unborn branch one of two becomes the root, and the other its child."""
    other = another()

    race(t, lambda t: t.user("slow"), lambda: other.user("fast"))

    assert texts(t) == texts(other) == ["fast", "slow"]
    assert len(t.log()) == 2


@pytest.mark.parametrize(
    ("slow", "fast"),
    [
        (lambda t, m: t.edit(m[1], "slow"), lambda t, m: t.edit(m[1], "fast")),
        (lambda t, m: t.edit(m[1], "slow"), lambda t, m: t.skip(m[1])),
        (lambda t, m: t.edit(m[2], "slow"), lambda t, m: t.pin(m[3])),
        (lambda t, m: t.edit(m[3], "slow"), lambda t, m: t.pin(m[2])),
        (lambda t, m: t.pin(m[1]), lambda t, m: t.skip(m[1])),
        (lambda t, m: t.pin(m[1]), lambda t, m: t.edit(m[1], "fast")),
        (lambda t, m: t.configure(model="a"), lambda t, m: t.configure(model="b")),
        (lambda t, m: t.configure(x=True), lambda t, m: t.configure(x=1)),
        (lambda t, m: [t.user("new"), t.edit(m[1], "slow")], lambda t, m: t.edit(m[1], "fast")),
    ],
)
def test_changes_of_what_moved_are_refused(t: Tract, other: Tract, slow: Any, fast: Any) -> None:
    """A change of what another writer changed meanwhile is an error with both tips, and nothing is written."""
    messages = ids(t)
    before = t.head_id

    with pytest.raises(ConcurrentMoveError) as error:
        race(t, lambda t: slow(t, messages), lambda: fast(other, messages))

    assert (error.value.ref, error.value.expected, error.value.found) == ("heads/main", before, other.head_id)
    assert t.head_id == other.head_id
    t.user("after")


@pytest.mark.parametrize(
    ("slow", "fast"),
    [
        (lambda t, m: t.edit(m[1], "slow"), lambda t, m: t.edit(m[0], "fast")),
        (lambda t, m: t.edit(m[3], "slow"), lambda t, m: t.edit(m[4], "fast")),
        (lambda t, m: t.pin(m[1]), lambda t, m: t.user("fast")),
        (lambda t, m: t.skip(m[3]), lambda t, m: t.configure(model="b")),
        (lambda t, m: t.configure(temperature=1), lambda t, m: t.configure(model="b")),
        (lambda t, m: t.user("slow"), lambda t, m: [t.skip(m[1]), t.edit(m[0], "fast")]),
    ],
)
def test_changes_of_different_things_are_replayed(t: Tract, other: Tract, slow: Any, fast: Any) -> None:
    """What two writers changed apart stands together, as if one had waited for the other."""
    messages = ids(t)
    t.branch("alone")

    race(t, lambda t: slow(t, messages), lambda: fast(other, messages))
    t.switch("alone")
    fast(t, messages)
    slow(t, messages)

    raced, alone = t.compile("main"), t.compile()
    assert raced.to_openai() == alone.to_openai()
    assert raced.config == alone.config
    other_facts = other.status()
    assert (other_facts.message_count, other_facts.token_count) == (len(raced), raced.token_count)


def test_anything_but_a_result_behind_an_open_call_is_refused(t: Tract, other: Tract) -> None:
    """Where the newer tip waits for a result, words cannot follow."""
    with pytest.raises(ContentError, match="waits"):
        race(t, lambda t: t.user("slow"), lambda: other.append(asking("c9")))

    assert t.compile().to_openai()[-1] == asking("c9")
    t.tool("x", tool_call_id="c9")


def test_changes_of_old_messages_may_follow_an_open_call(t: Tract, other: Tract) -> None:
    """An edit or a mark stands in nobody's way."""
    race(t, lambda t: t.edit(ids(t)[1], "slow"), lambda: other.append(asking("c9")))

    assert texts(t)[1] == "slow"
    t.tool("x", tool_call_id="c9")


def test_one_call_is_answered_once(t: Tract, other: Tract) -> None:
    """Of two results of one call the later is refused; of two calls' both stand."""
    t.append(asking("k", "l"))

    with pytest.raises(ConcurrentMoveError):
        race(t, lambda t: t.tool("slow", tool_call_id="k"), lambda: other.tool("fast", tool_call_id="k"))
    t.append([answering("l"), asking("m", "n")])
    race(t, lambda t: t.tool("slow", tool_call_id="m"), lambda: other.tool("fast", tool_call_id="n"))

    assert texts(t)[-6:] == ["", "fast", "found", "", "fast", "slow"]
    t.user("next")


def test_a_result_of_a_call_hidden_meanwhile_is_refused(t: Tract, other: Tract) -> None:
    """An answer to a call that another writer skipped is not taken for one that is shown."""
    asked = str(t.append(asking("k")).message_id)

    with pytest.raises(ConcurrentMoveError):
        race(t, lambda t: t.tool("slow", tool_call_id="k"), lambda: other.skip(asked))

    assert t.status().message_count == len(ids(t))


def test_a_mark_of_a_call_is_replayed_behind_its_result(t: Tract, other: Tract) -> None:
    """A result that came meanwhile takes the mark of its call."""
    asked = str(t.append(asking("k")).message_id)

    race(t, lambda t: t.skip(asked), lambda: other.tool("fast", tool_call_id="k"))

    assert "fast" not in texts(t)
    assert t.status().message_count == len(ids(t))


def test_showing_what_is_behind_an_open_call_now_is_refused(t: Tract, other: Tract) -> None:
    """A call without a result is not shown again where words follow it by now."""
    asked = str(t.append(asking("k")).message_id)
    t.skip(asked)

    with pytest.raises(ContentError):
        race(t, lambda t: t.unskip(asked), lambda: other.user("fast"))

    t.assistant("fine")


def test_a_branch_that_was_reset_refuses(t: Tract, other: Tract) -> None:
    """A tip that does not descend from the one that was read is another story."""
    t.user("gone")
    before = t.head_id

    with pytest.raises(ConcurrentMoveError) as error:
        race(t, lambda t: t.user("slow"), lambda: other.reset("HEAD~1"))

    assert (error.value.expected, error.value.found) == (before, t.head_id)


def test_imports_at_once_add_a_conversation_once(t: Tract, another: Another) -> None:
    """Two that import the same conversation at once, one of them longer, end with the longer one."""
    conversation = [say("user", str(number)) for number in range(5)]
    both = threading.Barrier(2)
    objects = [t, another()]

    def run(place: int) -> int:
        both.wait(10)
        return objects[place].import_messages(conversation[: 3 + 2 * place]).added

    with ThreadPoolExecutor(2) as threads:
        added = list(threads.map(run, range(2)))

    assert texts(t) == ["0", "1", "2", "3", "4"]
    assert sum(added) == 5


def test_an_import_that_lost_a_race_is_planned_again(
    t: Tract, another: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another writer imported meanwhile is not added again, and nothing left to add makes no commit."""
    other = another()
    conversation = [say("user", "a"), say("assistant", "b")]
    publish = t._repo.store.publish

    def late(*args: Any) -> None:
        monkeypatch.undo()
        other.import_messages(conversation)
        publish(*args)

    monkeypatch.setattr(t._repo.store, "publish", late)
    report = t.import_messages(conversation)

    assert (report.added, report.commit) == (0, None)
    assert list(report.message_ids) == ids(t)
    assert len(t.log()) == 1


def test_threads_share_a_tract(t: Tract) -> None:
    """What eight threads say through one object is all there once, on one line, while others read."""
    t.user("first")

    def work(number: int) -> None:
        for count in range(15):
            said = t.user(f"{number} {count}")
            assert t.compile(said.id).message_ids[-1] == said.message_id
            compiled = t.compile()
            assert len(compiled.message_ids) == len(compiled.to_openai()) == len(compiled.token_counts)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))

    said = texts(t)
    assert sorted(said[1:]) == sorted(f"{number} {count}" for number in range(8) for count in range(15))
    for number in range(8):
        own = [text for text in said if text.startswith(f"{number} ")]
        assert own == [f"{number} {count}" for count in range(15)]
    assert [len(commit.parents) for commit in t.log()] == [1] * 120 + [0]
    assert t.fsck().is_clean


def test_threads_that_fork_one_context_do_not_mix(t: Tract) -> None:
    """Branches that grow from one commit at once, sharing its list in memory, keep to themselves."""
    for number in range(20):
        t.user(str(number))
    branches = [f"b{number}" for number in range(6)]
    for branch in branches:
        t.branch(branch)

    def work(branch: str) -> list[str]:
        own = Tract(replace(t._repo, workspace=Workspace(branch, branch, born=True)))
        for count in range(20):
            own.user(f"{branch} {count}")
        return texts(own)

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(work, branches))

    start = [str(number) for number in range(20)]
    assert found == [start + [f"{branch} {count}" for count in range(20)] for branch in branches]
    assert texts(t) == start


def append_from_a_process(place: str, name: str) -> None:
    """Say things on `main`, one after the other."""
    with Tract.open(place, durability="normal") as t:
        for count in range(APPENDS):
            t.user(f"{name} {count}")


def test_processes_share_a_file(tmp_path: Path) -> None:
    """What four processes say at once, the store made by them too, is all there once, on one line."""
    place = str(tmp_path / "work.db")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=append_from_a_process, args=(place, name)) for name in "abcd"[:PROCESSES]]

    for process in processes:
        process.start()
    for process in processes:
        process.join(120)

    assert [process.exitcode for process in processes] == [0] * PROCESSES
    with Tract.open(place) as t:
        said = texts(t)
        for name in "abcd":
            assert [text for text in said if text.startswith(name)] == [f"{name} {count}" for count in range(APPENDS)]
        assert len(said) == PROCESSES * APPENDS
        assert {len(commit.parents) for commit in t.log(limit=len(said) - 1)} == {1}
        assert len(t._repo.store.chain(str(t.head_id))) == len(said)
        assert t.fsck().is_clean
