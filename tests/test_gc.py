"""Collecting garbage: what goes, what stays, and beside whom."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage_support import MAIN, commit, ids, message, publish
from tract import ContentError, Tract
from tract.exceptions import BatchError, CommitNotFoundError, StorageError
from tract.operations.receiving import Receiver
from tract.operations.repo import Caches
from tract.operations.sending import StoreSource
from tract.protocols import Fault, RefMove, Store
from tract.storage.collecting import collect
from tract.storage.database import Database
from tract.storage.sql import SqlStore
from tract.storage.writing import Transaction
from tract_support import Another, Clock, answering, asking, texts

_T = TypeVar("_T")
NOW = timedelta()


def leave_behind(t: Tract) -> str:
    """Record two messages that no branch has any more, and return their tip."""
    t.switch("gone", create=True)
    t.user("lost one")
    lost = t.user("lost two").id
    t.switch("main")
    t.delete_branch("gone", force=True)
    return lost


@pytest.fixture
def talk(t: Tract) -> Tract:
    """A conversation of two messages."""
    t.user("one")
    t.assistant("two")
    return t


def test_what_nothing_reaches_is_deleted(talk: Tract, another: Another) -> None:
    """Commits and messages of a deleted branch go; what branches and tags have stays."""
    lost = leave_behind(talk)

    gone = talk.gc(keep=NOW)

    assert (len(gone.commits), len(gone.messages), gone.commits[0]) == (2, 2, lost)
    assert gone.size_bytes > 0
    with pytest.raises(CommitNotFoundError):
        another().compile(lost)
    assert texts(another()) == ["one", "two"]
    assert talk.fsck().is_clean
    assert talk.gc(keep=NOW).commits == ()


def test_asking_deletes_nothing(talk: Tract) -> None:
    """A dry run tells what would go."""
    lost = leave_behind(talk)

    would = talk.gc(keep=NOW, dry_run=True)

    assert would.commits[0] == lost
    assert texts(talk, lost)[-1] == "lost two"
    assert talk.gc(keep=NOW) == would


def test_what_a_young_operation_reaches_stays(talk: Tract) -> None:
    """The log leads back to it for as long as one keeps it."""
    lost = leave_behind(talk)

    gone = talk.gc(keep="1h")

    assert gone == ((), (), (), 0)
    assert texts(talk, lost)[-1] == "lost two"


def test_the_age_of_an_operation_is_that_of_the_oldest_behind_it(t: Tract) -> None:
    """A clock that steps back makes nothing older than what was logged before it."""
    clock = Clock()
    early = clock()
    times = [clock(), early - timedelta(days=3650), *(clock() for _ in range(8))]
    with Tract(_with_clock(t, iter(times).__next__)) as told:
        told.user("one")
        lost = told.user("two").id
        told.reset("HEAD^")

        gone = told.gc(keep=times[3] - times[0])

        assert gone.commits == ()
        assert texts(told, lost) == ["one", "two"]


def _with_clock(t: Tract, clock: Callable[[], Any]) -> Any:
    return replace(t._repo, clock=clock, caches=Caches())


def test_other_tracts_keep_what_is_theirs(talk: Tract, another: Another) -> None:
    """Objects are shared, so the refs of every tract count."""
    other = another(name="other")
    other.user("theirs")
    child = talk.spawn("child")
    child.user("the child's")

    gone = talk.gc(keep=NOW)

    assert gone.commits == ()
    assert texts(other) == ["theirs"]
    assert texts(child)[-1] == "the child's"
    child.close()


def test_a_merge_that_waits_keeps_its_side(talk: Tract) -> None:
    """What is merged in may have lost its branch."""
    first = talk.log()[-1].message_id or ""
    talk.switch("side", create=True)
    talk.edit(first, "one, ours")
    talk.switch("main")
    talk.edit(first, "one, theirs")
    waiting = talk.merge("side")
    talk.delete_branch("side", force=True)

    talk.gc(keep=NOW)
    waiting.resolve(waiting.conflicts[0].id, "theirs")
    talk.commit_merge()

    assert texts(talk) == ["one, ours", "two"]
    assert talk.fsck().is_clean


def test_remembered_answers_stay(talk: Tract) -> None:
    """A paid answer is no garbage."""
    first = talk.log()[-1].message_id or ""
    talk.switch("side", create=True)
    talk.edit(first, "one, ours")
    talk.switch("main")
    talk.edit(first, "one, theirs")
    start = talk.head_id or ""
    waiting = talk.merge("side")
    waiting.resolve(waiting.conflicts[0].id, "both")
    talk.commit_merge()
    talk.reset(start)

    talk.gc(keep=NOW)

    assert talk.merge("side").resolutions != {}


@pytest.mark.parametrize("keep", [timedelta(days=1), 86400, 86400.5, "1d", "24h", " 1440m ", "99999999w"])
def test_spans_are_told_in_several_ways(talk: Tract, keep: Any) -> None:
    """A timedelta, seconds, or a text; however long."""
    leave_behind(talk)

    assert talk.gc(keep=keep).commits == ()


@pytest.mark.parametrize("keep", ["soon", "-1d", -1, True, None, float("nan"), float("inf"), [1]])
def test_a_span_that_means_nothing_is_refused(talk: Tract, keep: Any) -> None:
    """Nothing is deleted then."""
    lost = leave_behind(talk)

    with pytest.raises(ContentError):
        talk.gc(keep=keep)

    assert texts(talk, lost)[-1] == "lost two"


def test_nothing_is_collected_inside_a_batch(talk: Tract) -> None:
    """A batch's messages have no commit yet."""
    with talk.batch(), pytest.raises(BatchError):
        talk.gc()


