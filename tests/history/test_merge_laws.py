"""The laws of merging, each as a property of random conversations."""

from collections import Counter

from hypothesis import event, given
from hypothesis import strategies as st

from merge_support import (
    BLOBS,
    CHOICES,
    OPS,
    Triple,
    compiled,
    faults,
    law,
    load,
    play,
    resolve,
    started,
    triples,
    units,
)
from tract.history.fold import apply_changes, check_context
from tract.history.merge import contested_blobs, plan_merge
from tract.history.replan import plan_changes
from tract.model.conflicts import Conflict
from tract.model.context import Context


def substance(context: Context) -> tuple[object, ...]:
    """Return all that a context means but its order."""
    return frozenset(context.entries), dict(context.config)


def facts(conflict: Conflict) -> tuple[object, ...]:
    """Return a conflict as something that can be compared and sorted."""
    return repr(conflict), conflict.id


@law
@given(triples())
def test_random_contexts_are_sound(triple: Triple) -> None:
    """What the tests start from breaks no rule itself."""
    assert [faults(context) for context in triple] == [[], [], []]


@law
@given(triples())
def test_merging_with_oneself_changes_nothing(triple: Triple) -> None:
    """Two sides that are the same are the merge, and nothing is asked."""
    plan = plan_merge(triple.base, triple.ours, triple.ours, load=load)

    assert plan.context == triple.ours
    assert plan.conflicts == ()


@law
@given(triples())
def test_fast_forward_is_the_other_side(triple: Triple) -> None:
    """Against an unchanged side the changed one stands, and nothing is asked, in whatever review."""
    forward = plan_merge(triple.base, triple.base, triple.theirs, load=load, review="strict")
    backward = plan_merge(triple.base, triple.ours, triple.base, load=load, review="strict")

    assert (forward.conflicts, backward.conflicts) == ((), ())
    assert substance(forward.context) == substance(triple.theirs)
    assert compiled(forward.context) == compiled(triple.theirs)
    assert backward.context == triple.ours


@law
@given(triples())
def test_conflicts_are_the_same_from_either_side(triple: Triple) -> None:
    """Ours and theirs swapped give the same conflicts swapped, under the same ids."""
    one = triple.plan(review="strict").conflicts
    other = triple.swapped().plan(review="strict").conflicts

    event(f"{len(one)} conflicts")
    assert sorted(facts(conflict) for conflict in one) == sorted(facts(conflict.swapped()) for conflict in other)
    assert len({conflict.id for conflict in one}) == len(one)


@law
@given(triples())
def test_clean_merges_are_the_same_from_either_side(triple: Triple) -> None:
    """Without conflict both directions give the same messages, marks, summaries and configuration."""
    one, other = triple.plan(), triple.swapped().plan()

    if not one.conflicts:
        event("clean")
        assert substance(one.context) == substance(other.context)


@law
@given(triples(), CHOICES)
def test_merging_again_is_up_to_date(triple: Triple, wishes: list[str]) -> None:
    """A settled merge merged once more with either side stays as it is, and nothing is asked."""
    merged = resolve(triple.plan(), wishes).context

    for side in (triple.ours, triple.theirs):
        again = plan_merge(side, merged, side, load=load, review="strict")
        assert again.conflicts == ()
        assert again.context == merged
        forward = plan_merge(side, side, merged, load=load, review="strict")
        assert forward.conflicts == ()
        assert substance(forward.context) == substance(merged)


@law
@given(triples(), CHOICES)
def test_nothing_is_lost_or_doubled(triple: Triple, wishes: list[str]) -> None:
    """A settled merge has every message of both sides once, and at most cancelled results beside them."""
    merged = resolve(triple.plan(), wishes).context

    counts = Counter(entry.message_id for entry in merged.entries)
    both = {entry.message_id for side in (triple.ours, triple.theirs) for entry in side.entries}
    added = [entry for entry in merged.entries if entry.message_id not in both]
    assert set(counts.values()) == {1}
    assert counts.keys() >= both
    assert all(BLOBS[entry.blob_id]["content"] == "[cancelled by merge]" for entry in added)


@law
@given(triples())
def test_nothing_is_made_up(triple: Triple) -> None:
    """Each register of a plan has a value that one of the sides has; texts of one line never merge."""
    plan = triple.plan()

    assert plan.new_blobs == {}
    for entry in plan.context.entries:
        found = [side.find(entry.message_id) for side in (triple.ours, triple.theirs)]
        there = [other for other in found if other is not None]
        assert entry.blob_id in {other.blob_id for other in there}
        assert entry.mark in {other.mark for other in there}
        assert entry.folded_into in {None, *(other.folded_into for other in there)}
    for key, value in plan.context.config.items():
        assert value in (triple.ours.config.get(key), triple.theirs.config.get(key))


