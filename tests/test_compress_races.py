"""Compression beside other writers, and what it costs: nothing of theirs is lost, and no summary is paid for twice."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tract import ConcurrentMoveError, StorageError, Tract
from tract.exceptions import RefNotFoundError
from tract.facade.wiring import wire
from tract.protocols import SummaryRequest
from tract.storage.memory import MemoryStore
from tract_support import Another, Clock, another_on, answering, asking, ids, say, texts


class Writer:
    """A summarizer during whose thinking somebody else does something; it counts how often it is asked."""

    def __init__(self, *meanwhile: Callable[[], object]) -> None:
        self.meanwhile = list(meanwhile)
        self.asked: list[list[str]] = []

    def __call__(self, request: SummaryRequest) -> str:
        """Let the next thing happen, and answer."""
        self.asked.append(list(request.texts))
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return f"s{len(self.asked)}"


@pytest.fixture
def said(t: Tract) -> list[str]:
    """The ids of four long messages."""
    return list(t.append([say("user", f"message {place} " * 9) for place in range(4)]).message_ids)


@pytest.fixture
def other(t: Tract, said: list[str], another: Another) -> Tract:
    """Another object on the branch."""
    return another()


def test_messages_that_arrive_meanwhile_stay(t: Tract, said: list[str], other: Tract) -> None:
    """What is said while the model thinks is not folded, though the range has no end, and nobody is asked again."""
    writer = Writer(lambda: other.append([say("user", "late"), asking("c1")]))

    commit = t.compress("..", summarizer=writer)

    assert len(writer.asked) == 1
    assert texts(t) == ["s1", "late", ""]
    assert ids(t)[0] == commit.message_id
    assert t.status().token_count == t.compile().token_count
    t.append(answering("c1"))


def test_the_same_object_may_record_while_its_summary_is_written(t: Tract, said: list[str]) -> None:
    """A thread that compresses blocks neither itself nor others."""
    writer = Writer(lambda: t.user("late"))

    t.compress("..", summarizer=writer)

    assert texts(t) == ["s1", "late"]


def test_a_mark_that_changes_nothing_told_costs_no_second_answer(t: Tract, said: list[str], other: Tract) -> None:
    """The plan is made anew, and the answer that was paid for still fits."""
    writer = Writer(lambda: other.mark(said[1], "important"))

    t.compress("..", summarizer=writer)

    assert (len(writer.asked), texts(t)) == (1, ["s1"])


def test_what_was_edited_meanwhile_is_told_anew(t: Tract, said: list[str], other: Tract) -> None:
    """The summary tells the words that stand when it is published."""
    writer = Writer(lambda: other.edit(said[1], "edited"))

    t.compress("..", summarizer=writer)

    assert [texts[1] == "edited" for texts in writer.asked] == [False, True]
    assert texts(t) == ["s2"]


@pytest.mark.parametrize(("verb", "reason"), [("skip", "skipped"), ("pin", "pinned")])
def test_what_was_marked_meanwhile_is_left_out(
    t: Tract, said: list[str], other: Tract, *, verb: str, reason: str
) -> None:
    """What was skipped or pinned is told to nobody any more, and the commit says so."""
    writer = Writer(lambda: getattr(other, verb)(said[1]))

    commit = t.compress("..", summarizer=writer)

    assert writer.asked[1] == [writer.asked[0][place] for place in (0, 2, 3)]
    assert texts(t)[0] == "s2"
    assert commit.metadata["compress"]["left_out"] == {said[1]: reason}


def test_a_text_of_what_changed_is_refused(t: Tract, said: list[str], other: Tract) -> None:
    """A person's summary is not put in place of words that the person never saw."""
    stale = threading.Event()

    class Text(str):
        """A text whose first reading lets somebody edit."""

        def strip(self, *arguments: Any) -> str:
            if not stale.is_set():
                stale.set()
                other.edit(said[1], "edited")
            return super().strip(*arguments)

    with pytest.raises(ConcurrentMoveError):
        t.compress("..", summary=Text("all of it"))

    assert texts(t)[1] == "edited"


def test_a_summary_that_lost_its_branch_is_kept(t: Tract, said: list[str], other: Tract) -> None:
    """Where the messages are gone the error says so; who asks the same model the same again does not pay again."""
    t.branch("keep")
    writer = Writer(lambda: other.reset("fresh"))
    t.switch("fresh", create=True)
    t.switch("main")
    t.append([say("user", "more words " * 9)])
    t._repo.workspace.summarizer = writer

    with pytest.raises(ConcurrentMoveError):
        t.compress([ids(t)[-1]])
    t.reset("main@{1}")
    t.compress([ids(t)[-1]])

    assert len(writer.asked) == 1
    assert texts(t)[-1] == "s1"
    assert t.fsck().is_clean


