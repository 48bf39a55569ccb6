"""Merges beside other writers: no commit of theirs is lost, and no answer is asked for twice."""

import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from tract import MergeInProgressError, Resolution, Tract

APPENDS = 25


def append_to(place: str, branch: str, workspace: str) -> None:
    """Say things on a branch, one after the other."""
    with Tract.open(place, workspace=workspace, durability="normal") as t:
        t.switch(branch)
        for count in range(APPENDS):
            t.user(f"{workspace} {count}")


def merge_into(place: str, target: str, source: str) -> None:
    """Merge a branch that others write to into one that others write to."""
    with Tract.open(place, workspace=f"merger of {source}".replace(" ", "-"), durability="normal") as t:
        t.switch(target)
        for _ in range(6):
            t.merge(source)


def run(*jobs: tuple[Any, tuple[str, ...]]) -> None:
    """Run jobs in processes of their own, at once."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=target, args=args) for target, args in jobs]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def test_merges_beside_appenders_lose_nothing(tmp_path: Path) -> None:
    """Everything said on two branches is there once after merges both ways ran beside the appenders."""
    place = str(tmp_path / "work.db")
    with Tract.open(place) as t:
        t.user("start")
        t.branch("side")

    run(
        (append_to, (place, "main", "a")),
        (append_to, (place, "side", "b")),
        (merge_into, (place, "main", "side")),
        (merge_into, (place, "side", "main")),
    )

    with Tract.open(place) as t:
        t.merge("side")
        texts = [message.text for message in t.compile().messages]
        expected = ["start", *(f"{name} {count}" for name in "ab" for count in range(APPENDS))]
        assert sorted(texts) == sorted(expected)
        for name in "ab":
            own = [text for text in texts if text.startswith(f"{name} ")]
            assert own == [f"{name} {count}" for count in range(APPENDS)]
        assert t.fsck().is_clean


def test_a_branch_that_moves_while_a_resolver_thinks_costs_no_second_answer(tmp_path: Path) -> None:
    """What was said while the model thought stands in the merge, and the model is asked once."""
    place = str(tmp_path / "work.db")
    with Tract.open(place) as t, Tract.open(place, workspace="other") as other:
        message_id = t.user("a").message_id
        assert message_id is not None
        t.branch("side")
        t.edit(message_id, "ours")
        other.switch("side")
        other.edit(message_id, "theirs")
        other.switch("main")
        asked: list[str] = []

        def slow(issue: Any) -> Resolution:
            asked.append(issue.id)
            other.user("meanwhile")
            return Resolution("resolved", content_text="settled")

        result = t.merge("side", resolver=slow, auto_commit=True)

        assert result.committed
        assert len(asked) == 1
        assert [message.text for message in t.compile().messages] == ["settled", "meanwhile"]


def test_two_processes_cannot_open_two_merges_on_one_branch(tmp_path: Path) -> None:
    """Whoever opens a waiting merge second is told so."""
    place = str(tmp_path / "work.db")
    with Tract.open(place) as t, Tract.open(place, workspace="other") as other:
        message_id = t.user("a").message_id
        assert message_id is not None
        t.branch("side")
        t.edit(message_id, "ours")
        t.switch("side")
        t.edit(message_id, "theirs")
        t.switch("main")

        def opens_another(issue: Any) -> Resolution:
            other.merge("side")
            return Resolution("skip")

        with pytest.raises(MergeInProgressError):
            t.merge("side", resolver=opens_another)
