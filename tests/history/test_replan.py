"""The changes of a merge commit."""

from collections.abc import Sequence

from merge_support import BLOBS, Triple, answer_to, folded, keep, new, started
from tract.history.fold import apply_changes
from tract.history.merge import settle
from tract.history.replan import plan_changes
from tract.history.rising import longest_rise
from tract.model.changes import Append, Change, Configure, Edit, Insert, Move, SetMark
from tract.model.conflicts import Answer

START = started()


def planned(ours: Sequence[Change], theirs: Sequence[Change], *answers: Answer) -> list[Change]:
    """Return the changes that a merge commit on ours holds, after checking that they give the merge."""
    triple = Triple(START, apply_changes(START, ours), apply_changes(START, theirs))
    plan = triple.plan()
    given = {item.id: answer for item, answer in zip(plan.conflicts, answers, strict=True)}
    target = settle(plan, given).context
    changes = plan_changes(triple.ours, target)
    assert apply_changes(triple.ours, changes) == target
    return list(changes)


def say(message_id: str) -> Change:
    """Return the change that says something at the end."""
    return Append(new(message_id, "user", message_id))


def kinds(changes: Sequence[Change]) -> list[str]:
    """Return what kinds of change there are, in order."""
    return [type(change).__name__ for change in changes]


def test_what_they_appended_is_appended() -> None:
    """The other side's block at the end comes in as appends, in order."""
    changes = planned([say("o")], [say("t1"), say("t2")])

    assert changes == [say("t1"), say("t2")]


def test_what_they_inserted_is_inserted_behind_its_anchor() -> None:
    """A block in the middle stands behind a message that the first parent has."""
    block: list[Change] = [Insert(new("t1", "user", "t1"), "b1"), Insert(new("t2", "user", "t2"), "b1")]

    assert planned([say("o")], block) == block


def test_edits_marks_and_keys_come_as_they_are() -> None:
    """Changes of what is common are the same changes."""
    entry = START.find("b1")
    assert entry is not None
    theirs: list[Change] = [
        Edit("b1", keep({**BLOBS[entry.blob_id], "content": "x"})),
        SetMark("b2", "skipped"),
        Configure({"k": 1}),
    ]

    assert planned([say("o")], theirs) == theirs


def test_their_summary_is_inserted_and_folded_without_repeating_what_it_tells() -> None:
    """A summary of what stands unchanged needs no list of what it was made from."""
    changes = planned([say("o")], [folded("s", ["b1", "b2"])])

    assert kinds(changes) == ["Insert", "Fold"]
    assert [change.seen for change in changes if hasattr(change, "seen")] == [None]


def test_a_summary_at_the_end_is_inserted_with_what_stands_before_it() -> None:
    """Summaries cannot be appended, so what comes before one is inserted too, and only the rest appended."""
    changes = planned([say("o")], [say("t1"), say("t2"), folded("s", ["t2"]), say("t3")])

    assert kinds(changes) == ["Insert", "Insert", "Append", "Append", "Fold"]


def test_a_summary_made_anew_is_folded_anew() -> None:
    """When only what a summary tells has changed, one message is shown and folded again to say so."""
    entry = START.find("b2")
    assert entry is not None
    edit = Edit("b2", keep({**BLOBS[entry.blob_id], "content": "x"}))

    changes = planned([folded("s", ["b1", "b2"])], [edit], Answer("ours"))

    assert kinds(changes) == ["Unfold", "Edit", "Fold"]


def test_their_result_stands_behind_ours_whatever_their_order() -> None:
    """A result that the other side has before one that is common is appended to the exchange like any other."""
    base = apply_changes(START, [Append(new("call", "assistant", "", ["k0", "k1"]))])
    call = base.find("call")
    assert call is not None
    first, second = (Append(answer_to(call, key, key)) for key in ("k0", "k1"))
    ours = apply_changes(base, [second])
    crossed = Triple(base, apply_changes(base, [first]), ours).plan().context

    target = Triple(ours, apply_changes(ours, [Configure({"k": 1})]), crossed).plan().context

    changes = plan_changes(apply_changes(ours, [Configure({"k": 1})]), target)
    assert changes == (first,)
    assert [entry.call_id for entry in crossed.entries[-2:]] == ["k0", "k1"]
    assert [entry.call_id for entry in target.entries[-2:]] == ["k1", "k0"]


def test_their_order_is_told_by_the_fewest_moves() -> None:
    """A message that the other side moved is moved, and nothing else."""
    assert planned([say("o")], [Move("b1", "b3")]) == [Move("b1", "b3")]


def test_longest_rise_leaves_out_as_little_as_possible() -> None:
    """The part in order is the longest there is."""
    assert longest_rise([5, 0, 1, 2, 3]) == [1, 2, 3, 4]
    assert longest_rise([]) == []
