"""The fold: what changes make of a context, and which changes it refuses."""

import pytest

from tract.exceptions import ContentError, MessageNotFoundError
from tract.history.fold import apply_changes, check_context, open_calls, told_by
from tract.model.changes import (
    Append,
    Change,
    Configure,
    Edit,
    Fold,
    Insert,
    Move,
    NewMessage,
    SetMark,
    Unfold,
    change_from_json,
    change_to_json,
)
from tract.model.context import Context
from tract.model.encoding import result_message_id


def said(message_id: str, role: str = "user", calls: tuple[str, ...] = ()) -> NewMessage:
    """Return a message whose blob is named after it."""
    return NewMessage(message_id, f"blob of {message_id}", role, calls)


def answer(assistant_id: str, call_id: str, ordinal: int = 0) -> NewMessage:
    """Return a tool result."""
    message_id = result_message_id(assistant_id, call_id, ordinal)
    return NewMessage(message_id, f"result of {call_id}", "tool", (), call_id, assistant_id)


def context(*changes: Change) -> Context:
    """Return what changes make of nothing."""
    return apply_changes(Context(), changes)


def order(found: Context) -> list[str]:
    """Return the ids of a context's entries, in order."""
    return [entry.message_id for entry in found.entries]


CONVERSATION = tuple(
    Append(said(message_id, role))
    for message_id, role in (("s", "system"), ("u", "user"), ("a", "assistant"), ("v", "user"), ("b", "assistant"))
)


def test_appends_stand_in_order() -> None:
    """Messages appended stand in the order they were said."""
    assert order(context(*CONVERSATION)) == ["s", "u", "a", "v", "b"]


def test_appending_twice_is_refused() -> None:
    """One message id stands once."""
    with pytest.raises(ContentError, match="there already"):
        context(Append(said("u")), Append(said("u")))


def test_two_children_do_not_see_each_other() -> None:
    """Contexts that share a beginning keep their own ends."""
    parent = context(*CONVERSATION)

    first = apply_changes(parent, [Append(said("x")), Append(said("z"))])
    second = apply_changes(parent, [Append(said("y"))])

    assert (order(parent)[-1], order(first)[-2:], order(second)[-1]) == ("b", ["x", "z"], "y")
    assert first.find("y") is None
    assert second.find("x") is None
    assert parent.find("x") is None
    assert second.find("y") == second.entries[-1]


def test_a_child_that_appends_shares_its_parents_list() -> None:
    """An append to a long context copies nothing."""
    parent = context(*CONVERSATION)

    child = apply_changes(parent, [Append(said("x"))])

    assert child.entries.shares(parent.entries)


def test_a_late_result_stands_behind_its_call() -> None:
    """A result of a skipped call that comes late goes right behind it."""
    before = context(
        Append(said("a", "assistant", ("k", "l"))), Append(answer("a", "k")), SetMark("a", "skipped"), Append(said("u"))
    )

    after = apply_changes(before, [Append(answer("a", "l"))])

    assert order(after) == ["a", answer("a", "k").message_id, answer("a", "l").message_id, "u"]


def test_a_call_id_used_twice_in_one_message_gets_two_results() -> None:
    """Two calls of one message may share an id; each has its own result."""
    found = context(Append(said("a", "assistant", ("k", "k"))), Append(answer("a", "k")), Append(answer("a", "k", 1)))

    assert open_calls(found) == ()


def test_a_result_needs_its_call() -> None:
    """A result names the assistant message whose call it answers."""
    with pytest.raises(MessageNotFoundError):
        context(Append(answer("nobody", "k")))
    with pytest.raises(ContentError, match="no call"):
        context(Append(said("a", "assistant", ("k",))), Append(answer("a", "other")))


def test_an_open_call_behind_which_something_stands_is_refused() -> None:
    """Only the last visible message may have a call without a result."""
    broken = context(Append(said("a", "assistant", ("k",))), Append(said("u")))

    with pytest.raises(ContentError, match="without a result"):
        check_context(broken)


def test_open_calls_are_those_of_the_last_visible_message() -> None:
    """Open calls are told with the message ids that their results will have."""
    found = context(Append(said("a", "assistant", ("k", "l"))), Append(answer("a", "k")))

    assert [(call.call_id, call.result_id) for call in open_calls(found)] == [("l", result_message_id("a", "l"))]


def test_an_edit_changes_one_message_and_keeps_its_id() -> None:
    """An edit names another blob for a message, here and nowhere else."""
    before = context(*CONVERSATION)

    after = apply_changes(before, [Edit("u", "other")])

    assert [entry.blob_id for entry in after.entries if entry.message_id == "u"] == ["other"]
    assert before.find("u") == before.entries[1]
    assert order(after) == order(before)


