"""Undo and redo: any operation goes back and forth again, nothing is deleted, and races change nothing."""

from collections.abc import Callable, Iterable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tract import (
    BatchError,
    ConcurrentMoveError,
    ContentError,
    OperationNotFoundError,
    RefNotFoundError,
    TraceError,
    Tract,
)
from tract.model.refs import REMEMBERED, WORKSPACES
from tract_support import Another, Clock, texts


def refs(t: Tract) -> dict[str, str]:
    """Return every ref of a tract, but for remembered answers."""
    return {name: target for name, target in t._repo.store.refs("").items() if not name.startswith(REMEMBERED)}


def conflicting(t: Tract) -> None:
    """Let main and other edit one message in two ways, and stand on main."""
    message_id = t.user("by train?").message_ids[0]
    t.switch("other", create=True)
    t.edit(message_id, "by bus?")
    t.switch("main")
    t.edit(message_id, "by boat?")


def test_an_undo_goes_back_and_a_redo_forward(t: Tract) -> None:
    """The branch stands where it stood before, and then where it stood after."""
    t.user("one")
    t.user("two")

    (undone,) = t.undo()
    after_undo = texts(t)
    (done_again,) = t.redo()

    assert (undone.kind, undone.author) == ("append", "Ada")
    assert after_undo == ["one"]
    assert texts(t) == ["one", "two"]
    assert done_again == undone


def test_undone_twice_one_goes_further_back(t: Tract) -> None:
    """An undo does not undo an undo."""
    for text in ("one", "two", "three"):
        t.user(text)

    t.undo()
    t.undo()

    assert texts(t) == ["one"]
    t.redo()
    t.redo()
    assert texts(t) == ["one", "two", "three"]


def test_several_at_once(t: Tract) -> None:
    """They go back in one operation, and come again one by one."""
    for text in ("one", "two", "three"):
        t.user(text)

    undone = t.undo(2)
    logged = t.operations(1)[0]

    assert texts(t) == ["one"]
    assert [entry.id for entry in undone] == [entry.id for entry in t.operations()[1:3]]
    assert (logged.kind, logged.subject_id) == ("undo", undone[-1].id)
    t.redo()
    assert texts(t) == ["one", "two"]
    t.redo()
    assert texts(t) == ["one", "two", "three"]
    t.undo(3)
    t.redo(2)
    assert texts(t) == ["one", "two"]


def test_what_is_done_after_an_undo_leaves_nothing_to_redo(t: Tract) -> None:
    """The undone operation stays in the log, and is passed over from then on."""
    t.user("one")
    t.user("two")
    t.undo()
    t.user("three")

    with pytest.raises(OperationNotFoundError):
        t.redo()

    t.undo()
    assert texts(t) == ["one"]
    t.undo()
    assert texts(t) == []


def test_the_first_commit_is_undone(t: Tract) -> None:
    """The branch is unborn again, and a message begins it anew."""
    t.user("one")

    t.undo()

    assert t.head_id is None
    t.user("anew")
    assert texts(t) == ["anew"]


@pytest.mark.parametrize("n", [0, -1, True, 1.0, "1", None])
def test_a_wrong_number_is_refused(t: Tract, n: int) -> None:
    """Nothing is changed."""
    t.user("one")

    with pytest.raises(ContentError):
        t.undo(n)
    with pytest.raises(ContentError):
        t.redo(n)
    assert texts(t) == ["one"]


def test_more_than_there_is_is_refused(t: Tract) -> None:
    """Nothing is changed, and what is there can still be undone."""
    t.user("one")

    with pytest.raises(OperationNotFoundError):
        t.undo(2)

    assert texts(t) == ["one"]
    assert len(t.undo()) == 1
    with pytest.raises(OperationNotFoundError):
        t.undo()


def test_a_batch_does_not_allow_it(t: Tract) -> None:
    """What is not written yet cannot be passed over."""
    t.user("one")

    with t.batch(), pytest.raises(BatchError):
        t.undo()
    with t.batch(), pytest.raises(BatchError):
        t.redo()


def _merge(t: Tract) -> None:
    conflicting(t)
    t.merge("other", strategy="ours")


def _waiting_merge(t: Tract) -> None:
    conflicting(t)
    t.merge("other")


def _resolve(t: Tract) -> None:
    conflicting(t)
    result = t.merge("other")
    result.resolve(result.conflicts[0].id, "by plane?")


def _finish(t: Tract) -> None:
    _resolve(t)
    t.commit_merge()


def _abort(t: Tract) -> None:
    _resolve(t)
    t.abort_merge()


def _reset(t: Tract) -> None:
    t.user("one")
    t.user("two")
    t.reset("HEAD^")


def _delete(t: Tract) -> None:
    conflicting(t)
    t.delete_branch("other", force=True)


