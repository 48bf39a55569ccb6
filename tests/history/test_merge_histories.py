"""Merges of merges: virtual bases, criss-cross histories and random graphs of commits."""

from collections.abc import Callable

from hypothesis import assume, event, given
from hypothesis import strategies as st

from merge_support import (
    BASE_OPS,
    BLOBS,
    CHOICES,
    OPS,
    edited,
    faults,
    folded,
    keep,
    law,
    load,
    missing_results,
    play,
    resolve,
    shown_units,
    started,
    text,
)
from tract.history.fold import apply_changes, check_context
from tract.history.graph import merge_bases
from tract.history.merge import MergePlan, plan_merge
from tract.history.merge_base import MergeBase
from tract.history.virtual_base import virtual_base
from tract.model.changes import Append, Change, Configure, Edit, NewMessage, SetMark, Unfold
from tract.model.context import Context
from tract.protocols import GraphNode


class History:
    """Commits with their contexts, merged as a repository would."""

    def __init__(self, root: Context) -> None:
        self.nodes = {"root": GraphNode("root", (), 1)}
        self.contexts = {"root": root}
        self.asked: list[str] = []

    def add(self, commit_id: str, parents: tuple[str, ...], context: Context) -> str:
        """Add a commit."""
        generation = 1 + max(self.nodes[parent].generation for parent in parents)
        self.nodes[commit_id] = GraphNode(commit_id, parents, generation)
        self.contexts[commit_id] = context
        return commit_id

    def base(self, ours: str, theirs: str) -> MergeBase:
        """Return what two commits are merged against."""

        def context_of(commit_id: str) -> Context:
            self.asked.append(commit_id)
            return self.contexts[commit_id]

        lookup: Callable[[str], GraphNode] = self.nodes.__getitem__
        return virtual_base(merge_bases(ours, theirs, lookup), lookup=lookup, context_of=context_of, load=load)

    def plan(self, ours: str, theirs: str) -> MergePlan:
        """Return the plan of merging two commits."""
        return plan_merge(self.base(ours, theirs), self.contexts[ours], self.contexts[theirs], load=load)

    def ladder(self, changes: dict[str, list[Change]], crossed: dict[str, list[Change]]) -> None:
        """Add two commits to the root, and the two merges of them that each took its own side's and more."""
        for side in ("a", "b"):
            self.add(side, ("root",), apply_changes(self.contexts["root"], changes[side]))
        for side, other in (("a", "b"), ("b", "a")):
            merged = resolve(self.plan(side, other), ["ours"]).context
            self.add(f"{side}x", (side, other), apply_changes(merged, crossed[side]))


def edit(context: Context, message_id: str, content: str) -> Change:
    """Return the edit of a message."""
    entry = context.find(message_id)
    assert entry is not None
    return edited(entry, content)


def test_one_base_is_its_own_context() -> None:
    """With one best common ancestor nothing is merged."""
    history = History(started())
    history.add("a", ("root",), started())
    history.add("b", ("root",), started())

    base = history.base("a", "b")

    assert base.context is history.contexts["root"]
    assert base.disputed == frozenset()


def test_no_base_is_an_empty_context() -> None:
    """Unrelated histories are merged against nothing."""
    history = History(started())

    base = virtual_base([], lookup=history.nodes.__getitem__, context_of=history.contexts.__getitem__, load=load)

    assert base == MergeBase()


def test_what_both_crossings_settled_differently_is_asked_again() -> None:
    """A value that conflicted between the bases is equal to nothing, so neither crossing wins silently."""
    history = History(started())
    root = history.contexts["root"]
    history.ladder({"a": [edit(root, "b1", "A")], "b": [edit(root, "b1", "B")]}, {"a": [], "b": []})

    plan = history.plan("ax", "bx")

    assert [(conflict.kind, conflict.key, conflict.base) for conflict in plan.conflicts] == [("both_edit", "b1", None)]


