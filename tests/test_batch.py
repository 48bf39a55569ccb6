"""Batches: many changes as one commit, or none of them."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tract import BatchError, ContentError, MessageNotFoundError, RefNotFoundError, Tract
from tract.operations.repo import BoundedCache, Caches
from tract_support import Another, Json, answering, asking, ids, say, texts


def test_a_batch_is_one_commit(t: Tract) -> None:
    """Everything recorded in the block is one commit, with the batch's notes and the changes in order."""
    t.user("before")

    with t.batch("a turn", author="Eve", metadata={"k": 1}):
        t.user("a")
        t.append([asking("c1"), answering("c1")])
        t.configure(model="gpt-4o")
        t.pin(ids(t)[1])

    commit = t.log()[0]
    assert len(t.log()) == 2
    assert (commit.message, commit.author, commit.metadata) == ("a turn", "Eve", {"k": 1})
    assert [type(change).__name__ for change in commit.changes] == ["Append"] * 3 + ["Configure", "SetMark"]
    assert list(commit.message_ids) == ids(t)[1:]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_exception_leaves_nothing(t: Tract, error: type[BaseException]) -> None:
    """Whatever leaves the block, nothing of it is recorded, and the next verb works."""
    t.user("before")
    head = t.head_id

    with pytest.raises(error), t.batch():
        t.user("a")
        t.configure(model="gpt-4o")
        raise error

    assert t.head_id == head
    assert t.status().message_count == 1
    t.assistant("after")
    assert texts(t) == ["before", "after"]


def test_a_refused_verb_leaves_the_rest_of_the_batch(t: Tract) -> None:
    """A verb that raises adds nothing; whoever catches that keeps the others."""
    with t.batch():
        t.user("a")
        for refused in (say("user", "x"), {"role": "user"}):
            with pytest.raises(ContentError):
                t.append([say("assistant", "no"), refused, answering("c9")])
        with pytest.raises(MessageNotFoundError):
            t.pin("f" * 64)
        t.assistant("b")

    assert texts(t) == ["a", "b"]
    assert len(t.log()) == 1


def test_ids_are_final_at_once(t: Tract) -> None:
    """A verb's value has its message ids inside the batch, and later changes may name them."""
    with t.batch():
        said = t.user("draft")
        early = said.message_ids
        t.edit(str(said.message_id), "final")
        t.pin(str(said.message_id)[:8])

    assert early == said.message_ids == tuple(ids(t))
    assert texts(t) == ["final"]


def test_what_is_not_written_has_no_id(t: Tract) -> None:
    """Everything else of a verb's value waits until the batch is written, and is the batch's then."""
    with t.batch("why"):
        said = t.user("a")
        for name in ("id", "parents", "message", "author", "created_at", "metadata", "generation_config"):
            with pytest.raises(BatchError):
                getattr(said, name)
        assert said.message_ids
        assert repr(said)

    assert (said.id, said.message, said.author) == (t.head_id, "why", "Ada")
    assert len(said.changes) == 1


def test_a_value_of_a_batch_given_up_has_no_id(t: Tract) -> None:
    """Where the batch was not written, its values never get an id."""
    with pytest.raises(ValueError, match="no"), t.batch():
        said = t.user("a")
        raise ValueError("no")

    with pytest.raises(BatchError):
        _ = said.id


def test_reading_verbs_see_the_batch(t: Tract) -> None:
    """Compile, diff, status, history and export show what the batch did so far."""
    first = t.user("first")

    with t.batch():
        t.edit(str(first.message_id), "edited")
        second = t.assistant("second")

        compiled = t.compile()
        assert texts(t) == ["edited", "second"]
        assert compiled.commit_id == first.id
        assert [edit.after.text for edit in t.diff("HEAD").edited if edit.after] == ["edited"]
        assert (t.status().message_count, t.status().token_count) == (2, compiled.token_count)
        assert t.status().head_id == t.head_id == first.id
        assert [version.action for version in t.history(str(first.message_id))] == ["added", "edited"]
        assert [version.message.text for version in t.history(str(second.message_id))] == ["second"]
        assert "second" in t.export_messages()
        assert texts(t, "HEAD") == ["first"]

    assert t.status().token_count == t.compile().token_count