def _rename(t: Tract) -> None:
    conflicting(t)
    t.rename_branch("main", "trunk")


def _rename_unborn(t: Tract) -> None:
    t.rename_branch("main", "trunk")


def _switch(t: Tract) -> None:
    conflicting(t)
    t.switch("other")


def _switch_first(t: Tract) -> None:
    t.user("one")
    t.switch("other", create=True)


def _tag(t: Tract) -> None:
    t.user("one")
    t.tag("v1")


def _untag(t: Tract) -> None:
    _tag(t)
    t.delete_tag("v1")


def _import(t: Tract) -> None:
    t.import_messages([{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}])


def _configure(t: Tract) -> None:
    t.configure(model="gpt-4o")


@pytest.mark.parametrize(
    "act",
    [
        _merge,
        _waiting_merge,
        _resolve,
        _finish,
        _abort,
        _reset,
        _delete,
        _rename,
        _rename_unborn,
        _switch,
        _switch_first,
        _tag,
        _untag,
        _import,
        _configure,
    ],
)
def test_any_operation_is_undone_and_done_again(t: Tract, act: Callable[[Tract], None]) -> None:
    """All refs that it moved go back together, and forward together, and the object stands where its HEAD does."""
    act(t)
    after, branch_after, head_after = refs(t), t.current_branch, t.head_id
    done = t.operations()[0]

    t.undo()
    before = refs(t)
    expected = dict(after)
    for move in done.moves:
        if not move.ref.startswith(REMEMBERED):
            expected.pop(move.ref, None)
            expected.update({move.ref: move.old} if move.old is not None else {})
    stands_on = before.get(WORKSPACES + "default", "heads/main").removeprefix("heads/")

    assert before == expected != after
    assert t.current_branch == stands_on
    assert t.head_id == before.get(f"heads/{stands_on}")
    t.redo()
    assert (refs(t), t.current_branch, t.head_id) == (after, branch_after, head_after)
    assert t.fsck().is_clean


def test_an_undone_merge_leaves_remembered_answers(t: Tract) -> None:
    """Merged again, the conflict is settled without asking."""
    _finish(t)
    t.undo(3)

    again = t.merge("other")

    assert [kept.content_text for kept in again.resolutions.values()] == ["by plane?"]


def test_a_merge_undone_waits_again(t: Tract) -> None:
    """Undoing the commit of a merge brings its session back, answers and all."""
    _finish(t)

    t.undo()

    session = t.merge_session()
    assert session is not None
    assert session.open_conflicts == ()
    assert t.commit_merge().parents[1:] == (t.branches()["other"],)


def test_somebody_else_s_operations_are_undone_too(t: Tract, another: Another) -> None:
    """The log is the tract's; what was undone says whose it was."""
    t.user("one")
    other = another(author="Bob")
    other.user("two")

    (undone,) = t.undo()

    assert undone.author == "Bob"
    assert texts(other) == ["one"]