def test_a_mark_holds_for_the_whole_exchange() -> None:
    """A mark set on a result is kept on the assistant message and hides both."""
    found = context(
        Append(said("u")),
        Append(said("a", "assistant", ("k",))),
        Append(answer("a", "k")),
        SetMark(answer("a", "k").message_id, "skipped"),
    )

    assert [entry.message_id for entry in found.visible()] == ["u"]
    assert [entry.mark for entry in found.entries] == ["normal", "skipped", "normal"]


def test_a_fold_puts_the_summary_where_the_first_stood() -> None:
    """A summary stands for what it folds, in the place of the first of it."""
    found = context(*CONVERSATION, Fold("sum", ("u", "a"), said("sum")))

    assert order(found) == ["s", "sum", "u", "a", "v", "b"]
    assert [entry.message_id for entry in found.visible()] == ["s", "sum", "v", "b"]
    assert found.seen["sum"] == {"u": "blob of u", "a": "blob of a"}


def test_an_unfold_undoes_a_fold() -> None:
    """What was folded is shown again, and the summary no more."""
    found = context(*CONVERSATION, Fold("sum", ("u", "a"), said("sum")), Unfold("sum"))

    assert [entry.message_id for entry in found.visible()] == ["s", "u", "a", "v", "b"]


def test_a_summary_of_summaries_tells_what_they_told() -> None:
    """What a summary was made from is told down to the messages themselves."""
    found = context(*CONVERSATION, Fold("one", ("u", "a"), said("one")), Fold("two", ("one", "v"), said("two")))

    assert [entry.message_id for entry in found.visible()] == ["s", "two", "b"]
    assert set(found.seen["two"]) == {"u", "a", "v"}
    assert told_by(found, ["two"]) == found.seen["two"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ([SetMark("u", "pinned"), Fold("sum", ("u",), said("sum"))], "pinned"),
        ([Fold("sum", ("s",), said("sum"))], "never folded"),
        ([SetMark("u", "skipped"), Fold("sum", ("u",), said("sum"))], "not shown"),
        ([Append(said("c", "assistant", ("k",))), Fold("sum", ("c",), said("sum"))], "without a result"),
        ([Fold("sum", ("u",), said("sum")), Edit("u", "x")], "expand it first"),
        ([Fold("sum", ("u",), said("sum")), SetMark("u", "pinned")], "expand it first"),
        ([Fold("sum", ("u",), said("sum")), Fold("two", ("u", "a"), said("two"))], "expand it first"),
        ([Fold("a", ("u",), None)], "no summary"),
        ([Fold("u", ("a",), said("u"))], "there already"),
        ([Unfold("u")], "no summary"),
        ([Fold("sum", (), said("sum"))], "must stand for something"),
        ([Move("u", "u")], "behind itself"),
        ([Insert(said("u"), None)], "there already"),
    ],
)
def test_what_does_not_fit_is_refused(changes: list[Change], problem: str) -> None:
    """A change that would hide what must be seen, or stand twice, is an error."""
    with pytest.raises(ContentError, match=problem):
        context(*CONVERSATION, *changes)


def test_an_insert_stands_behind_its_anchor_and_a_run_keeps_its_order() -> None:
    """Insertions behind one message, or behind each other, stand in the order given."""
    found = context(
        *CONVERSATION,
        Insert(said("x"), "u"),
        Insert(said("y"), "x"),
        Insert(said("z"), "u"),
        Insert(said("first"), None),
    )

    assert order(found) == ["first", "s", "u", "x", "y", "z", "a", "v", "b"]


def test_an_insert_behind_a_call_stands_behind_its_results() -> None:
    """An insertion never parts a call from its results."""
    found = context(
        Append(said("a", "assistant", ("k",))), Append(answer("a", "k")), Append(said("u")), Insert(said("x"), "a")
    )

    assert order(found) == ["a", answer("a", "k").message_id, "x", "u"]


def test_a_move_takes_the_whole_exchange() -> None:
    """A moved message takes its results along."""
    found = context(
        Append(said("u")),
        Append(said("a", "assistant", ("k",))),
        Append(answer("a", "k")),
        Append(said("v")),
        Move("a", None),
    )

    assert order(found) == ["a", answer("a", "k").message_id, "u", "v"]


def test_configuration_is_set_and_unset() -> None:
    """A None takes a key out of the configuration."""
    found = context(Configure({"model": "m", "temperature": 0}), Configure({"model": None}))

    assert found.config == {"temperature": 0}


@pytest.mark.parametrize(
    "change",
    [
        *CONVERSATION[:1],
        Append(answer("a", "k")),
        Insert(said("x", "assistant", ("k",)), "u", True),
        Insert(said("x"), None),
        Move("u", None),
        Edit("u", "b"),
        SetMark("u", "important"),
        Fold("sum", ("u",), said("sum"), {"u": "b"}),
        Fold("sum", ("u",)),
        Unfold("sum"),
        Unfold("sum", ("u",)),
        Configure({"model": None, "x": [1]}),
    ],
)
def test_changes_come_back_from_json(change: Change) -> None:
    """A change read back is the change written."""
    assert change_from_json(change_to_json(change)) == change