def test_reading_in_a_new_tract_sees_the_batch(t: Tract) -> None:
    """On an unborn branch too."""
    with t.batch():
        said = t.user("a")

        assert (t.status().message_count, t.status().head_id, t.head_id) == (1, None, None)
        assert [version.action for version in t.history(str(said.message_id))] == ["added"]


@pytest.mark.parametrize(
    "verb",
    [
        lambda t: t.branch("x"),
        lambda t: t.switch("side"),
        lambda t: t.switch("x", create=True),
        lambda t: t.reset("HEAD"),
        lambda t: t.merge("side"),
        lambda t: t.commit_merge(),
        lambda t: t.abort_merge(),
        lambda t: t.delete_branch("side"),
        lambda t: t.rename_branch("side", "x"),
    ],
    ids=["branch", "switch", "create", "reset", "merge", "commit_merge", "abort_merge", "delete", "rename"],
)
def test_verbs_that_move_refs_are_refused(t: Tract, verb: Callable[[Tract], object]) -> None:
    """Inside a batch no ref moves, and the batch goes on after the error."""
    t.user("before")
    t.branch("side")

    with t.batch():
        t.user("a")
        with pytest.raises(BatchError):
            verb(t)
        t.assistant("b")

    assert texts(t) == ["before", "a", "b"]
    assert (t.current_branch, set(t.branches())) == ("main", {"main", "side"})


def test_an_inner_batch_joins_the_outer(t: Tract) -> None:
    """A batch inside a batch makes no commit of its own; its notes fill what the outer one's left open."""
    with t.batch(metadata={"outer": 1}):
        t.user("a")
        with t.batch("inner", metadata={"inner": 2}):
            said = t.assistant("b")
        with pytest.raises(BatchError):
            _ = said.id
        t.user("c")

    assert texts(t) == ["a", "b", "c"]
    assert [(commit.message, commit.metadata) for commit in t.log()] == [("inner", {"outer": 1, "inner": 2})]


def test_an_inner_batch_that_fails_leaves_nothing(t: Tract) -> None:
    """Whoever catches an inner batch's exception keeps what was before and comes after, and none of it."""
    with t.batch("outer"):
        t.user("a")
        with pytest.raises(KeyboardInterrupt), t.batch("inner", metadata={"k": 1}):
            lost = t.assistant("lost")
            t.configure(model="gpt-4o")
            raise KeyboardInterrupt
        kept = t.assistant("b")
        assert texts(t) == ["a", "b"]
        assert lost.message_id != kept.message_id

    assert texts(t) == ["a", "b"]
    assert t.compile().config == {}
    assert [(commit.message, commit.metadata) for commit in t.log()] == [("outer", {})]
    assert kept.id == t.head_id
    assert t._repo.store.blobs([lost.changes[0].message.blob_id]) == {}  # type: ignore[union-attr]
    with pytest.raises(BatchError):
        _ = lost.id


def test_an_inner_batch_that_fails_leaves_open_calls(t: Tract) -> None:
    """A call answered in what was given up is still open."""
    with t.batch():
        t.append(asking("c1"))
        with pytest.raises(ValueError, match="no"), t.batch():
            t.tool("lost", tool_call_id="c1")
            t.user("lost")
            raise ValueError("no")
        with pytest.raises(ContentError):
            t.user("too early")
        t.tool("kept", tool_call_id="c1")

    assert texts(t) == ["", "kept"]


