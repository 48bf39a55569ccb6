"""Clocks that are wrong, and run backwards, change no order, no merge, and not what is garbage."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tract import Tract
from tract_support import Clock

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TEN_YEARS = timedelta(days=3653)


def jumping() -> Callable[[], datetime]:
    """Return a clock that is up to ten years off, either way, each time it is asked."""
    chance = random.Random(3)
    return lambda: NOW + TEN_YEARS * chance.uniform(-1, 1)


def backwards() -> Callable[[], datetime]:
    """Return a clock that goes back by a day each time it is asked."""
    days = iter(range(10_000))
    return lambda: NOW - timedelta(days=next(days))


CLOCKS: dict[str, Callable[[], Callable[[], datetime]]] = {
    "ten years late": lambda: lambda: NOW - TEN_YEARS,
    "ten years early": lambda: lambda: NOW + TEN_YEARS,
    "jumping": jumping,
    "backwards": backwards,
}


def story(clock: Callable[[], datetime]) -> list[object]:
    """Return all that is seen of a history with merges, without ids and times, which are the clock's."""
    with Tract.open(clock=clock) as t:
        t.system("begin")
        first = t.user("first")
        assert first.message_id is not None
        t.branch("side")
        for n in range(4):
            t.user(f"ours {n}")
        t.edit(first.message_id, "first\n\nours")
        t.switch("side")
        for n in range(4):
            t.user(f"theirs {n}")
        t.edit(first.message_id, "theirs\n\nfirst")
        conflicts = t.merge("main", strategy="manual").conflicts
        t.abort_merge()
        t.merge("main", strategy="theirs")
        t.switch("main")
        t.user("more")
        t.merge("side")
        return [
            [message.text for message in t.compile().messages],
            [commit.message.split()[0] for commit in t.log("main^")],
            [(conflict.conflict_type, conflict.content_a_text, conflict.content_b_text) for conflict in conflicts],
            [entry.kind for entry in t.reflog()],
            t.fsck().is_clean,
        ]


@pytest.mark.parametrize("name", CLOCKS)
def test_a_wrong_clock_changes_nothing(name: str) -> None:
    """What is compiled, logged, in conflict and checked is what it is under a clock that is right."""
    assert story(CLOCKS[name]()) == story(Clock())


CLOCKS_OF_LOSS = {
    "ten years late": [timedelta(), timedelta(), -TEN_YEARS],
    "ten years early, once": [timedelta(), TEN_YEARS, timedelta()],
    "backwards": [timedelta(), -timedelta(days=1), -timedelta(days=30)],
    "late while it was lost": [timedelta(), -TEN_YEARS, timedelta()],
}
"""How wrong the clock is when the history is begun, when a branch is lost, and when garbage is collected."""


@pytest.mark.parametrize("name", CLOCKS_OF_LOSS)
def test_a_wrong_clock_lets_gc_delete_nothing_young(name: str) -> None:
    """What a young operation left behind stays, and all that a branch reaches, whatever the clock said or says."""
    off = iter(CLOCKS_OF_LOSS[name])
    now = NOW + next(off)
    with Tract.open(clock=lambda: now) as t:
        t.system("begin")
        now = NOW + next(off)
        t.switch("gone", create=True)
        lost = t.user("lost").id
        t.switch("main")
        t.delete_branch("gone", force=True)
        kept = t.user("kept").id
        now = NOW + next(off)

        found = t.gc()

        assert found.commits == ()
        assert t.log()[0].id == kept
        assert t.compile(lost).messages[-1].text == "lost"
        assert t.fsck().is_clean