def test_a_ref_that_moves_meanwhile_is_an_error(t: Tract, another: Another, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody recorded between the look at the log and the write is not undone, and nothing else is."""
    t.user("one")
    t.user("two")
    other = another(author="Bob")
    store = t._repo.store
    publish = store.publish

    def late(*arguments: object) -> None:
        monkeypatch.undo()
        other.user("three")
        publish(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "publish", late)
    with pytest.raises(ConcurrentMoveError) as raised:
        t.undo()

    assert raised.value.ref == "heads/main"
    assert raised.value.found == other.head_id
    assert texts(t) == ["one", "two", "three"]
    assert [entry.kind for entry in t.operations()] == ["append"] * 3


def test_two_that_undo_at_once_undo_one_each_or_fail(t: Tract, another: Another) -> None:
    """An undo planned before another's is refused, and planned again it goes further back."""
    for text in ("one", "two", "three"):
        t.user(text)
    other = another()

    t.undo()
    other.undo()

    assert texts(t) == texts(other) == ["one"]


def test_an_older_operation_is_reverted_alone(t: Tract) -> None:
    """What came after it stays; that is an operation like any other."""
    t.user("one")
    t.tag("v1")
    tagged = t.operations()[0]
    t.user("two")

    reverted = t.revert_operation(tagged.id[:12])

    assert reverted == tagged
    assert (t.tags(), texts(t)) == ({}, ["one", "two"])
    assert (t.operations()[0].kind, t.operations()[0].subject_id) == ("revert", tagged.id)
    t.undo()
    assert list(t.tags()) == ["v1"]


def test_an_operation_whose_refs_moved_on_is_not_reverted(t: Tract) -> None:
    """Nothing is changed."""
    t.user("one")
    first = t.operations()[0]
    t.user("two")
    before = refs(t)

    with pytest.raises(ConcurrentMoveError):
        t.revert_operation(first.id)

    assert refs(t) == before
    assert len(t.operations()) == 2


@pytest.mark.parametrize("operation_id", ["0" * 64, "0", "xyz", "", None, 3])
def test_an_unknown_operation_is_an_error(t: Tract, operation_id: str) -> None:
    """Nothing is changed."""
    t.user("one")

    with pytest.raises(OperationNotFoundError):
        t.revert_operation(operation_id if operation_id != "0" else "f" * 63)

    assert texts(t) == ["one"]


def test_an_undone_branch_is_gone_for_who_stands_on_it(t: Tract, another: Another) -> None:
    """As if it was deleted; the object whose HEAD went back stands elsewhere."""
    t.user("one")
    t.branch("other")
    bob = another(workspace="bob")
    bob._repo.workspace.stand_on("other", born=True)

    t.undo()

    with pytest.raises(RefNotFoundError):
        bob.user("two")


def test_the_log_says_who_did_what_when(t: Tract) -> None:
    """Newest first, at most as many as asked for."""
    t.user("one", author="Eve")
    t.branch("other")

    newest, oldest = t.operations()

    assert (newest.kind, newest.author, newest.subject_id) == ("branch", "Ada", None)
    assert [(move.ref, move.old, move.new) for move in newest.moves] == [("heads/other", None, t.head_id)]
    assert (oldest.kind, oldest.author) == ("append", "Eve")
    assert t.operations(1) == [newest]
    assert t.operations(0) == []
    with pytest.raises(ContentError):
        t.operations(-1)


def test_the_reflog_calls_an_undo_by_its_name(t: Tract) -> None:
    """It names no operation: the log of operations does."""
    t.user("one")
    t.user("two")
    t.undo()

    assert [entry.kind for entry in t.reflog()] == ["undo", "append", "append"]


def _nth(names: Iterable[str], n: int) -> str:
    found = sorted(names)
    return found[n % len(found)] if found else "main"


def _settle_one(t: Tract) -> None:
    session = t.merge_session()
    if session is not None and session.open_conflicts:
        session.resolve(session.open_conflicts[0].id, session.open_conflicts[0].choices[0])


VERBS: list[Callable[[Tract, int], object]] = [
    lambda t, n: t.user(f"said {n}"),
    lambda t, n: t.edit(_nth(t.compile().message_ids, 0), f"edited {n % 3}"),
    lambda t, n: t.skip(_nth(t.compile().message_ids, n)),
    lambda t, n: t.branch(f"b{n % 3}"),
    lambda t, n: t.switch(_nth(t.branches(), n)),
    lambda t, n: t.switch(f"b{n % 3}", create=True),
    lambda t, n: t.delete_branch(_nth(t.branches(), n), force=True),
    lambda t, n: t.rename_branch(_nth(t.branches(), n), f"b{n % 3}"),
    lambda t, n: t.tag(f"v{n % 2}"),
    lambda t, n: t.delete_tag(f"v{n % 2}"),
    lambda t, n: t.reset("HEAD^"),
    lambda t, n: t.merge(_nth(t.branches(), n), allow_unrelated=True),
    lambda t, n: _settle_one(t),
    lambda t, n: t.commit_merge(),
    lambda t, n: t.abort_merge(),
    lambda t, n: t.configure(budget=1000 + n % 2),
]
UNDO, REDO = len(VERBS), len(VERBS) + 1


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([*range(len(VERBS)), UNDO, UNDO, REDO]), st.integers(0, 5)), max_size=25))
def test_undo_and_redo_walk_through_every_state(steps: list[tuple[int, int]]) -> None:
    """Whatever was done, undone and done again, every ref stands as it did in the state gone to."""
    with Tract.open(clock=Clock()) as t:
        states, place = [refs(t)], 0

        for step, n in steps:
            if step in (UNDO, REDO):
                count = min(1 + n % 3, place if step == UNDO else len(states) - 1 - place)
                if count:
                    (t.undo if step == UNDO else t.redo)(count)
                    place += count if step == REDO else -count
            else:
                before = t.operations(1)
                with suppress(TraceError):
                    VERBS[step](t, n)
                if t.operations(1) != before:
                    states[place + 1 :] = [refs(t)]
                    place += 1

            assert refs(t) == states[place]
            assert f"heads/{t.current_branch}" == refs(t).get(WORKSPACES + "default", "heads/main")


def test_what_cannot_go_back_is_passed_over(t: Tract) -> None:
    """Collecting garbage and purging are done for good; what was done before them is undone."""
    t.user("one")
    secret = t.user("swordfish")
    t.note("HEAD", "somebody said swordfish")
    t.user("three")
    t.purge(secret.message_ids[0], confirmed=True)
    t.gc(keep="0s")

    (undone,) = t.undo()

    assert undone.kind == "append"
    assert len(t.compile()) == 2
    assert t.fsck().is_clean
    assert t.notes() == []
