"""Processes that race for one file: every message is there, once, in one line, and nobody waits for ever."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from process_support import start
from tract import Tract
from tract.model.messages import parse_message
from tract.operations.record import Draft, Notes
from tract_support import Another, texts

Tell = Callable[[object], None]


def append_many(tell: Tell, path: Path, writer: int, count: int) -> None:
    """Append so many messages, and tell each commit that was acknowledged, with where it landed."""
    with Tract.open(path, durability="normal") as t:
        for n in range(count):
            tell(t.user(f"{writer} {n}").id)


def merge_many(tell: Tell, path: Path, count: int) -> None:
    """Write on a branch of its own and merge it into the appenders' branch, again and again."""
    with Tract.open(path, durability="normal", workspace="merger") as t:
        t.switch("side", create=True)
        for n in range(count):
            tell(t.user(f"side {n}").id)
            t.switch("main")
            result = t.merge("side")
            assert result.committed, result
            assert result.commit is not None
            tell(result.commit.id)
            t.switch("side")
            t.merge("main")


def rebase_many(tell: Tell, path: Path, count: int) -> None:
    """Write on a branch of its own, rebase it on the appenders' branch, and let that follow, again and again."""
    with Tract.open(path, durability="normal", workspace="rebaser") as t:
        t.switch("side", create=True)
        for n in range(count):
            t.user(f"side {n} a")
            t.user(f"side {n} b")
            t.rebase("main")
            t.switch("main")
            result = t.merge("side")
            assert result.commit is not None
            tell(result.commit.id)
            t.switch("side")
            t.merge("main")


def compress_many(tell: Tell, path: Path, count: int) -> None:
    """Fold all that stands on the appenders' branch, and show it again, again and again."""
    with Tract.open(path, durability="normal", workspace="compresser") as t:
        for n in range(count):
            t.user(f"side {n}")
            made = t.compress("..", summary=f"summary {n}")
            tell(made.id)
            assert made.message_id is not None
            tell(t.expand(made.message_id).id)


def open_new(tell: Tell, path: Path, writer: int) -> None:
    """Open a store that may not be there yet, and say one thing."""
    with Tract.open(path) as t:
        tell(t.user(f"{writer}").id)


def in_one_line(path: Path, writers: int, count: int) -> None:
    """Check that so many writers appended so many messages each, none of them last by being kept waiting to the end."""
    started = [start(append_many, path, writer, count) for writer in range(writers)]

    acknowledged = [made for worker in started for made in worker.told()]
    codes = [worker.join() for worker in started]

    assert codes == [0] * writers
    with Tract.open(path) as t:
        log = t.log()
        assert len(set(acknowledged)) == writers * count
        assert {commit.id for commit in log} == set(acknowledged)
        assert all(older.id == newer.parents[0] for newer, older in pairwise(log))
        said = texts(t)
        assert Counter(said) == Counter(f"{writer} {n}" for writer in range(writers) for n in range(count))
        for writer in range(writers):
            mine = [text for text in said if text.startswith(f"{writer} ")]
            assert mine == [f"{writer} {n}" for n in range(count)]
        assert t.fsck().is_clean


def test_eight_processes_append_in_one_line(path: Path) -> None:
    """Each of 8 x 40 messages is there once, in its writer's order."""
    in_one_line(path, 8, 40)


@pytest.mark.long
def test_sixteen_processes_append_in_one_line(path: Path) -> None:
    """Each of 16 x 500 messages is there once, in its writer's order."""
    in_one_line(path, 16, 500)


def beside_appenders(path: Path, appenders: int, count: int, act: Callable[..., None], times: int) -> list[str]:
    """Check that what another does to a branch that others append to loses nothing of theirs.

    Returns all texts on the branch that are not theirs.
    """
    with Tract.open(path, durability="normal") as t:
        t.system("begin")
    started = [start(append_many, path, writer, count) for writer in range(appenders)]
    started.append(start(act, path, times))

    acknowledged = [made for worker in started for made in worker.told()]
    codes = [worker.join() for worker in started]

    assert codes == [0] * len(started)
    with Tract.open(path) as t:
        assert set(acknowledged) <= {commit.id for commit in t.log()}
        said = texts(t)
        for writer in range(appenders):
            assert [text for text in said if text.startswith(f"{writer} ")] == [f"{writer} {n}" for n in range(count)]
        assert t.fsck().is_clean
        return [text for text in said if not text[0].isdigit()]


def test_merges_beside_appenders(path: Path) -> None:
    """Two appenders and a merger share a branch: no message is lost or doubled."""
    others = beside_appenders(path, 2, 30, merge_many, 10)

    assert others == ["begin", *(f"side {n}" for n in range(10))]


def test_rebases_beside_appenders(path: Path) -> None:
    """What is rebased on a branch that others append to gets there whole and in order."""
    others = beside_appenders(path, 2, 30, rebase_many, 10)

    assert others == ["begin", *(f"side {n} {part}" for n in range(10) for part in "ab")]


def test_summaries_beside_appenders(path: Path) -> None:
    """A branch folded and shown again while others append to it has all they said, in their order."""
    others = beside_appenders(path, 2, 30, compress_many, 10)

    assert others == ["begin", *(f"side {n}" for n in range(10))]


@pytest.mark.long
@pytest.mark.parametrize("act", [merge_many, rebase_many, compress_many])
def test_much_beside_many_appenders(path: Path, act: Callable[..., None]) -> None:
    """Eight appenders of 200 messages each, and 100 merges, rebases, or summaries and their expansions."""
    assert len(beside_appenders(path, 8, 200, act, 100)) > 100


def test_sixteen_processes_open_a_new_file_at_once(tmp_path: Path) -> None:
    """Eight times: all of them open it, write, and find each other's messages."""
    for number in range(8):
        path = tmp_path / f"{number}.db"
        started = [start(open_new, path, writer) for writer in range(16)]

        acknowledged = [made for worker in started for made in worker.told()]
        codes = [worker.join() for worker in started]

        assert codes == [0] * 16
        with Tract.open(path) as t:
            assert {commit.id for commit in t.log()} == set(acknowledged)
            assert len(acknowledged) == 16


def test_a_message_that_lost_a_race_reads_no_history(t: Tract, another: Another) -> None:
    """It goes on the newer tip at once, however long the history: else who is new would never catch up."""
    for n in range(100):
        t.user(f"{n}")
    late = another()
    draft = Draft(late._repo, late._repo.operation("append"))
    draft.say([parse_message({"role": "user", "content": "late"})])
    t.user("first")

    draft.publish(Notes())

    assert late._repo.caches.contexts.newest() == []
    assert texts(t)[-2:] == ["first", "late"]
