"""What conflicts and what does not, kind by kind, and what each answer makes of it."""

from collections.abc import Sequence
from typing import Any

import pytest

from merge_support import (
    BLOBS,
    Triple,
    answer_to,
    compiled,
    faults,
    folded,
    keep,
    load,
    new,
    started,
    text,
)
from tract.exceptions import ContentError
from tract.history.fold import apply_changes
from tract.history.merge import MergePlan, Settled, plan_merge, settle
from tract.model.changes import Append, Change, Configure, Edit, Fold, Insert, Mark, Move, SetMark, Unfold
from tract.model.conflicts import Answer, Conflict
from tract.model.context import Context

START = started()
OPEN = apply_changes(
    Context(),
    [
        Append(new("b0", "system", "terse")),
        Append(new("b1", "user", "go")),
        Append(new("b3", "assistant", "", ["k0", "k1"])),
    ],
)


def edit(message_id: str, content: str, context: Context = START) -> Change:
    """Return the edit of a message."""
    entry = context.find(message_id)
    assert entry is not None
    return Edit(message_id, keep({**BLOBS[entry.blob_id], "content": content}))


def result(call: str, content: str) -> Change:
    """Return the result of one of the open calls."""
    assistant = OPEN.find("b3")
    assert assistant is not None
    return Append(answer_to(assistant, call, content))


def say(message_id: str, role: str = "user", calls: Sequence[str] = ()) -> Change:
    """Return the change that says something at the end."""
    return Append(new(message_id, role, f"said {message_id}", calls))


def mark(message_id: str, value: Mark) -> Change:
    """Return the change that marks a message."""
    return SetMark(message_id, value)


def merge(ours: Sequence[Change], theirs: Sequence[Change], base: Context = START, **options: Any) -> MergePlan:
    """Return the plan of merging two lists of changes of one base."""
    triple = Triple(base, apply_changes(base, ours), apply_changes(base, theirs))
    return triple.plan(**options)


def only(plan: MergePlan) -> Conflict:
    """Return the one conflict of a plan."""
    (conflict,) = plan.conflicts
    return conflict


def settled(plan: MergePlan, *answers: Answer) -> Settled:
    """Return a plan with its conflicts answered, one answer each in order, or one for all."""
    given = answers * len(plan.conflicts) if len(answers) == 1 else answers
    found = settle(plan, {item.id: answer for item, answer in zip(plan.conflicts, given, strict=True)})
    BLOBS.update({blob.id: blob.fields for blob in found.new_blobs.values()})
    return found


def content(context: Context, message_id: str) -> Any:
    """Return what a message says."""
    entry = context.find(message_id)
    assert entry is not None
    return text(entry.blob_id)


def shown(context: Context) -> list[str]:
    """Return the ids of the units that a model sees."""
    return [entry.message_id for entry in context.visible() if entry.answers is None]


