"""The laws of replaying changes elsewhere, over random conversations, against what must hold of any context."""

from collections.abc import Sequence

from hypothesis import assume, given
from hypothesis import strategies as st

from merge_support import BLOBS, CHOICES, OPS, Op, Triple, choose, faults, law, load, play, started, triples
from tract.history.fold import apply_changes, check_context
from tract.history.merge import Settled
from tract.history.replan import plan_changes
from tract.history.replay import Step, StepPlan, fitted, inverse
from tract.model.conflicts import Answer
from tract.model.context import Context, Entry, GrowingList


def step_of(before: Context, after: Context) -> Step:
    """Return what one commit would say that turns one context into the other."""
    return Step(before, after, plan_changes(before, after))


def replayed(step: Step, onto: Context, wishes: Sequence[str] = ("theirs",)) -> Context:
    """Return what a step comes to on a context, its conflicts answered by wishes."""
    there = fitted(step, onto)
    return settled(step, onto, wishes).context if there is None else there


def settled(step: Step, onto: Context, wishes: Sequence[str]) -> Settled:
    """Return what a step comes to as a merge, its conflicts answered by wishes."""
    plan = StepPlan(step, onto, load)
    answers: dict[str, Answer] = {}
    found = plan.settle(answers)
    while found.open_conflicts:
        asked = found.open_conflicts[0]
        assert asked.id not in answers, "an answered conflict is settled"
        answers[asked.id] = choose(asked, wishes[len(answers) % len(wishes)])
        found = plan.settle(answers)
    BLOBS.update({blob.id: blob.fields for blob in found.new_blobs.values()})
    return found


def without(context: Context, units: set[str]) -> Context:
    """Return a context that never had some exchanges, nor the summaries made of them."""
    gone = set(units)
    while True:
        more = {entry.folded_into for entry in context.entries if entry.unit in gone and entry.folded_into} - gone
        if not more:
            break
        gone |= more
    entries: list[Entry] = [
        entry._replace(folded_into=None) if entry.folded_into in gone else entry
        for entry in context.entries
        if entry.unit not in gone
    ]
    seen = {key: told for key, told in context.seen.items() if key not in gone}
    return Context(GrowingList(entries), context.config, seen)


@law
@given(triples())
def test_a_change_fits_where_it_was_made(triple: Triple) -> None:
    """Replayed on its own parent, a change gives the context that it gave."""
    base, _, theirs = triple
    step = step_of(base, theirs)

    assert fitted(step, base) == theirs
    assert settled(step, base, ["ours"]).context == theirs


@law
@given(triples(), CHOICES)
def test_whatever_is_answered_the_context_is_whole(triple: Triple, wishes: list[str]) -> None:
    """Nothing of ours is lost, no call parts from its result, and the changes that are recorded make just that."""
    base, ours, theirs = triple

    context = replayed(step_of(base, theirs), ours, wishes)

    assert faults(context) == []
    check_context(context)
    assert {entry.message_id for entry in ours.entries} <= {entry.message_id for entry in context.entries}
    assert apply_changes(ours, plan_changes(ours, context)) == context


@law
@given(triples(), CHOICES, st.sets(st.integers(0, 12), max_size=5))
def test_messages_may_be_missing(triple: Triple, wishes: list[str], gone: set[int]) -> None:
    """A context that lacks messages that a change names stays whole, whatever is answered."""
    base, ours, theirs = triple
    units = [entry.message_id for entry in base.entries if entry.answers is None and not entry.summary]
    onto = without(ours, {units[number] for number in gone if number < len(units)})
    assume(faults(onto) == [])

    context = replayed(step_of(base, theirs), onto, wishes)

    assert faults(context) == []
    check_context(context)


@law
@given(triples())
def test_replaying_twice_adds_nothing(triple: Triple) -> None:
    """What came over once, without a question, is there already."""
    base, ours, theirs = triple
    step = step_of(base, theirs)
    there = fitted(step, ours)
    if there is None:
        plan = StepPlan(step, ours, load)
        assume(not plan.conflicts)
        there = plan.settle({}).context
        BLOBS.update({blob.id: blob.fields for blob in plan.new_blobs.values()})

    again = StepPlan(step, there, load)

    assert again.conflicts == ()
    assert plan_changes(there, again.settle({}).context) == ()


@law
@given(OPS, OPS)
def test_a_revert_takes_a_change_back_and_its_own_revert_restores_it(first: list[Op], second: list[Op]) -> None:
    """A model sees what it saw before the change; reverting the revert gives the context after the change."""
    before = play(started(), first, "c")
    after = play(before, second, "t")
    back = inverse(step_of(before, after))

    reverted = fitted(back, after)
    assert reverted is not None
    restored = fitted(inverse(back), reverted)

    assert restored == after
    check_context(reverted)