def test_what_was_collected_can_be_said_again(talk: Tract) -> None:
    """The same words are a new message, whole in the store."""
    leave_behind(talk)
    talk.gc(keep=NOW)

    talk.user("lost one")

    assert texts(talk) == ["one", "two", "lost one"]
    assert talk.fsck().is_clean


def test_collecting_is_not_undone(talk: Tract) -> None:
    """What was deleted does not come back: undo takes back what was done before."""
    talk.gc(keep=NOW)

    talk.undo()

    assert texts(talk) == ["one"]
    assert talk.fsck().is_clean


def test_undo_back_to_what_was_collected_is_refused(talk: Tract) -> None:
    """It changes nothing."""
    talk.user("three")
    talk.reset("HEAD^")
    talk.gc(keep=NOW)

    with pytest.raises(CommitNotFoundError):
        talk.undo()

    assert texts(talk) == ["one", "two"]


def test_a_log_that_leads_to_nothing_says_so(talk: Tract) -> None:
    """An old place in the log of a ref is named, and no longer there; the rest of the log still is."""
    talk.user("three")
    talk.reset("HEAD^")
    talk.gc(keep=NOW)

    with pytest.raises(CommitNotFoundError):
        talk.compile("main@{1}")
    with pytest.raises((CommitNotFoundError, StorageError)):
        talk.reset("main@{1}")

    assert len(talk.reflog()) == 4
    assert talk.fsck().is_clean


VERBS = ("say", "edit", "skip", "branch", "switch", "merge", "reset", "delete", "call", "collect")


@settings(max_examples=30)
@given(steps=st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 5)), max_size=25))
def test_no_compile_of_a_branch_ever_changes(steps: list[tuple[str, int]]) -> None:
    """Whatever was done, collecting leaves each branch as it was, and a store that is whole."""
    with Tract.open(clock=Clock()) as t:
        t.user("begin")
        for verb, number in steps:
            _do(t, verb, number)
        before = {name: t.compile(name) for name in t.branches()}

        t.gc(keep=NOW)

        with Tract(_with_clock(t, t._repo.clock)) as fresh:
            after = {name: fresh.compile(name) for name in fresh.branches()}
            assert {name: one.to_openai() for name, one in before.items()} == {
                name: one.to_openai() for name, one in after.items()
            }
            assert fresh.fsck().is_clean


def _do(t: Tract, verb: str, number: int) -> None:
    names = list(t.branches())
    name = names[number % len(names)]
    message_ids = t.compile().message_ids
    try:
        match verb:
            case "say":
                t.user(f"said {number}")
            case "edit":
                t.edit(message_ids[0], f"edited {number}")
            case "skip":
                t.skip(message_ids[-1])
            case "branch":
                t.branch(f"b{number}", name)
            case "switch":
                t.switch(name)
            case "merge":
                t.merge(name, strategy="ours")
            case "reset":
                t.reset(f"HEAD~{number % 2}")
            case "delete":
                t.delete_branch(name, force=True)
            case "call":
                t.append(asking(f"c{number}"))
                t.tool("found", tool_call_id=f"c{number}")
            case _:
                t.gc(keep=NOW)
    except Exception as error:
        if not type(error).__module__.startswith("tract") and not isinstance(error, IndexError):
            raise


class Meddling:
    """A database to which somebody else writes each time just before a transaction begins."""

    def __init__(self, database: Database, meddle: Callable[[], None]) -> None:
        self.statements = database.statements
        self.read = database.read
        self.damage, self.forget, self.close = database.damage, database.forget, database.close
        self._database = database
        self._meddle = meddle

    def transact(self, act: Callable[[Transaction], _T], *, wait: bool = True) -> _T:
        """Let somebody write, then do something in one transaction."""
        self._meddle()
        return self._database.transact(act, wait=wait)


def faults_of_objects(store: Store) -> list[Fault]:
    """Return what is wrong but for the log, which nobody told that objects were collected."""
    return [fault for fault in store.check() if not fault.where.startswith("operation")]