TABLE: list[tuple[str, list[Change], list[Change], Context, set[str]]] = [
    ("append, append", [say("o")], [say("t")], START, set()),
    ("edit, append", [edit("b1", "x")], [say("t", "assistant")], START, set()),
    ("edit, edit", [edit("b1", "x")], [edit("b1", "y")], START, {"both_edit"}),
    ("edit, same edit", [edit("b1", "x")], [edit("b1", "x")], START, set()),
    ("edit, edit elsewhere", [edit("b1", "x")], [edit("b2", "y")], START, set()),
    ("system edit, system edit", [edit("b0", "x")], [edit("b0", "y")], START, {"both_edit"}),
    ("system edit, reply", [edit("b0", "x")], [say("t", "assistant")], START, {"edit_plus_append"}),
    ("system edit, same edit and reply", [edit("b0", "x")], [edit("b0", "x"), say("t", "assistant")], START, set()),
    ("system skip, reply", [mark("b0", "skipped")], [say("t", "assistant")], START, {"edit_plus_append"}),
    ("system pin, reply", [mark("b0", "pinned")], [say("t", "assistant")], START, set()),
    ("system edit, question", [edit("b0", "x")], [say("t")], START, set()),
    ("edit, skip", [edit("b1", "x")], [mark("b1", "skipped")], START, {"skip_vs_edit"}),
    ("edit and skip, skip", [edit("b1", "x"), mark("b1", "skipped")], [mark("b1", "skipped")], START, set()),
    ("edit, same edit and skip", [edit("b1", "x")], [edit("b1", "x"), mark("b1", "skipped")], START, set()),
    ("skip, pin", [mark("b1", "skipped")], [mark("b1", "pinned")], START, {"mark"}),
    ("skip, important", [mark("b1", "skipped")], [mark("b1", "important")], START, {"mark"}),
    ("pin, important", [mark("b1", "pinned")], [mark("b1", "important")], START, set()),
    ("fold, append", [folded("s", ["b1", "b2"])], [say("t")], START, set()),
    ("fold, edit", [folded("s", ["b1", "b2"])], [edit("b2", "y")], START, {"fold_vs_edit"}),
    ("fold, edit elsewhere", [folded("s", ["b1"])], [edit("b2", "y")], START, set()),
    ("fold, skip", [folded("s", ["b1", "b2"])], [mark("b2", "skipped")], START, {"fold_vs_skip"}),
    ("fold, pin", [folded("s", ["b1", "b2"])], [mark("b2", "pinned")], START, set()),
    ("fold, important", [folded("s", ["b1", "b2"])], [mark("b2", "important")], START, set()),
    ("fold, fold apart", [folded("s", ["b1", "b2"])], [folded("z", ["b3"])], START, set()),
    ("fold, fold overlapping", [folded("s", ["b1", "b2"])], [folded("z", ["b2", "b3"])], START, {"fold_overlap"}),
    ("fold, fold of the same", [folded("s", ["b1", "b2"])], [folded("z", ["b1", "b2"])], START, {"fold_overlap"}),
    ("fold, fold within", [folded("s", ["b1", "b2", "b3"])], [folded("z", ["b2"])], START, {"fold_overlap"}),
    ("results of other calls", [result("k0", "1")], [result("k1", "2")], OPEN, set()),
    ("two results of one call", [result("k0", "1")], [result("k0", "2")], OPEN, {"tool_result"}),
    ("the same result", [result("k0", "1")], [result("k0", "1"), result("k1", "2")], OPEN, set()),
    ("skip of a call, its result", [mark("b3", "skipped")], [result("k0", "1")], OPEN, {"skip_vs_edit"}),
    ("open call, question", [say("o", "assistant", ["k"])], [say("t")], START, {"unanswered_call"}),
    ("one key", [Configure({"model": "a"})], [Configure({"model": "b"})], START, {"config"}),
    ("two keys", [Configure({"model": "a"})], [Configure({"temperature": 1})], START, set()),
    ("one key, equal to Python alone", [Configure({"n": 1})], [Configure({"n": True})], START, {"config"}),
    ("move, append", [Move("b1", "b3")], [say("t")], START, set()),
    ("move, move", [Move("b1", "b3")], [Move("b2", "b6")], START, set()),
]