@law
@given(OPS, OPS, OPS)
def test_splitting_commits_changes_nothing(base: list[object], ours: list[object], theirs: list[object]) -> None:
    """A side folded afresh, sharing no entry with the base, merges as the one that grew from it."""
    start = play(started(), base, "c")  # type: ignore[arg-type]
    triple = Triple(start, play(start, ours, "o"), play(start, theirs, "t"))  # type: ignore[arg-type]
    copies = [
        Context(type(side.entries)(entry._replace() for entry in side.entries), side.config, side.seen)
        for side in triple
    ]

    shared, apart = triple.plan(), Triple(*copies).plan()

    assert (apart.context, apart.conflicts, apart.notices) == (shared.context, shared.conflicts, shared.notices)


@law
@given(triples(), CHOICES)
def test_settled_merges_are_sound(triple: Triple, wishes: list[str]) -> None:
    """Whatever was answered, calls have their results and summaries tell what is so, no more and no less."""
    plan = triple.plan()
    merged = resolve(plan, wishes).context

    event(f"{len(plan.conflicts)} conflicts")
    assert faults(merged) == []
    check_context(merged)


@law
@given(triples(), CHOICES)
def test_changes_of_a_merge_give_the_merge(triple: Triple, wishes: list[str]) -> None:
    """The changes planned for the merge commit fold over its first parent to exactly what was settled."""
    merged = resolve(triple.plan(), wishes).context

    changes = plan_changes(triple.ours, merged)

    assert apply_changes(triple.ours, changes) == merged
    assert plan_changes(merged, merged) == ()


@law
@given(triples(without=("move", "edit", "skip", "unskip", "pin", "important", "fold", "expand")))
def test_appending_keeps_the_prefix(triple: Triple) -> None:
    """If the other side only said more, what ours compiled to is a prefix of the merge: prompt caches live on it."""
    plan = triple.plan()

    both_answer = any(entry.answers for side in triple[1:] for entry in side.entries[len(triple.base.entries) :])
    if not plan.conflicts and not both_answer:
        event("checked")
        ours = compiled(triple.ours)
        assert compiled(plan.context)[: len(ours)] == ours


@law
@given(triples(without=("move",)))
def test_blocks_are_not_interleaved(triple: Triple) -> None:
    """Each side's order is kept, and between common messages ours stand before theirs."""
    merged = units(triple.plan().context)

    ours, theirs = ([unit.message_id for unit in units(side)] for side in triple[1:])
    ids = [unit.message_id for unit in merged]
    assert [unit for unit in ids if unit in ours] == ours
    assert [unit for unit in ids if unit in theirs] == theirs
    sides = "".join("." if unit in ours and unit in theirs else "o" if unit in ours else "t" for unit in ids)
    assert all(part == "".join(sorted(part)) for part in sides.split("."))


@law
@given(triples(), OPS)
def test_clean_merges_can_be_done_in_any_order(triple: Triple, more: list[object]) -> None:
    """Three sides that nothing stands between come to the same, whichever two are merged first."""
    base, ours, theirs = triple
    third = play(base, more, "w")  # type: ignore[arg-type]
    left, right = plan_merge(base, ours, theirs, load=load), plan_merge(base, theirs, third, load=load)
    if left.conflicts or right.conflicts:
        return

    one = plan_merge(base, left.context, third, load=load)
    other = plan_merge(base, ours, right.context, load=load)

    if not one.conflicts and not other.conflicts:
        event("clean")
        assert substance(one.context) == substance(other.context)


@law
@given(triples())
def test_only_contested_blobs_are_loaded(triple: Triple) -> None:
    """What a plan loads was named before, so that it can be read at once."""
    asked: list[str] = []

    def recording(blob_id: str) -> object:
        asked.append(blob_id)
        return load(blob_id)

    plan_merge(*triple, load=recording)  # type: ignore[arg-type]

    assert set(asked) <= set(contested_blobs(*triple))


@law
@given(triples(), st.randoms(use_true_random=False), CHOICES)
def test_answers_may_come_in_any_order(triple: Triple, rng: object, wishes: list[str]) -> None:
    """Settling is a function of the answers, not of when they came."""
    from_start = resolve(triple.plan(), wishes)
    again = resolve(triple.plan(), wishes)

    assert from_start == again