def test_a_deleted_branch_is_an_error(t: Tract, said: list[str], other: Tract) -> None:
    """Nothing is written to a branch that went away meanwhile."""
    t.branch("side")
    other.switch("side")

    with pytest.raises((ConcurrentMoveError, RefNotFoundError)):
        t.compress("..", summarizer=Writer(lambda: other.delete_branch("main", force=True)))

    assert list(other.branches()) == ["side"]


def test_a_compression_that_always_loses_gives_up(t: Tract, said: list[str], other: Tract) -> None:
    """Nobody pays for ever for a message that is edited again and again."""
    edits = [lambda number=number: other.edit(said[1], f"edit {number} " * 9) for number in range(9)]
    writer = Writer(*edits)

    with pytest.raises(ConcurrentMoveError):
        t.compress("..", summarizer=writer)

    assert 2 <= len(writer.asked) <= 5


def test_two_compressions_of_the_same_meet(t: Tract, said: list[str], other: Tract) -> None:
    """The second finds its messages under the first's summary, and changes nothing."""
    with pytest.raises(ConcurrentMoveError):
        t.compress("..", summarizer=Writer(lambda: other.compress("..", summary="first")))

    assert texts(t) == ["first"]


def test_compressions_of_different_parts_both_stand(t: Tract, said: list[str], other: Tract) -> None:
    """Neither loses anything of the other."""
    writer = Writer(lambda: other.compress(said[:2], summary="first"))

    t.compress(said[2:], summarizer=writer)

    assert (len(writer.asked), texts(t)) == (1, ["first", "s1"])


def test_two_expansions_of_one_summary_meet(t: Tract, said: list[str], other: Tract) -> None:
    """The second, which lost the race, says that it was expanded already."""
    summary = str(t.compress("..", summary="short").message_id)

    with t.batch():
        t.user("and more")
        other.expand(summary)

    assert texts(t)[-1] == "and more"
    assert ids(t)[:4] == said


_QUESTIONS: Sequence[str] = (
    *("find_ref", "refs", "find_tip", "commits", "chain", "ancestry", "blobs", "find_record", "token_counts"),
    *("save_token_counts", "publish"),
)


def note(store: Any, names: Sequence[str] = _QUESTIONS) -> list[str]:
    """Return a list that from now on grows by what is asked of a store; each question is a statement in a database."""
    asked: list[str] = []

    def noting(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **options: Any) -> Any:
            asked.extend([name] if names is _QUESTIONS else arguments[0])
            return method(*arguments, **options)

        return noted

    for name in names:
        setattr(store, name, noting(name, getattr(store, name)))
    return asked


def conversation(length: int) -> tuple[Tract, list[str]]:
    """Return a tract in memory with so many messages, one commit each ten, and their ids."""
    t = Tract(wire(MemoryStore(), None, clock=Clock(), author="Ada", workspace="default"))
    found: list[str] = []
    for start in range(0, length, 10):
        found += t.append([say("user", f"message {start + place} said") for place in range(10)]).message_ids
    return t, found


def test_compressing_in_the_middle_reads_no_history() -> None:
    """Where the context is at hand, only what is folded is read: the tip, the blobs and their counts, and one write."""
    t, said = conversation(10_000)
    t.compress(said[:2], summary="first")
    for cache in (t._repo.caches.fields, t._repo.caches.counts, t._repo.caches.renderings):
        cache._items.clear()
    read = note(t._repo.store, ["blobs"])
    asked = note(t._repo.store)

    commit = t.compress(f"{said[5000]}..{said[5009]}", summary="ten of them")
    t.expand(str(commit.message_id))

    assert "chain" not in asked
    assert len(asked) <= 12
    assert len(read) <= 24


@pytest.mark.parametrize("length", [100, 1000])
def test_a_fresh_object_compresses_in_a_constant_number_of_statements(length: int) -> None:
    """However long the history is, another process reads it in the same few statements."""
    t, said = conversation(length)
    with another_on(t) as fresh:
        asked = note(fresh._repo.store)

        fresh.compress(f"{said[50]}..{said[59]}", summary="ten of them")

    assert len(asked) <= 8


def test_a_store_that_fails_loses_no_answer(t: Tract, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails leaves the branch as it was, and the next call publishes the answer that was paid for."""
    writer = Writer()
    t._repo.workspace.summarizer = writer
    publish = t._repo.store.publish
    fails = iter([True])

    def failing(*arguments: Any) -> None:
        if next(fails, False):
            raise StorageError("the disk is full")
        publish(*arguments)

    monkeypatch.setattr(t._repo.store, "publish", failing)

    with pytest.raises(StorageError):
        t.compress("..")
    t.compress("..")

    assert (len(writer.asked), texts(t)) == (1, ["s1"])