@pytest.mark.parametrize(("ours", "theirs", "base", "kinds"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_conflict_kinds(ours: list[Change], theirs: list[Change], base: Context, kinds: set[str]) -> None:
    """The table of conflicts, from either side."""
    forward, backward = merge(ours, theirs, base), merge(theirs, ours, base)

    assert {conflict.kind for conflict in forward.conflicts} == kinds
    assert {conflict.kind for conflict in backward.conflicts} == kinds


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
@pytest.mark.parametrize("choice", ["ours", "theirs"])
def test_a_side_settles_any_conflict(
    row: tuple[str, list[Change], list[Change], Context, set[str]], choice: str
) -> None:
    """`ours` and `theirs` answer every kind, and leave something sound."""
    _, ours, theirs, base, _ = row

    done = settled(merge(ours, theirs, base, review="strict"), Answer(choice))

    assert done.open_conflicts == ()
    assert faults(done.context) == []


def test_texts_that_changed_in_different_lines_merge() -> None:
    """Two edits of one text that touch different lines are merged into a new message."""
    base = apply_changes(START, [edit("b1", "1\n2\n3\n")])

    plan = merge([edit("b1", "x\n2\n3\n", base)], [edit("b1", "1\n2\ny\n", base)], base)

    (blob,) = plan.new_blobs.values()
    found = plan.context.find("b1")
    assert found is not None
    assert found.blob_id == blob.id
    assert blob.fields == {"role": "user", "content": "x\n2\ny\n"}
    assert plan.conflicts == ()


def test_both_edit_names_three_blobs() -> None:
    """A conflict of two edits shows what the message was and what each side made of it, and takes a text."""
    conflict = only(merge([edit("b1", "x")], [edit("b1", "y")]))

    assert [text(blob) for blob in conflict.blobs if blob is not None] == ["cb1", "x", "y"]
    assert (conflict.message_id, conflict.takes_text, conflict.needs_leave) == ("b1", True, None)


@pytest.mark.parametrize(
    ("answer", "expected"), [(Answer("ours"), "x"), (Answer("theirs"), "y"), (Answer(text="z"), "z")]
)
def test_both_edit_answers(answer: Answer, expected: str) -> None:
    """A side's choice takes its text, a text takes their place."""
    done = settled(merge([edit("b1", "x")], [edit("b1", "y")]), answer)

    assert content(done.context, "b1") == expected
    assert done.open_conflicts == ()


def test_a_text_named_like_a_choice_is_a_text() -> None:
    """Where a text may answer, the word of a choice given as text is that very word."""
    done = settled(merge([edit("b1", "x")], [edit("b1", "y")]), Answer(text="ours"))

    assert content(done.context, "b1") == "ours"


def test_a_choice_may_come_as_text_where_no_text_fits() -> None:
    """Where only a choice may answer, a resolver's text names it."""
    done = settled(merge([mark("b1", "skipped")], [mark("b1", "pinned")]), Answer(text="pinned"))

    found = done.context.find("b1")
    assert found is not None
    assert found.mark == "pinned"


def test_a_whole_message_replaces_all_but_role_and_calls() -> None:
    """A message given as answer keeps the role and the calls of the one in question."""
    base = apply_changes(START, [say("call", "assistant", ["k"])])
    plan = merge([edit("call", "x", base)], [edit("call", "y", base)], base)

    done = settled(plan, Answer(fields={"role": "user", "content": "z", "name": "n"}))

    found = done.context.find("call")
    assert found is not None
    fields = BLOBS[found.blob_id]
    assert (fields["role"], fields["content"], fields["name"]) == ("assistant", "z", "n")
    assert [call["id"] for call in fields["tool_calls"]] == ["k"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer("other"),
        Answer(),
        Answer(fields={"content": 1}),
        Answer(fields={"content": "z", "tool_calls": [{"id": "n"}]}),
    ],
)
def test_what_is_no_answer_is_an_error(answer: Answer) -> None:
    """An unknown choice, an empty answer, no message, and other calls are refused."""
    plan = merge([edit("b2", "x")], [edit("b2", "y")])

    with pytest.raises(ContentError):
        settled(plan, answer)


def test_answers_to_other_conflicts_are_ignored() -> None:
    """An answer whose conflict does not arise does nothing."""
    plan = merge([edit("b1", "x")], [edit("b1", "y")])

    done = settle(plan, {"0" * 64: Answer("nonsense")})

    assert done.open_conflicts == plan.conflicts


@pytest.mark.parametrize(
    ("answer", "expected"), [("ours", "skipped"), ("theirs", "pinned"), ("skipped", "skipped"), ("pinned", "pinned")]
)
def test_mark_answers(answer: str, expected: str) -> None:
    """A mark conflict is settled by a side or by naming one of the two marks."""
    plan = merge([mark("b1", "skipped")], [mark("b1", "pinned")])

    found = settled(plan, Answer(answer)).context.find("b1")

    assert found is not None
    assert found.mark == expected
    assert only(plan).choices == ("ours", "theirs", "skipped", "pinned")


@pytest.mark.parametrize(
    ("answer", "says", "visible"),
    [(Answer("ours"), "x", True), (Answer("theirs"), "x", False), (Answer(text="z"), "z", True)],
)
def test_skip_vs_edit_answers(answer: Answer, says: str, visible: bool) -> None:
    """The editing side shows its text, the skipping side hides it, a text is shown."""
    done = settled(merge([edit("b1", "x")], [mark("b1", "skipped")]), answer)

    assert content(done.context, "b1") == says
    assert ("b1" in shown(done.context)) == visible


def test_the_stronger_of_two_raises_stands() -> None:
    """Pinned here and important there is pinned, whichever side is ours."""
    raised: tuple[list[Change], list[Change]] = ([mark("b1", "pinned")], [mark("b1", "important")])

    found = [merge(*sides).context.find("b1") for sides in (raised, raised[::-1])]

    assert [entry and entry.mark for entry in found] == ["pinned", "pinned"]


def test_a_key_that_they_unset_goes_away() -> None:
    """A key removed on one side and untouched on the other is removed."""
    base = apply_changes(START, [Configure({"k": 1, "kept": 2})])

    plan = merge([say("o")], [Configure({"k": None})], base)

    assert dict(plan.context.config) == {"kept": 2}


def test_skip_vs_edit_shows_nothing_for_the_skipping_side() -> None:
    """The side that skipped has no text, and the message concerned is the one edited."""
    conflict = only(merge([mark("b3", "skipped")], [result("k0", "1")], OPEN))

    assert conflict.blobs.base is None
    assert conflict.blobs.ours is None
    assert conflict.blobs.theirs is not None
    assert text(conflict.blobs.theirs) == "1"
    assert conflict.needs_leave == "tool_result"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(Answer(), "x"), (Answer("ours"), "x"), (Answer("theirs"), "cb0"), (Answer(text="z"), "z")],
)
def test_edit_plus_append_answers(answer: Answer, expected: str) -> None:
    """Accepting, or the editing side, keeps the edit; the other side undoes it; a text replaces it; replies stay."""
    done = settled(merge([edit("b0", "x")], [say("t", "assistant")]), answer)

    assert content(done.context, "b0") == expected
    assert shown(done.context)[-1] == "t"