def test_what_both_crossings_settled_alike_is_settled() -> None:
    """The same answer on both sides of a cross needs no third one."""
    history = History(started())
    root = history.contexts["root"]
    same = edit(root, "b1", "settled")
    history.ladder({"a": [edit(root, "b1", "A")], "b": [edit(root, "b1", "B")]}, {"a": [same], "b": [same]})

    plan = history.plan("ax", "bx")

    found = plan.context.find("b1")
    assert plan.conflicts == ()
    assert found is not None
    assert text(found.blob_id) == "settled"


def test_texts_merged_between_bases_are_the_base_of_the_merge() -> None:
    """A text that merges by lines between the bases merges the same in both crossings, and is no conflict later."""
    lines = NewMessage("m", keep({"role": "user", "content": "1\n2\n3\n"}), "user")
    history = History(apply_changes(Context(), [Append(lines)]))
    sides: dict[str, list[Change]] = {
        "a": [Edit("m", keep({"role": "user", "content": "x\n2\n3\n"}))],
        "b": [Edit("m", keep({"role": "user", "content": "1\n2\ny\n"}))],
    }
    history.ladder(sides, {"a": [Edit("m", keep({"role": "user", "content": "x\nz\ny\n"}))], "b": []})

    plan = history.plan("ax", "bx")

    found = plan.context.find("m")
    assert plan.conflicts == ()
    assert found is not None
    assert text(found.blob_id) == "x\nz\ny\n"


def test_messages_of_a_virtual_base_need_no_store() -> None:
    """What merging the bases made is known to the merge, though it was never stored."""
    lines = NewMessage("m", keep({"role": "user", "content": "1\n2\n3\n4\n5\n"}), "user")
    history = History(apply_changes(Context(), [Append(lines)]))
    first: dict[str, list[Change]] = {
        "a": [Edit("m", keep({"role": "user", "content": "x\n2\n3\n4\n5\n"}))],
        "b": [Edit("m", keep({"role": "user", "content": "1\n2\n3\n4\ny\n"}))],
    }
    crossed = {"ax": "x1\n2\n3\n4\ny\n", "bx": "x\n2\n3\n4\ny1\n"}
    then: dict[str, list[Change]] = {
        side[0]: [Edit("m", keep({"role": "user", "content": content}))] for side, content in crossed.items()
    }
    history.ladder(first, then)
    stored = {entry.blob_id: load(entry.blob_id) for side in crossed for entry in history.contexts[side].entries}

    base = history.base("ax", "bx")
    plan = plan_merge(base, history.contexts["ax"], history.contexts["bx"], load=stored.__getitem__)

    (merged,) = plan.new_blobs.values()
    assert merged.fields["content"] == "x1\n2\n3\n4\ny1\n"


def test_marks_and_keys_in_dispute_are_asked_again() -> None:
    """Marks, skips of what was edited and configuration come back from a virtual base as texts do."""
    history = History(started())
    root = history.contexts["root"]
    sides: dict[str, list[Change]] = {
        "a": [SetMark("b1", "pinned"), SetMark("b2", "skipped"), Configure({"k": 1})],
        "b": [SetMark("b1", "skipped"), edit(root, "b2", "B"), Configure({"k": 2})],
    }
    history.ladder(sides, {"a": [], "b": []})

    plan = history.plan("ax", "bx")

    found = {(conflict.kind, conflict.key) for conflict in plan.conflicts}
    assert found == {("mark", "b1"), ("mark", "b2"), ("config", "k")}


def test_summaries_in_dispute_are_asked_again() -> None:
    """A summary that one crossing kept and the other opened is chosen anew, though only one side changed the base."""
    history = History(apply_changes(started(), [folded("s", ["b1"])]))
    sides: dict[str, list[Change]] = {"a": [folded("outer", ["s", "b2"])], "b": [Unfold("s")]}
    history.ladder(sides, {"a": [], "b": []})

    plan = history.plan("ax", "bx")

    assert [conflict.kind for conflict in plan.conflicts] == ["fold_overlap"]


