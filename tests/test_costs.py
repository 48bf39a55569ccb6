"""What verbs cost on SQLite in statements, rows and steps of its machine, however long the history is."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from sqlite_counting import rows, statements, steps
from tract import Tract
from tract_support import answering, asking, say

Open = Callable[[], Tract]


@pytest.fixture
def cold(connections: list[sqlite3.Connection], path: Path) -> Iterator[Open]:
    """Open the store of a test with empty caches, as a new process would; what is opened counts its statements."""
    assert connections == []
    with ExitStack() as opened:
        yield lambda: opened.enter_context(Tract.open(path, durability="normal"))


def recorded(t: Tract, count: int) -> list[str]:
    """Record so many messages, each its own commit, and return their ids."""
    return [str(t.user(f"message {number}").message_id) for number in range(count)]


@pytest.mark.parametrize("length", [0, 3, 300])
@pytest.mark.parametrize("count", [1, 2, 1000])
def test_an_append_takes_at_most_six_statements(cold: Open, length: int, count: int) -> None:
    """Any number of messages, behind any history, by an object that has read nothing and by one that has."""
    recorded(cold(), length)
    messages = [say("user", f"new {number}") for number in range(count)]
    t = cold()

    first = statements(lambda: t.append(messages))
    second = statements(lambda: t.append(messages))

    assert max(len(first), len(second)) <= 6, (first, second)


def test_a_call_and_its_result_are_appends_like_others(cold: Open) -> None:
    """Which call a result answers is known from the tip."""
    recorded(cold(), 100)
    asker, answerer = cold(), cold()

    asked = statements(lambda: asker.append(asking("c1", "c2")))
    answered = statements(lambda: answerer.append([answering("c2"), answering("c1")]))

    assert max(len(asked), len(answered)) <= 6, (asked, answered)


def test_a_batch_is_written_in_at_most_six_statements(cold: Open) -> None:
    """Whatever was recorded in it."""
    recorded(cold(), 50)
    t = cold()

    def batch() -> None:
        with t.batch():
            for number in range(100):
                t.user(f"new {number}")

    assert len(statements(batch)) <= 6


@pytest.mark.parametrize("length", [1, 63, 64, 65, 2000])
def test_a_compile_takes_at_most_six_statements(cold: Open, length: int) -> None:
    """Any linear history, edited and marked, read by an object that has read nothing."""
    t = cold()
    t.append([say("user", f"message {number}") for number in range(length // 2)] or [say("user", "x")])
    ids = recorded(t, length - length // 2)
    t.edit(ids[0], "edited")
    t.pin(ids[-1])
    t = cold()

    first = statements(t.compile)
    again = statements(t.compile)

    assert len(first) <= 6, first
    assert len(again) <= 1, again


def test_a_history_regenerated_at_every_turn_compiles_in_as_many_statements(cold: Open) -> None:
    """Each answer was thrown away and given anew: as many lines as turns, and one chain."""
    t = cold()
    for number in range(40):
        t.user(f"question {number}")
        t.assistant("thrown away")
        t.reset("HEAD^")
        t.assistant("kept")
    t = cold()

    seen = statements(t.compile)

    assert len(seen) <= 6, seen
    assert t.status().message_count == 80


@pytest.mark.parametrize("length", [1, 500])
def test_branching_takes_at_most_five_statements(cold: Open, length: int) -> None:
    """Making a branch, here or in the middle of a history, and going to one, there or new."""
    recorded(cold(), length)
    middle = f"HEAD~{length // 2}"
    cold().branch("old")
    acts: list[Callable[[Tract], object]] = [
        lambda t: t.branch("here"),
        lambda t: t.branch("middle", middle),
        lambda t: t.switch("old"),
        lambda t: t.switch("made", create=True),
    ]

    costs = [statements(partial(act, t)) for act in acts for t in (cold(),)]

    assert max(map(len, costs)) <= 5, costs


def diverged(path: Path, shared: int) -> Path:
    """Make a store whose branches `main` and `other` have so many messages in common, and three each of their own."""
    with Tract.open(path, durability="normal") as t:
        recorded(t, shared)
        t.branch("other")
        recorded(t, 3)
        t.switch("other")
        recorded(t, 3)
        t.switch("main")
    return path


def test_a_merge_takes_as_many_statements_over_any_shared_history(
    connections: list[sqlite3.Connection], tmp_path: Path
) -> None:
    """A hundred messages in common or a thousand, for an object that has read nothing."""
    counts = []
    for shared in (100, 1000):
        with Tract.open(diverged(tmp_path / str(shared), shared), durability="normal") as t:
            counts.append(len(statements(partial(t.merge, "other"))))

    assert counts[0] == counts[1] <= 15


@pytest.mark.parametrize(
    "lengths", [(1000, 10_000), pytest.param((10_000, 100_000), marks=pytest.mark.long)], ids=["short", "long"]
)
def test_a_merge_reads_as_many_rows_over_any_shared_history(
    connections: list[sqlite3.Connection], tmp_path: Path, lengths: tuple[int, int]
) -> None:
    """Where both tips were compiled before, the merge and the compile that follows read what is new alone."""
    fetched = []
    for shared in lengths:
        with Tract.open(tmp_path / str(shared), durability="normal") as t:
            for start in range(0, shared, 500):
                t.append([say("user", f"{start + number}") for number in range(500)])
            t.branch("other")
            for branch in ("main", "other"):
                t.switch(branch)
                recorded(t, 50)
                t.compile()
            t.switch("main")

            def merge(tract: Tract = t) -> None:
                assert tract.merge("other").committed
                tract.compile()

            fetched.append(rows(connections[-1], merge))

    assert fetched[1] <= 1.2 * fetched[0]


def test_an_append_takes_as_many_steps_behind_ten_thousand_messages(
    cold: Open, connections: list[sqlite3.Connection]
) -> None:
    """The last of ten thousand messages costs SQLite what the first ones did."""
    t = cold()
    (connection,) = connections
    recorded(t, 20)
    early = steps(connection, lambda: t.user("early"))
    for number in range(499):
        t.append([say("user", f"{number} {part}") for part in range(20)])

    late = steps(connection, lambda: t.user("late"))

    assert t.status().message_count == 10_002
    assert late <= 1.1 * early


def test_a_compile_after_one_append_fetches_five_rows_at_most(
    cold: Open, connections: list[sqlite3.Connection]
) -> None:
    """What was compiled before is not read again."""
    t = cold()
    (connection,) = connections
    t.append([say("user", f"message {number}") for number in range(10_000)])
    t.compile()
    t.user("one more")

    fetched = rows(connection, t.compile)

    assert fetched <= 5
    assert t.compile().messages[-1].text == "one more"


@pytest.mark.parametrize("length", [10, 600])
def test_a_search_that_has_nothing_to_catch_up_with_takes_eight_statements(cold: Open, length: int) -> None:
    """Whatever the history's length; and what it reads of the log and of the index stays the same."""
    t = cold()
    recorded(t, length)
    t.user("a needle")
    t.search("needle")
    other = cold()

    seen = statements(lambda: other.search("needle"))
    read = rows(other._repo.store._database._handle().connection, lambda: other.search("needle"))  # type: ignore[attr-defined]

    assert len(seen) <= 8, seen
    assert read < 20


def test_a_search_catches_up_with_what_is_new_alone(cold: Open) -> None:
    """Three commits more cost a handful of statements, behind any history."""
    t = cold()
    recorded(t, 500)
    t.search("message")
    recorded(t, 3)

    assert len(statements(lambda: t.search("nothing"))) <= 12


def test_a_blame_reads_down_to_where_the_message_came_in(cold: Open) -> None:
    """Not the whole history of the branch; edits cost no statements of their own."""
    t = cold()
    recorded(t, 2000)
    message_id = recorded(t, 1)[0]
    for number in range(20):
        t.edit(message_id, f"one\n{number}")
    t.compile()

    assert len(statements(lambda: t.blame(message_id))) <= 4