def test_what_is_named_again_meanwhile_is_spared(store: Store) -> None:
    """A branch put on a lost commit between two transactions keeps it, its ancestors and its messages."""
    if not isinstance(store, SqlStore):
        pytest.skip("the store in memory collects under its one lock")
    blobs = [message(str(n)) for n in range(3)]
    first = commit((), blobs[0])
    second = commit((first.commit.id,), blobs[1])
    third = commit((second.commit.id,), blobs[2])
    publish(store, [*blobs, first, second, third], RefMove(MAIN, None, third.commit.id), name="say")
    publish(store, [], RefMove(MAIN, third.commit.id, None), name="lose")
    turns = iter(range(100))

    def meddle() -> None:
        if next(turns) == 1:
            publish(store, [], RefMove("heads/saved", None, second.commit.id), name="save")

    gone = collect(Meddling(store._database, meddle), 2**62, dry_run=False)

    assert gone.commits == (third.commit.id,)
    assert gone.messages == (blobs[2].id,)
    assert ids(store.chain(second.commit.id)) == ids([second, first])
    assert faults_of_objects(store) == []


def test_what_is_said_again_meanwhile_is_spared(store: Store) -> None:
    """A message that comes back between finding and deleting stays, though its row was there before."""
    if not isinstance(store, SqlStore):
        pytest.skip("the store in memory collects under its one lock")
    blob = message("again")
    lost = commit((), blob, note="lost")
    publish(store, [blob, lost], RefMove(MAIN, None, lost.commit.id), name="say")
    publish(store, [], RefMove(MAIN, lost.commit.id, None), name="lose")
    said = commit((), blob, note="again")
    turns = iter(range(100))

    def meddle() -> None:
        if next(turns) == 2:
            publish(store, [blob, said], RefMove(MAIN, None, said.commit.id), name="again")

    gone = collect(Meddling(store._database, meddle), 2**62, dry_run=False)

    assert (gone.commits, gone.messages) == ((lost.commit.id,), ())
    assert faults_of_objects(store) == []


def test_a_commit_whose_message_is_missing_is_refused(store: Store) -> None:
    """So no writer can name what was collected under its hands."""
    blob = message("lost")

    with pytest.raises(StorageError):
        publish(store, [commit((), blob)], name="say")

    assert list(store.check()) == []


def test_what_arrives_meanwhile_keeps_what_it_stands_on(tmp_path: Path) -> None:
    """Garbage on which a transfer builds, found before and to be deleted after a parcel came, is spared."""
    with Tract.open(tmp_path / "far.db") as far, Tract.open(tmp_path / "near.db") as near:
        old = far.user("old").id
        near.fetch(tmp_path / "far.db")
        store = near._repo.store
        store.publish([], [RefMove("lost", None, old)], near._repo.operation("lose"))
        store.publish([], [RefMove("lost", old, None)], near._repo.operation("lose"))
        far.user("new")
        source = StoreSource(far._repo.store, "far")
        receiver = Receiver(near._repo, store, is_trusted=False)
        parcels = list(source.parcels([far.head_id or ""], store))
        turns = iter(range(1000))

        def arrive() -> None:
            if next(turns) == 1:
                for parcel in parcels:
                    receiver.take(parcel)

        assert isinstance(store, SqlStore)
        assert store.collect(datetime.max.replace(tzinfo=UTC), dry_run=True).commits == (old,)
        gone = collect(Meddling(store._database, arrive), 2**62, dry_run=False)

        assert (gone.commits, gone.messages) == ((), ())
        assert near.fetch(tmp_path / "far.db").commits == 0
        near.merge(far.head_id or "")
        assert texts(near) == ["old", "new"]
        assert faults_of_objects(store) == []


def test_a_transfer_that_broke_off_is_let_go(tmp_path: Path) -> None:
    """The ref that named what it stored goes first, and then, as old as any other operation's, what it stored."""
    with Tract.open(tmp_path / "far.db") as far, Tract.open(tmp_path / "near.db") as near:
        far.user("said")
        source = StoreSource(far._repo.store, "far")
        receiver = Receiver(near._repo, near._repo.store, is_trusted=False)
        for parcel in source.parcels([far.head_id or ""], near._repo.store):
            receiver.take(parcel)

        assert near.gc().commits == ()
        assert near.gc(keep=NOW).commits == ()
        assert near.gc(keep=NOW).commits == (far.head_id,)

        assert near._repo.store.refs("incoming/") == {}
        assert near.fsck().is_clean


def test_what_is_at_hand_of_a_collected_context_is_not_needed(t: Tract) -> None:
    """An object that compiled what is collected now goes on to compile what stays, and to write it."""
    t.append([asking("a"), answering("a")])
    t.switch("gone", create=True)
    t.user("only here")
    t.compile()
    t.switch("main")
    t.delete_branch("gone", force=True)

    t.gc(keep="0s")

    assert len(t.compile().messages) == 2
    t.user("more")
    assert len(t.compile().messages) == 3
    assert t.fsck().is_clean
