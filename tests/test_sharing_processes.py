"""Transfers beside other writers, and transfers that are killed: nothing is lost, and the next one completes."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sharing_support import compiles, open_at, shared_refs
from storage_support import run_in_child
from tract import NonFastForwardError, Tract
from tract.facade.wiring import wire
from tract.model.refs import BRANCHES
from tract.operations import sharing
from tract.operations.sending import Parcel, StoreSource
from tract.operations.sharing import PushOptions
from tract.protocols import Store
from tract.storage.opening import open_store, open_to_read

PUSHES = 5


def keep_pushing(hub: str, path: str, who: str) -> None:
    """Say things in a clone, and push each, pulling what others pushed meanwhile."""
    with Tract.clone(hub, path, author=who, durability="normal") as t:
        for n in range(PUSHES):
            t.user(f"{who} {n}")
            while True:
                try:
                    t.push()
                    break
                except NonFastForwardError:
                    assert t.pull().committed


def test_concurrent_pushes_to_one_store_lose_nothing(tmp_path: Path) -> None:
    """Three processes push to one branch: everything said is there once, and each one's in order."""
    hub = tmp_path / "hub.db"
    with open_at(hub) as t:
        t.user("start")
    context = multiprocessing.get_context("spawn")
    names = "abc"
    pushing = [context.Process(target=keep_pushing, args=(str(hub), str(tmp_path / f"{who}.db"), who)) for who in names]

    for process in pushing:
        process.start()
    for process in pushing:
        process.join(120)

    assert [process.exitcode for process in pushing] == [0] * 3
    with open_at(hub) as t:
        said = [message.text for message in t.compile().messages]
        assert sorted(said) == sorted(["start", *(f"{who} {n}" for who in names for n in range(PUSHES))])
        assert all([text for text in said if text[0] == who] == [f"{who} {n}" for n in range(PUSHES)] for who in names)
        assert t.fsck().is_clean


class Dying(StoreSource):
    """A source whose reader is killed where it would take the parcel behind so many."""

    def __init__(self, store: Store, after: int) -> None:
        super().__init__(store, "there")
        self._after = after

    def parcels(self, wants: Sequence[str], target: Store, /) -> Iterator[Parcel]:
        """Yield some parcels, and then die."""
        for count, parcel in enumerate(super().parcels(wants, target)):
            if count == self._after:
                os.kill(os.getpid(), signal.SIGKILL)
            yield parcel
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def far(tmp_path: Path) -> Path:
    """The place of a tract whose history goes in seven parcels."""
    place = tmp_path / "far.db"
    with open_at(place) as t:
        first = t.user("first")
        for n in range(60):
            t.user(f"said {n}")
        t.branch("side")
        t.edit(first.message_ids[0], "edited")
        t.switch("side")
        for n in range(300):
            t.user(f"aside {n}")
        t.switch("main")
        t.merge("side")
        t.tag("done")
    return place


def wired(place: Path) -> Any:
    """Return what the verbs work on, over the store at a place."""
    store = open_store(place, tract="default", durability="normal")
    return wire(store, None, clock=lambda: datetime.now(UTC), author="", workspace="default")


@pytest.mark.parametrize("after", [0, 1, 3, 99])
def test_a_killed_clone_is_taken_up_by_the_next(far: Path, tmp_path: Path, after: int) -> None:
    """Killed between any two parcels, or before the refs, it leaves a clean store without refs; the next fills it."""
    near = tmp_path / "near.db"

    def clone_and_die() -> None:
        repo = wired(near)
        sharing.clone(repo, Dying(open_to_read(far, tract="default"), after), None)

    assert run_in_child(clone_and_die) == -signal.SIGKILL

    with open_at(near) as half:
        assert (half.branches(), half.tags(), half.fsck().faults) == ({}, {}, ())
        stored = len(half._repo.store.commit_ids("", 1000))
    with open_at(far) as whole, Tract.clone(far, near, durability="normal") as t:
        assert (shared_refs(t), compiles(t), t.fsck().faults) == (shared_refs(whole), compiles(whole), ())
        assert stored == {0: 0, 1: 1, 3: 21, 99: 363}[after]
    with open_at(near) as t, open_at(far) as whole:
        assert t.fetch(far).commits == 0


def test_a_killed_push_is_taken_up_by_the_next(far: Path, tmp_path: Path) -> None:
    """The branch over there stands where it stood, until a push goes through; only what is missing travels then."""
    hub = tmp_path / "hub.db"
    with open_at(hub) as t:
        t.pull(far, "side")
        before = t.head_id

    def push_and_die() -> None:
        repo, store = wired(far), open_store(hub, tract="default", durability="normal")
        publish = store.publish

        def dying(objects: Any, moves: Any, operation: Any) -> None:
            if any(move.name.startswith(BRANCHES) for move in moves):
                os.kill(os.getpid(), signal.SIGKILL)
            publish(objects, moves, operation)

        store.publish = dying  # type: ignore[method-assign]
        sharing.push(repo, store, "hub", None, options=PushOptions())

    assert run_in_child(push_and_die) == -signal.SIGKILL

    with open_at(hub) as half, open_at(far) as t:
        assert (half.head_id, half.fsck().faults) == (before, ())
        result = t.push(hub)
        assert (result.commits, half.head_id, half.fsck().faults) == (0, t.head_id, ())


def test_what_is_collected_on_the_way_is_sent_again(far: Path, tmp_path: Path) -> None:
    """Garbage collected twice in the middle takes what has arrived so far, and the transfer starts again."""
    with open_at(far) as t, open_at(tmp_path / "near.db") as near:
        source = StoreSource(t._repo.store, "there")
        parcels = source.parcels
        collected: list[str] = []

        def collecting(wants: Sequence[str], target: Store, /) -> Iterator[Parcel]:
            for count, parcel in enumerate(parcels(wants, target)):
                if count == 3 and not collected:
                    near.gc(keep=0)
                    collected.extend(near.gc(keep=0).commits)
                yield parcel

        source.parcels = collecting  # type: ignore[method-assign]

        result = sharing.fetch(near._repo, source, "there", sharing.FetchOptions())

        assert len(collected) == 21
        assert result.branches == t.branches()
        assert (near.fetch(far).commits, near.fsck().faults) == (0, ())


def test_a_fetch_beside_a_writer_brings_a_whole_state(far: Path, tmp_path: Path) -> None:
    """What is recorded over there while its history travels is left for the next fetch."""
    with open_at(far) as t, open_at(tmp_path / "near.db") as near:
        tip = t.head_id
        source = StoreSource(t._repo.store, "there")
        parcels = source.parcels

        def writing(wants: Sequence[str], target: Store, /) -> Iterator[Parcel]:
            for parcel in parcels(wants, target):
                t.user("meanwhile")
                yield parcel

        source.parcels = writing  # type: ignore[method-assign]

        result = sharing.fetch(near._repo, source, "there", sharing.FetchOptions(branch="main"))

        assert result.branches == {"main": tip} != t.branches()
        assert near.fetch(far, "main").branches == {"main": t.head_id}
        assert near.fsck().is_clean