@pytest.mark.parametrize(
    ("answer", "visible"), [(Answer("ours"), False), (Answer("theirs"), True), (Answer(text="z"), True)]
)
def test_edit_plus_append_of_a_skip(answer: Answer, visible: bool) -> None:
    """A skip under replies is kept by its side, undone by the other, and a text shows the message again."""
    done = settled(merge([mark("b0", "skipped")], [say("t", "assistant")]), answer)

    assert ("b0" in shown(done.context)) == visible


def test_review_decides_whether_replies_under_an_edit_are_asked_about() -> None:
    """By default system and pinned messages are asked about, `strict` asks about all, `off` about none."""
    sides = ([edit("b0", "x"), edit("b1", "y")], [say("t", "assistant")])
    asked = {
        review: [conflict.key for conflict in merge(*sides, review=review).conflicts]
        for review in ("system", "strict", "off")
    }
    pinned = apply_changes(START, [mark("b1", "pinned")])

    assert asked == {"system": ["b0"], "strict": ["b0", "b1"], "off": []}
    assert only(merge([edit("b1", "y")], sides[1], pinned)).key == "b1"
    assert [notice.message_ids for notice in merge(*sides).notices] == [("b1",)]


def test_replies_to_a_message_that_was_not_shown_are_no_matter() -> None:
    """An edit of a message that the replying side had skipped asks nothing."""
    hidden = apply_changes(START, [mark("b0", "skipped")])

    plan = merge([edit("b0", "x")], [say("t", "assistant")], hidden, review="strict")

    assert plan.conflicts == ()
    assert plan.notices == ()