def test_an_empty_batch_writes_nothing(t: Tract) -> None:
    """A batch of nothing, or of changes that change nothing, makes no commit, and no id."""
    message_id = str(t.pin(str(t.user("a").message_id)).changes[0].message_id)  # type: ignore[union-attr]
    head, moves = t.head_id, len(t.reflog())

    with t.batch("nothing"):
        pass
    with t.batch("nothing"):
        nothing = t.pin(message_id)
        t.append([])

    assert (t.head_id, len(t.reflog())) == (head, moves)
    assert nothing.changes == ()
    with pytest.raises(BatchError):
        _ = nothing.id


def test_notes_of_a_verb_inside_a_batch(t: Tract) -> None:
    """Metadata joins the batch's; a message or an author of its own would be lost, and is refused."""
    with t.batch("why", metadata={"a": 1}):
        t.user("x", metadata={"b": 2})
        with pytest.raises(BatchError):
            t.user("y", message="mine")
        with pytest.raises(BatchError):
            t.user("y", author="Eve")

    assert t.log()[0].metadata == {"a": 1, "b": 2}
    assert texts(t) == ["x"]


def test_a_batch_belongs_to_its_thread(t: Tract) -> None:
    """What other threads record meanwhile is committed at once, and the batch comes behind it, ids kept."""
    t.user("before")

    with t.batch(), ThreadPoolExecutor(1) as thread:
        said = t.user("batched")
        early = said.message_ids
        other = thread.submit(t.user, "at once").result()
        assert thread.submit(texts, t).result() == ["before", "at once"]
        assert other.id == thread.submit(lambda: t.head_id).result()
        assert texts(t) == ["before", "batched"]

    assert texts(t) == ["before", "at once", "batched"]
    assert said.message_ids == early == t.log()[0].message_ids


def test_batches_of_two_threads_do_not_mix(t: Tract) -> None:
    """Each thread's batch is a commit of its own."""
    both = threading.Barrier(2)

    def turn(name: str) -> None:
        with t.batch(name):
            both.wait(10)
            t.user(f"{name} 1")
            both.wait(10)
            t.user(f"{name} 2")

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(turn, "ab"))

    said = texts(t)
    assert sorted(commit.message for commit in t.log()) == ["a", "b"]
    assert sorted([said[:2], said[2:]]) == [["a 1", "a 2"], ["b 1", "b 2"]]


def test_a_batch_on_a_deleted_branch_is_refused(t: Tract, another: Another) -> None:
    """A branch that goes away under a batch takes nothing with it."""
    t.user("a")
    t.switch("side", create=True)

    with pytest.raises(RefNotFoundError), t.batch():
        t.user("b")
        another(workspace="other").delete_branch("side", force=True)

    t.switch("main")
    assert texts(t) == ["a"]


def test_a_long_batch_costs_what_it_adds(t: Tract) -> None:
    """Ids and results are right over thousands of verbs, which take no more work late than early."""
    with t.batch():
        said = [t.user(str(number)).message_id for number in range(3000)]

    assert said == ids(t)


def test_a_batch_larger_than_the_caches_is_readable(t: Tract) -> None:
    """What is not written yet is not looked for in the store when a cache has forgotten it."""
    small = Tract(replace(t._repo, caches=Caches(fields=BoundedCache(100))))
    words: list[Json] = [say("user", f"{number} " * 50) for number in range(5)]

    with small.batch():
        first = small.append(words)
        assert len(texts(small)) == 5
        small.edit(first.message_ids[0], "edited")
        assert texts(small)[0] == "edited"
        assert len(small.history(first.message_ids[0])) == 1
    small.import_messages([say("user", f"{number} " * 50) for number in range(5, 10)])

    assert len(texts(small)) == 10


def test_the_value_of_the_block_has_the_commit(t: Tract) -> None:
    """`with t.batch() as b` gives what becomes the commit."""
    with t.batch() as batch:
        found: Any = batch.commit
        t.user("a")

    assert found is None
    assert batch.commit is not None
    assert batch.commit.id == t.head_id
