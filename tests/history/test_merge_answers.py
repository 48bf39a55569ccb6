"""Answers by strategy, and what a resolver's answer must not be."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merge_support import BLOBS, Triple, answer_to, faults, folded, keep, law, load, new, started, text, triples
from tract.history.answers import Strategy, check_answer, settle_by_strategy, strategy_answer
from tract.history.fold import apply_changes
from tract.model.changes import Append, Change, Configure, Edit, SetMark
from tract.model.conflicts import Answer, Conflict
from tract.model.context import Context

START = started()


def edit(message_id: str, content: str) -> Change:
    """Return the edit of a message of the conversation that tests start with."""
    entry = START.find(message_id)
    assert entry is not None
    return Edit(message_id, keep({**BLOBS[entry.blob_id], "content": content}))


def triple(ours: Sequence[Change], theirs: Sequence[Change], base: Context = START) -> Triple:
    """Return two lists of changes of one base as contexts."""
    return Triple(base, apply_changes(base, ours), apply_changes(base, theirs))


def conflict(ours: str = "one", theirs: str = "two") -> Conflict:
    """Return the conflict of two edits."""
    (found,) = triple([edit("b1", ours)], [edit("b1", theirs)]).plan().conflicts
    return found


@law
@given(triples(), st.sampled_from(["ours", "theirs"]))
def test_a_side_as_strategy_settles_everything(sides: Triple, strategy: Strategy) -> None:
    """`ours` and `theirs` leave nothing open and nothing unsound, and take that side where texts conflict."""
    plan = sides.plan(review="strict")

    settled, used = settle_by_strategy(plan, strategy, {})

    side = sides.ours if strategy == "ours" else sides.theirs
    assert settled.open_conflicts == ()
    assert faults(settled.context) == []
    assert {item.id for item in plan.conflicts if item.kind not in ("fold_vs_edit", "unanswered_call")} <= used.keys()
    for item in plan.conflicts:
        found, wanted = settled.context.find(item.key), side.find(item.key)
        if item.kind in ("both_edit", "tool_result"):
            assert found is not None
            assert wanted is not None
            assert found.blob_id == wanted.blob_id
        if item.kind == "config":
            assert settled.context.config.get(item.key) == side.config.get(item.key)


def test_a_strategy_touches_only_what_conflicts() -> None:
    """What does not conflict comes from both sides under any strategy."""
    plan = triple([edit("b1", "x"), edit("b2", "ours")], [edit("b1", "y"), edit("b6", "theirs")]).plan()

    settled, _ = settle_by_strategy(plan, "ours", {})

    texts = [text(entry.blob_id) for entry in settled.context.entries]
    assert {"x", "ours", "theirs"} <= set(texts)


def test_given_answers_go_before_the_strategy() -> None:
    """A conflict that was answered is not answered by the strategy."""
    plan = triple([edit("b1", "x")], [edit("b1", "y")]).plan()

    settled, used = settle_by_strategy(plan, "ours", {plan.conflicts[0].id: Answer("theirs")})

    assert used == {plan.conflicts[0].id: Answer("theirs")}
    assert text(settled.context.entries[1].blob_id) == "y"


def test_union_joins_what_can_be_joined() -> None:
    """Our lines before theirs, an edit over a skip, the stronger mark, edits under replies accepted."""
    ours: list[Change] = [edit("b1", "x"), edit("b2", "kept"), SetMark("b6", "skipped"), edit("b0", "be brief")]
    reply = Append(new("t", "assistant", "t"))
    theirs: list[Change] = [edit("b1", "y"), SetMark("b2", "skipped"), SetMark("b6", "important"), reply]
    plan = triple(ours, theirs).plan()

    settled, _ = settle_by_strategy(plan, "union", {})

    blobs = {blob.id: blob.fields for blob in settled.new_blobs.values()}
    found = {entry.message_id: entry for entry in settled.context.entries}
    assert {item.kind for item in plan.conflicts} == {"both_edit", "skip_vs_edit", "mark", "edit_plus_append"}
    assert settled.open_conflicts == ()
    assert blobs[found["b1"].blob_id]["content"] == "x\ny"
    assert (found["b2"].mark, found["b6"].mark) == ("normal", "important")
    assert text(found["b0"].blob_id) == "be brief"


def test_union_leaves_open_what_it_cannot_join() -> None:
    """Keys, summaries and open calls have no union."""
    ours: list[Change] = [Configure({"k": 1}), folded("s", ["b1"])]
    theirs: list[Change] = [Configure({"k": 2}), folded("z", ["b1", "b2"])]
    plan = triple(ours, theirs).plan()

    settled, used = settle_by_strategy(plan, "union", {})

    assert {item.kind for item in settled.open_conflicts} == {"config", "fold_overlap"}
    assert used == {}


def test_union_of_parts_joins_their_texts() -> None:
    """In a list of parts the texts are joined, other parts stay once."""
    image = {"type": "image_url", "image_url": {"url": "data:"}}

    def message(words: str) -> str:
        return keep({"role": "user", "content": [{"type": "text", "text": words}, image]})

    plan = triple(
        [Edit("b1", message("x"))], [Edit("b1", message("y"))], apply_changes(START, [Edit("b1", message("m"))])
    ).plan()

    answer = strategy_answer(plan.conflicts[0], "union", load)

    assert answer is not None
    assert answer.fields is not None
    assert answer.fields["content"] == [{"type": "text", "text": "x\ny"}, image]


@pytest.mark.parametrize("answer", [Answer(text="both"), Answer("ours"), Answer(text="x" * 1000), Answer(text="")])
def test_answers_that_can_stand(answer: Answer) -> None:
    """A short text and a choice pass."""
    assert check_answer(conflict(), answer, load) is None


@pytest.mark.parametrize(
    "answer",
    [
        Answer(),
        Answer("neither"),
        Answer(text="x" * 1001),
        Answer(text="<<<<<<< ours\none\n=======\ntwo\n>>>>>>> theirs"),
        Answer(fields={"content": 5}),
        Answer(fields={"content": "x", "tool_calls": [{"id": "new"}]}),
    ],
)
def test_answers_that_cannot_stand(answer: Answer) -> None:
    """An empty answer, an unknown choice, a far longer text, conflict markers, no message and new calls fail."""
    problem = check_answer(conflict(), answer, load)

    assert problem


def test_markers_and_length_that_a_side_has_are_no_fault() -> None:
    """What a side held itself may be in the answer, and long sides allow a long answer."""
    asked = conflict("<<<<<<< is what git writes", "y" * 2000)

    assert check_answer(asked, Answer(text="<<<<<<< is what git writes, often"), load) is None
    assert check_answer(asked, Answer(text="x" * 3000), load) is None
    assert check_answer(asked, Answer(text="x" * 3100), load) is not None


def test_a_text_is_no_answer_where_only_a_choice_is() -> None:
    """For marks and keys a text must name a choice."""
    (asked,) = triple([Configure({"k": 1})], [Configure({"k": 2})]).plan().conflicts

    assert check_answer(asked, Answer(text="ours"), load) is None
    assert check_answer(asked, Answer(text="a third value"), load) is not None


def test_edits_of_a_call_are_settled_by_a_side_or_a_message() -> None:
    """Where the texts are the same and other fields conflict, no text can settle it."""
    call = new("call", "assistant", "same", ["k"])
    base = apply_changes(START, [Append(call)])
    entry = base.find("call")
    assert entry is not None
    base = apply_changes(base, [Append(answer_to(entry, "k", "r"))])

    def changed(arguments: str) -> Change:
        calls = [{"id": "k", "type": "function", "function": {"name": "f", "arguments": arguments}}]
        return Edit("call", keep({"role": "assistant", "content": "same", "tool_calls": calls}))

    (asked,) = triple([changed("[1]")], [changed("[2]")], base).plan().conflicts

    assert not asked.takes_text
    assert check_answer(asked, Answer(text="z"), load) is not None
    assert check_answer(asked, Answer("ours"), load) is None
    assert check_answer(asked, Answer(fields={"content": "z"}), load) is None