@pytest.mark.parametrize(("answer", "model"), [("ours", {"model": "a"}), ("theirs", {"model": "b"}), ("removed", {})])
def test_config_answers(answer: str, model: dict[str, str]) -> None:
    """A key takes one side's value, or goes away with the side that unset it."""
    base = apply_changes(START, [Configure({"model": "start"})])
    theirs = {"model": None if answer == "removed" else "b"}
    plan = merge([Configure({"model": "a"})], [Configure(theirs)], base)

    done = settled(plan, Answer("theirs" if answer == "removed" else answer))

    assert dict(done.context.config) == model
    assert only(plan).message_id is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer("ours"), ["b0", "s", "b3", "b6"]),
        (Answer("theirs"), ["b0", "b1", "b2", "b3", "b6"]),
        (Answer("unfold"), ["b0", "b1", "b2", "b3", "b6"]),
        (Answer(text="anew"), ["b0", "s", "b3", "b6"]),
    ],
)
def test_fold_vs_edit_answers(answer: Answer, expected: list[str]) -> None:
    """The summarising side keeps its summary, the other side and `unfold` show the messages, a text re-summarises."""
    done = settled(merge([folded("s", ["b1", "b2"])], [edit("b2", "y")]), answer)

    assert shown(done.context) == expected
    assert content(done.context, "b2") == "y"
    assert content(done.context, "s") == (answer.text or "summary s")
    assert faults(done.context) == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer("ours"), ["b0", "b1", "b3", "b6"]),
        (Answer("theirs"), ["b0", "b1", "b3", "b6"]),
        (Answer(text="anew"), ["b0", "s", "b3", "b6"]),
    ],
)
def test_fold_vs_skip_never_keeps_the_summary_as_it_is(answer: Answer, expected: list[str]) -> None:
    """A redacted message is told by no summary: the rest is shown, or summarised anew without it."""
    plan = merge([folded("s", ["b1", "b2"])], [mark("b2", "skipped")])

    done = settled(plan, answer)

    assert shown(done.context) == expected
    assert faults(done.context) == []
    assert "s" not in expected or "b2" not in done.context.seen["s"]
    assert only(plan).needs_leave == "fold_vs_skip"


def test_a_summary_skipped_inside_another_one_is_a_redaction_too() -> None:
    """What tells a skipped summary is asked about, as if it told the messages themselves."""
    base = apply_changes(START, [folded("s", ["b1", "b2"])])
    plan = merge([folded("outer", ["s", "b3"])], [mark("s", "skipped")], base)

    done = settled(plan, Answer(text="anew"))

    assert only(plan).kind == "fold_vs_skip"
    assert shown(done.context) == ["b0", "outer", "b6"]
    assert "b1" not in done.context.seen["outer"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("ours", ["b0", "s", "b3", "b6"]),
        ("theirs", ["b0", "b1", "z", "b6"]),
        ("unfold", ["b0", "b1", "b2", "b3", "b6"]),
    ],
)
def test_fold_overlap_is_chosen_as_a_whole(answer: str, expected: list[str]) -> None:
    """Of overlapping summaries one side's stand, or none."""
    plan = merge([folded("s", ["b1", "b2"])], [folded("z", ["b2", "b3"])])

    done = settled(plan, Answer(answer))

    assert shown(done.context) == expected
    assert only(plan).message_ids == ("s", "z")
    assert not only(plan).takes_text


def test_an_overlap_takes_in_what_lies_under_it() -> None:
    """Two summaries that each stand for an older one are chosen together with that one."""
    base = apply_changes(START, [folded("old", ["b1"])])

    plan = merge([folded("s", ["old", "b2"])], [folded("z", ["old"])], base)

    assert only(plan).message_ids == ("old", "s", "z")
    assert shown(settled(plan, Answer("theirs")).context) == ["b0", "z", "b2", "b3", "b6"]
    assert shown(settled(plan, Answer("unfold")).context) == ["b0", "b1", "b2", "b3", "b6"]


def test_expanding_what_the_other_side_folded_is_an_overlap() -> None:
    """A summary that one side opened and the other folded away is chosen with what it was folded into."""
    base = apply_changes(START, [folded("s", ["b1"])])

    plan = merge([folded("outer", ["s", "b2"])], [Unfold("s")], base)

    assert only(plan).message_ids == ("outer", "s")
    assert shown(settled(plan, Answer("ours")).context) == ["b0", "outer", "b3", "b6"]
    assert shown(settled(plan, Answer("theirs")).context) == ["b0", "b1", "b2", "b3", "b6"]


