"""What a transfer costs: statements and rows follow what the other side lacks, never how long the history is."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sharing_support import open_at
from storage_support import MAIN, NOW, message, publish
from tract import Tract
from tract.facade.peers import Place
from tract.model.changes import Append, NewMessage
from tract.model.commits import ContextFacts, build_commit
from tract.model.encoding import live_message_id
from tract.operations import sharing
from tract.operations.sending import Parcel, StoreSource, find_missing
from tract.operations.sharing import FetchOptions, PushOptions
from tract.protocols import NewCommit, RefMove, Store

ONE = "1" * 64


class Counted:
    """A store that counts the questions and writes that reach it, and the rows that they return or carry."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: list[str] = []
        self.rows = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found):
            return found

        def counting(*arguments: Any, **options: Any) -> Any:
            answer = found(*arguments, **options)
            self.calls.append(name)
            carried = arguments[0] if name == "publish" else answer
            self.rows += len(carried) if isinstance(carried, list | dict) else 1
            return answer

        return counting


def write_line(store: Store, length: int) -> None:
    """Put so many messages on the branch, a commit each."""
    made: list[NewCommit] = []
    blob = message("again and again", o200k_base=4)
    for n in range(length):
        said = Append(NewMessage(live_message_id(ONE, n), blob.id, "user"))
        commit, payload = build_commit([made[-1].commit.id] if made else [], [said], created_at=NOW)
        made.append(NewCommit(commit, payload, ContextFacts(n + 1, 8 * (n + 1) + 3, True, "o200k_base")))
    publish(store, [blob, *made], RefMove(MAIN, None, made[-1].commit.id), name=f"line of {length}")


@pytest.fixture(params=["memory", "sqlite"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Tract]]:
    """Four new tracts: two that will share a short history, and two that will share a long one."""
    opened = [open_at(None if request.param == "memory" else tmp_path / f"{n}.db") for n in range(4)]
    for t, length in zip(opened, (100, 100, 10_000, 10_000), strict=True):
        write_line(t._repo.store, length)
    yield opened
    for t in opened:
        t.close()


def cold(t: Tract) -> tuple[Any, Counted]:
    """Return a tract's repo as a new process would have it, over a store that counts."""
    counted = Counted(t._repo.store)
    return replace(t._repo, store=counted, caches=type(t._repo.caches)()), counted


def test_a_push_costs_the_same_on_any_history(places: list[Tract]) -> None:
    """One message pushed onto ten thousand shared commits takes the statements and rows of one pushed onto a hundred.

    Nothing is in any cache: no context is read on either side.
    """
    costs = []
    for near, far in (places[:2], places[2:]):
        near.user("one more")
        repo, here = cold(near)
        there = Counted(far._repo.store)

        result = sharing.push(repo, there, "there", "origin", options=PushOptions())

        assert (result.commits, far.head_id) == (1, near.head_id)
        costs.append((here.calls, here.rows, there.calls, there.rows))

    assert costs[0] == costs[1]
    asked_here, rows_here, asked_there, rows_there = costs[0]
    assert "chain" not in asked_here + asked_there
    assert (len(asked_here), len(asked_there)) <= (14, 10)
    assert rows_here + rows_there < 100
    assert places[1].fsck().is_clean


def test_a_fetch_asks_the_other_side_the_same_on_any_history(places: list[Tract]) -> None:
    """As many statements on both sides, and as many rows over there; here the context is read, in one statement."""
    costs = []
    for near, far in (places[:2], places[2:]):
        far.user("one more")
        repo, here = cold(near)
        there = Counted(far._repo.store)

        result = sharing.fetch(repo, StoreSource(there, "there"), "origin", FetchOptions())

        assert result.commits == 1
        costs.append((here.calls, there.calls, there.rows))

    assert costs[0][0][:4] == costs[1][0][:4]
    assert costs[0][1:] == costs[1][1:]
    assert [len(cost[0]) - cost[0].count("chain") for cost in costs] == [
        len(costs[0][0]) - costs[0][0].count("chain")
    ] * 2
    assert max(cost[0].count("chain") for cost in costs) <= 2
    assert costs[0][2] < 60


def test_nothing_new_is_found_by_one_question(places: list[Tract]) -> None:
    """Who has the tips has all, and is asked nothing else."""
    near, far = places[2:]
    here, there = Counted(near._repo.store), Counted(far._repo.store)

    missing = find_missing(here, [str(near.head_id)], there)

    assert (missing, here.calls, there.calls) == ([], [], ["ancestry"])


def test_windows_grow_with_what_is_missing(places: list[Tract]) -> None:
    """Ten thousand missing commits take a dozen questions a side, and less than as much is read beside them."""
    near = places[2]
    with open_at(None) as empty:
        here, there = Counted(near._repo.store), Counted(empty._repo.store)

        missing = find_missing(here, [str(near.head_id)], there)

    assert len(missing) == 10_000
    assert max(len(here.calls), len(there.calls)) <= 12
    assert here.rows < 2 * 10_000


def test_negotiation_passes_old_branches_by(tmp_path: Path) -> None:
    """A new commit on a branch that left long ago, and a merge of it, are found without walking what lies between."""
    with open_at(tmp_path / "near.db") as near, open_at(tmp_path / "far.db") as far:
        write_line(near._repo.store, 3000)
        write_line(far._repo.store, 3000)
        near.branch("old", "main~2990")
        near.switch("old")
        near.user("upon the old")
        near.switch("main")
        near.merge("old")
        here, there = Counted(near._repo.store), Counted(far._repo.store)

        missing = find_missing(here, [str(near.head_id)], there)

        assert len(missing) == 2
        assert here.rows + there.rows < 200


def parcels_of(source: Store, target: Store, head: str) -> Sequence[Parcel]:
    """Return the parcels that a transfer would have, without storing any."""
    return list(StoreSource(source, "there").parcels([head], target))


def test_parcels_are_bounded(tmp_path: Path) -> None:
    """Many small commits go in hundreds, large messages by few."""
    with open_at(tmp_path / "far.db") as far, open_at(None) as near:
        for n in range(12):
            far.append({"role": "user", "content": [{"type": "image", "data": f"{n}" + "x" * 3_000_000}]})
        write_line(near._repo.store, 2000)

        large = parcels_of(far._repo.store, near._repo.store, str(far.head_id))
        small = parcels_of(near._repo.store, far._repo.store, str(near.head_id))

    assert max(sum(map(len, parcel.blobs.values())) for parcel in large) < 13_000_000
    assert max(len(parcel.arrivals) for parcel in small) == 256
    assert len(small) < 15


def test_what_is_shared_does_not_travel(tmp_path: Path) -> None:
    """A message that the other store has already is not read a second time."""
    with open_at(tmp_path / "far.db") as far, open_at(tmp_path / "near.db") as near:
        far.user("said by both")
        near.user("said by both")
        where: Place = tmp_path / "far.db"

        (parcel,) = parcels_of(far._repo.store, near._repo.store, str(far.head_id))

        assert (parcel.blobs, len(parcel.held)) == ({}, 1)
        near.pull(where, allow_unrelated=True)
        assert [m.text for m in near.compile().messages] == ["said by both"] * 2