def test_long_criss_cross_history_is_merged_by_a_loop() -> None:
    """Hundreds of crossings, each commit's context asked for once."""
    history = History(started())
    ours, theirs = "root", "root"
    for number in range(300):
        context = apply_changes(history.contexts[ours], [Configure({"round": number})])
        parents = (ours,) if ours == theirs else (ours, theirs)
        left = history.add(f"a{number:03d}", parents, context)
        right = history.add(f"b{number:03d}", parents[::-1], context)
        ours, theirs = left, right

    base = history.base(ours, theirs)

    assert base.context.config == {"round": 298}
    assert len(history.asked) == len(set(history.asked))


@law
@given(st.data())
def test_criss_cross_merges_lose_and_invent_nothing(data: st.DataObject) -> None:
    """Two merges of the same two commits, settled differently and continued, merge to something sound."""
    root = play(started(), data.draw(OPS), "g")
    history = History(root)
    for side in "ab":
        history.add(side, ("root",), play(root, data.draw(OPS), side))
    for side, other in ("ab", "ba"):
        merged = resolve(history.plan(side, other), data.draw(CHOICES)).context
        history.add(f"{side}x", (side, other), play(merged, data.draw(OPS), f"{side}x"))

    plan = history.plan("ax", "bx")
    merged = resolve(plan, data.draw(CHOICES)).context

    sides = [history.contexts["ax"], history.contexts["bx"]]
    for entry in plan.context.entries:
        there = [found for found in (side.find(entry.message_id) for side in sides) if found is not None]
        assert entry.blob_id in {found.blob_id for found in there}
    assert faults(merged) == []
    check_context(merged)


@law
@given(st.data())
def test_criss_cross_merges_never_pick_silently(data: st.DataObject) -> None:
    """A message that both sides wrote differently, and both crossings again, is asked about."""
    root = started()
    slot = data.draw(st.sampled_from(["b0", "b1", "b2", "b6"]))
    history = History(root)
    for side in "ab":
        context = play(root, data.draw(OPS), side)
        entry = context.find(slot)
        assume(entry is not None and context.is_visible(entry))
        assume(not any(missing_results(context, unit) for unit in shown_units(context)))
        history.add(side, ("root",), apply_changes(context, [edit(context, slot, side.upper())]))
    for side, other in ("ab", "ba"):
        merged = resolve(history.plan(side, other), data.draw(CHOICES)).context
        entry = merged.find(slot)
        assume(entry is not None and entry.folded_into is None)
        content = data.draw(st.sampled_from(["A", "B", f"crossed {side}"]))
        history.add(f"{side}x", (side, other), apply_changes(merged, [edit(merged, slot, content)]))

    plan = history.plan("ax", "bx")

    blobs = {side: history.contexts[side].find(slot) for side in ("ax", "bx")}
    asked = [conflict for conflict in plan.conflicts if conflict.kind == "both_edit" and conflict.key == slot]
    assert blobs["ax"] is not None
    assert blobs["bx"] is not None
    assert len(asked) == (blobs["ax"].blob_id != blobs["bx"].blob_id)


@law
@given(st.data())
def test_random_graphs_of_merges_stay_sound(data: st.DataObject) -> None:
    """Merges of merges, with any number of best bases, terminate, lose nothing and stay valid."""
    history = History(play(Context(), BASE_OPS, "g"))
    for number in range(data.draw(st.integers(4, 9))):
        name = f"c{number:02d}"
        recent = sorted(history.nodes)[-5:]
        ours = data.draw(st.sampled_from(recent))
        theirs = data.draw(st.sampled_from(recent))
        bases = merge_bases(ours, theirs, history.nodes.__getitem__)
        if ours in bases or theirs in bases:
            history.add(name, (ours,), play(history.contexts[ours], data.draw(OPS)[:3], name))
            continue
        event(f"{len(bases)} bases")
        merged = resolve(history.plan(ours, theirs), data.draw(CHOICES)).context
        history.add(name, (ours, theirs), merged)
        both = {entry.message_id for side in (ours, theirs) for entry in history.contexts[side].entries}
        assert both <= {entry.message_id for entry in merged.entries}
        assert faults(merged) == []
        assert all(entry.blob_id in BLOBS for entry in merged.entries)