def test_summaries_folded_into_each_other_are_an_overlap() -> None:
    """Each side folds a summary into the other one; neither is lost in the circle."""
    base = apply_changes(START, [folded("s", ["b1"]), folded("z", ["b2"])])
    ours: list[Change] = [Fold("s", ("z",), None, {"b1": "?", "b2": "?"})]
    theirs: list[Change] = [Fold("z", ("s",), None, {"b1": "?", "b2": "?"})]

    plan = merge(ours, theirs, base)

    assert "fold_overlap" in {conflict.kind for conflict in plan.conflicts}
    assert {"b1", "b2"} <= set(shown(plan.context))


def refolded(summary: str, *edits: Change, base: Context) -> list[Change]:
    """Return the changes that open a summary, edit what it stands for, and fold it again with the same words."""
    inner = apply_changes(base, [Unfold(summary), *edits])
    told = {key: entry.blob_id for key in base.seen[summary] if (entry := inner.find(key)) is not None}
    return [Unfold(summary), *edits, Fold(summary, tuple(told), None, told)]


def test_a_summary_made_anew_on_one_side_tells_what_that_side_says() -> None:
    """What a summary was made from comes from the side that made it anew, from either side."""
    base = apply_changes(START, [folded("s", ["b1", "b2"])])
    anew = refolded("s", edit("b2", "x"), base=base)

    for plan in (merge([say("o")], anew, base), merge(anew, [say("t")], base)):
        assert plan.conflicts == ()
        assert faults(plan.context) == []


def test_a_summary_made_anew_on_both_sides_tells_what_is_settled() -> None:
    """Once the message that both told differently is settled, the summary is asked about."""
    base = apply_changes(START, [folded("s", ["b1", "b2"])])
    ours, theirs = (refolded("s", edit("b2", words), base=base) for words in ("x", "y"))
    plan = merge(ours, theirs, base)
    both = next(conflict for conflict in plan.conflicts if conflict.kind == "both_edit")

    done = settle(plan, {both.id: Answer("ours")})

    assert {conflict.kind for conflict in plan.conflicts} == {"both_edit", "fold_vs_edit"}
    assert [conflict.kind for conflict in done.open_conflicts] == ["fold_vs_edit"]
    assert faults(settled(plan, Answer("ours")).context) == []


def test_a_pinned_message_is_not_swallowed() -> None:
    """What one side pinned stays verbatim beside the other side's summary of the rest, and a notice says so."""
    for ours, theirs in (
        ([folded("s", ["b1", "b2"])], [mark("b2", "pinned")]),
        ([mark("b2", "pinned")], [folded("s", ["b1", "b2"])]),
    ):
        plan = merge(ours, theirs)

        assert shown(plan.context) == ["b0", "s", "b2", "b3", "b6"]
        assert plan.conflicts == ()
        assert [(notice.kind, notice.message_ids) for notice in plan.notices] == [("pin_kept", ("b2",))]


def test_a_pinned_summary_is_chosen_with_what_would_swallow_it() -> None:
    """What a pinned summary tells is not to be told twice, so the outer summary is asked about, and goes."""
    base = apply_changes(START, [folded("s", ["b1", "b2"])])
    plan = merge([folded("outer", ["s", "b3"])], [mark("s", "pinned")], base)

    for choice in ("ours", "theirs"):
        done = settled(plan, Answer(choice))
        assert "s" in shown(done.context)
        assert faults(done.context) == []
    assert only(plan).kind == "fold_overlap"


def test_a_summary_of_nothing_but_an_opened_one_goes_with_it() -> None:
    """Where the other side opened the inner summary and pinned all of it, nothing is left to ask or to tell."""
    base = apply_changes(START, [folded("s", ["b1"])])
    theirs = [Unfold("s"), mark("b1", "pinned"), edit("b1", "x")]

    plan = merge([folded("outer", ["s"])], theirs, base)

    assert plan.conflicts == ()
    assert shown(plan.context) == ["b0", "b1", "b2", "b3", "b6"]
    assert faults(plan.context) == []


