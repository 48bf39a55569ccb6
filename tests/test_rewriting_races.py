"""Replays beside other writers and in other processes: nothing is lost, and what they cost follows what they replay."""

import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from sqlite_counting import statements
from tract import ConcurrentMoveError, ReplayInProgressError, Resolution, Tract

APPENDS = 25


def append_to(place: str, branch: str, workspace: str) -> None:
    """Say things on a branch, one after the other; what a rebase was in the way of is said again."""
    with Tract.open(place, workspace=workspace, durability="normal") as t:
        t.switch(branch)
        for count in range(APPENDS):
            while True:
                try:
                    t.user(f"{workspace} {count}")
                    break
                except ConcurrentMoveError:
                    continue


def rebase_often(place: str) -> None:
    """Rebase a branch that another writes to onto one that another writes to."""
    with Tract.open(place, workspace="rebaser", durability="normal") as t:
        t.switch("topic")
        for _ in range(10):
            t.rebase("main")


def settle(place: str) -> None:
    """Go on with a replay that waits, as a process that knows nothing of how it began."""
    with Tract.open(place) as t:
        waiting = t.replay_session()
        assert waiting is not None
        waiting.resolve(waiting.open_conflicts[0].id, "both")
        t.continue_replay()


def run(*jobs: tuple[Any, tuple[str, ...]]) -> None:
    """Run jobs in processes of their own, at once."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=target, args=args) for target, args in jobs]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def test_rebases_beside_appenders_lose_nothing(tmp_path: Path) -> None:
    """Everything said on two branches is there once, in order, after rebases ran beside the appenders."""
    place = str(tmp_path / "work.db")
    with Tract.open(place) as t:
        t.user("start")
        t.branch("topic")

    run((append_to, (place, "main", "a")), (append_to, (place, "topic", "b")), (rebase_often, (place,)))

    with Tract.open(place) as t:
        t.switch("topic")
        t.rebase("main")
        texts = [message.text for message in t.compile().messages]
        for name in "ab":
            assert [text for text in texts if text.startswith(name)] == [f"{name} {count}" for count in range(APPENDS)]
        assert len(texts) == 1 + 2 * APPENDS
        assert t.fsck().is_clean


def test_a_replay_is_finished_by_another_process(tmp_path: Path) -> None:
    """A rebase begun here is settled and finished there, and this object sees it."""
    place = str(tmp_path / "work.db")
    with Tract.open(place) as t:
        message_id = str(t.user("start").message_id)
        t.branch("topic")
        t.edit(message_id, "main's")
        t.switch("topic")
        t.edit(message_id, "topic's")
        result = t.rebase("main")
        assert result.session_id is not None

        run((settle, (place,)))

        assert [message.text for message in t.compile().messages] == ["both"]
        assert t.replay_session() is None


def test_two_objects_cannot_open_two_replays_on_one_branch(tmp_path: Path) -> None:
    """Whoever opens a waiting replay second is told so."""
    place = str(tmp_path / "work.db")
    with Tract.open(place) as t, Tract.open(place) as other:
        message_id = str(t.user("start").message_id)
        t.branch("topic")
        t.edit(message_id, "main's")
        t.switch("topic")
        t.edit(message_id, "topic's")
        other.switch("topic")

        def opens_another(issue: Any) -> Resolution:
            other.rebase("main")
            return Resolution("skip")

        with pytest.raises(ReplayInProgressError):
            t.rebase("main", resolver=opens_another)


@pytest.mark.parametrize("verb", ["rebase", "cherry_pick", "revert"])
def test_statements_follow_what_is_replayed(verb: str, tmp_path: Path, connections: list[Any]) -> None:
    """Three times the shared history costs no statement more, and ten times the commits two of them at most."""
    assert connections == []
    sizes = ((150, 2), (450, 2), (150, 20))
    few, longer, more = (_cost(tmp_path / f"{shared}-{own}.db", verb, shared, own) for shared, own in sizes)

    assert longer <= few
    assert more <= few + 2


def _cost(path: Path, verb: str, shared: int, own: int) -> int:
    """Return how many statements it takes an object that has just been opened to replay some commits."""
    with Tract.open(path, durability="normal") as t:
        for number in range(shared):
            t.user(f"shared {number}")
        t.branch("topic")
        t.user("main's")
        t.switch("topic")
        for number in range(own):
            t.user(f"topic {number}")
        if verb == "cherry_pick":
            t.switch("main")
    with Tract.open(path, durability="normal") as t:
        t.status()
        revisions = {"rebase": "main", "cherry_pick": f"topic~{own}..topic", "revert": f"topic~{own}..topic"}[verb]
        seen = statements(lambda: getattr(t, verb)(revisions))
        assert len(t.log(limit=3)) == 3
        return len(seen)