def both_retold() -> MergePlan:
    """Return the merge of two sides that edited one message and summarised it anew, each in its own words."""
    base = apply_changes(START, [folded("s", ["b1", "b2"])])
    ours, theirs = (
        [*refolded("s", edit("b2", words), base=base), edit("s", f"sum {words}", base)] for words in ("x", "y")
    )
    return merge(ours, theirs, base)


def test_a_side_chosen_for_a_summary_tells_what_that_side_told() -> None:
    """The words of one side's summary do not count as made from the other side's message."""
    plan = both_retold()
    answers = {conflict.key: conflict.id for conflict in plan.conflicts if conflict.kind == "both_edit"}

    crossed = settle(plan, {answers["b2"]: Answer("theirs"), answers["s"]: Answer("ours")})
    alike = settle(plan, {answers["b2"]: Answer("ours"), answers["s"]: Answer("ours")})

    assert [conflict.kind for conflict in crossed.open_conflicts] == ["fold_vs_edit"]
    assert alike.open_conflicts == ()


def test_a_new_text_for_a_summary_tells_what_is_settled() -> None:
    """A text that answers for a summary is made from what stands, and is not asked about again."""
    plan = both_retold()
    answers = {conflict.key: conflict.id for conflict in plan.conflicts if conflict.kind == "both_edit"}

    done = settle(plan, {answers["b2"]: Answer("theirs"), answers["s"]: Answer(text="anew")})

    assert done.open_conflicts == ()


def test_a_message_unfolded_before_stays_told() -> None:
    """What a side itself showed beside its summary is nothing that the merge has to ask about."""
    base = apply_changes(START, [folded("s", ["b1", "b2"]), Unfold("s", ("b2",)), edit("b2", "later")])

    plan = merge([say("o")], [edit("b2", "again", base)], base)

    assert plan.conflicts == ()
    assert shown(plan.context) == ["b0", "s", "b2", "b3", "b6", "o"]


def test_an_answer_may_bring_up_a_conflict() -> None:
    """Choosing a summary that tells what the other side skipped asks about that next."""
    plan = merge([folded("s", ["b1", "b2"])], [folded("z", ["b2", "b3"]), mark("b1", "skipped")])

    done = settled(plan, Answer("ours"))

    assert {conflict.kind for conflict in plan.conflicts} == {"fold_overlap"}
    assert [(conflict.kind, conflict.key) for conflict in done.open_conflicts] == [("fold_vs_skip", "s")]


def test_an_answered_text_settles_the_summary_that_tells_it() -> None:
    """Once two edits are settled as the summary tells it, the summary is no question any more."""
    plan = merge([edit("b2", "x"), folded("s", ["b1", "b2"])], [edit("b2", "y")])
    both = next(conflict for conflict in plan.conflicts if conflict.kind == "both_edit")

    done = settle(plan, {both.id: Answer("ours")})

    assert {conflict.kind for conflict in plan.conflicts} == {"both_edit", "fold_vs_edit"}
    assert done.open_conflicts == ()
    assert "s" in shown(done.context)


@pytest.mark.parametrize(
    ("answer", "expected", "results"),
    [("ours", ["o", "t"], 1), ("cancel", ["o", "t"], 1), ("theirs", ["t"], 0), ("skip", ["t"], 0)],
)
def test_unanswered_call_answers(answer: str, expected: list[str], results: int) -> None:
    """An open call is cancelled where its side is chosen, and skipped where the other is."""
    plan = merge([say("o", "assistant", ["k"])], [say("t")])

    done = settled(plan, Answer(answer))

    assert shown(done.context)[5:] == expected
    assert [text(blob) for blob in compiled(done.context)].count("[cancelled by merge]") == results
    assert faults(done.context) == []


def test_an_open_call_at_the_very_end_is_allowed() -> None:
    """Where nothing stands behind a call, whichever side comes first, nothing is asked."""
    plan = merge([say("o", "assistant", ["k"])], [edit("b1", "x")])

    assert plan.conflicts == ()


def test_results_join_their_call_ours_first() -> None:
    """Results of two branches for one exchange stand behind its call, ours before theirs."""
    plan = merge([result("k1", "1")], [result("k0", "2")], OPEN)

    assert [text(entry.blob_id) for entry in plan.context.entries[3:]] == ["1", "2"]


def test_tool_results_need_leave_and_take_a_text() -> None:
    """Two results of one call are settled by a text, by a model only with leave."""
    plan = merge([result("k0", "1")], [result("k0", "2")], OPEN)

    done = settled(plan, Answer(text="both"))

    assert only(plan).needs_leave == "tool_result"
    assert content(done.context, only(plan).key) == "both"


def test_system_messages_need_leave() -> None:
    """Whatever kind of conflict a system message is in, a model needs leave."""
    for ours, theirs in (
        ([edit("b0", "x")], [edit("b0", "y")]),
        ([edit("b0", "x")], [mark("b0", "skipped")]),
        ([mark("b0", "pinned")], [mark("b0", "skipped")]),
        ([edit("b0", "x")], [say("t", "assistant")]),
    ):
        assert only(merge(ours, theirs)).needs_leave == "system"


def test_order_differences_are_noticed_and_settled() -> None:
    """Where common messages stand in two orders, the side that moved them wins, else ours, with a notice."""
    one = merge([Move("b1", "b3")], [say("t")])
    other = merge([say("o")], [Move("b1", "b3")])
    both = merge([Move("b1", "b3")], [Move("b2", "b6")])

    assert shown(one.context) == ["b0", "b2", "b3", "b1", "b6", "t"]
    assert shown(other.context) == ["b0", "b2", "b3", "b1", "b6", "o"]
    assert shown(both.context) == ["b0", "b2", "b3", "b1", "b6"]
    assert [notice.kind for notice in both.notices] == ["order"]


def test_inserted_blocks_stand_behind_what_they_followed() -> None:
    """Each side's block stays together behind the common message it followed, ours first."""
    ours = [Insert(new("o1", "user", "o1"), "b1"), Insert(new("o2", "user", "o2"), "b1"), say("o3")]
    theirs = [Insert(new("t1", "user", "t1"), "b1"), Insert(new("t0", "user", "t0"), None)]

    plan = merge(ours, theirs)

    assert shown(plan.context) == ["t0", "b0", "b1", "o1", "o2", "t1", "b2", "b3", "b6", "o3"]


def test_the_same_message_on_both_sides_is_one() -> None:
    """A message with one id that both sides took in stands once, and differing words are a conflict."""
    same = merge([say("x"), say("o")], [say("x"), say("t")])
    other = merge([say("x")], [Append(new("x", "user", "otherwise"))])

    assert shown(same.context)[5:] == ["x", "o", "t"]
    assert [(item.kind, item.base) for item in other.conflicts] == [("both_edit", None)]


def test_conflict_ids_survive_more_work_on_a_side() -> None:
    """A conflict planned again after more commits keeps its id; another content gets another."""
    first = only(merge([edit("b1", "x")], [edit("b1", "y")]))
    later = only(merge([edit("b1", "x"), say("o")], [edit("b1", "y"), say("t")]))
    other = only(merge([edit("b1", "x")], [edit("b1", "z")]))

    assert first.id == later.id
    assert first.id != other.id
    assert len(first.id) == 64


def test_marks_and_keys_have_words_in_place_of_texts() -> None:
    """What conflicts without being a text can be shown all the same."""
    plan = merge([mark("b1", "skipped"), Configure({"k": [1, "é"]})], [mark("b1", "pinned"), Configure({"k": True})])

    assert [conflict.words for conflict in plan.conflicts] == [
        ("normal", "skipped", "pinned"),
        (None, '[1,"é"]', "true"),
    ]
    assert only(merge([edit("b1", "x")], [edit("b1", "y")])).words is None


def test_unrelated_contexts_merge_against_nothing() -> None:
    """With an empty base both conversations stand one behind the other."""
    ours = apply_changes(Context(), [say("o")])
    theirs = apply_changes(Context(), [say("t"), Configure({"k": 1})])

    plan = plan_merge(Context(), ours, theirs, load=load)

    assert shown(plan.context) == ["o", "t"]
    assert dict(plan.context.config) == {"k": 1}
