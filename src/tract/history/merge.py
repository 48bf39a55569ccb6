"""The three-way merge of contexts: what comes out, and what has to be asked.

First each register by itself (what a message says, its mark, its summary, each key), then the order, then what can
only be seen of the whole: summaries that no longer tell what is so, and calls without results. A plan is settled by
doing the second half again with answers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tract.history.answering import Answering, Answers
from tract.history.crossings import Review, skips_of_edited, stale_replies
from tract.history.draft import Draft
from tract.history.merge_base import Load, MergeBase, Register
from tract.history.merge_folds import FoldMerge
from tract.history.merge_order import Order, Side, merge_order
from tract.history.merged_calls import may_have_open_calls, settle_calls
from tract.history.registers import Registers, Sides, contested, merge_registers
from tract.model.conflicts import Answer, Conflict, Notice
from tract.model.context import Context, Entry
from tract.model.messages import Blob


@dataclass(frozen=True)
class Settled:
    """A plan with answers applied; `context` may be committed once there are no `open_conflicts`.

    `open_conflicts` may hold conflicts that the plan did not have, which an answer brought up. `new_blobs` are the
    messages that merging and answering made, by id; they are to be stored with the merge.
    """

    context: Context
    open_conflicts: tuple[Conflict, ...]
    notices: tuple[Notice, ...]
    new_blobs: Mapping[str, Blob]


@dataclass(frozen=True)
class Merging:
    """The half of a merge that no answer changes.

    `other_order` is a second order in which no call may be without its result either; empty: no call is open.
    """

    sides: Sides
    registers: Registers
    order: Order
    other_order: list[Entry]
    conflicts: tuple[Conflict, ...]
    notices: tuple[Notice, ...]
    load: Load


@dataclass(frozen=True)
class MergePlan:
    """What a merge comes to.

    `context` is provisional while there are `conflicts`. `new_blobs` are the messages that merging texts made, by
    id; they are to be stored with the merge.
    """

    context: Context
    conflicts: tuple[Conflict, ...]
    notices: tuple[Notice, ...]
    new_blobs: Mapping[str, Blob]
    merging: Merging = field(repr=False, compare=False)

    @property
    def load(self) -> Load:
        """What gives the messages that conflicts are about, those that merging made too."""
        return self.merging.load

    def settle(self, answers: Mapping[str, Answer]) -> Settled:
        """Return the plan with answers applied; see `settle`."""
        return settle(self, answers)


def plan_merge(
    base: Context | MergeBase,
    ours: Context,
    theirs: Context,
    *,
    load: Load,
    review: Review = "system",
    one_way: bool = False,
) -> MergePlan:
    """Return the merge of two contexts; it depends on the three contexts alone.

    `load` is asked for what `contested_blobs` names, and when the plan is settled for what conflicts are about.
    `one_way`: theirs comes behind ours, and is not to be asked the same from the other side.
    """
    sides = (_as_base(base), MergeBase(ours), MergeBase(theirs))
    started = prepare_merge(*sides, load=load, review=review, one_way=one_way)
    settled = assemble(started, Answers({}))[0]
    return MergePlan(settled.context, settled.open_conflicts, settled.notices, settled.new_blobs, started)


def settle(plan: MergePlan, answers: Mapping[str, Answer]) -> Settled:
    """Return a plan with answers applied, by conflict id; answers to other conflicts are ignored.

    Raises:
        ContentError: an answer does not fit its conflict, or makes no valid message.
    """
    return assemble(plan.merging, Answers(answers))[0]


def contested_blobs(base: Context | MergeBase, ours: Context, theirs: Context) -> list[str]:
    """Return the ids of the blobs that planning this merge will load, so that they can be read at once."""
    start = _as_base(base)
    return [blob for blob in contested(Sides.of(start, MergeBase(ours), MergeBase(theirs))) if blob not in start.blobs]


def prepare_merge(
    base: MergeBase, ours: MergeBase, theirs: MergeBase, *, load: Load, review: Review, one_way: bool = False
) -> Merging:
    """Return the half of a merge that no answer changes."""

    def load_any(blob_id: str) -> Mapping[str, Any]:
        for state in (base, ours, theirs):
            if blob_id in state.blobs:
                return state.blobs[blob_id].fields
        return load(blob_id)

    sides = Sides.of(base, ours, theirs)
    registers = merge_registers(sides, load_any)
    our_side, their_side = Side(ours.context, sides.our_delta), Side(theirs.context, sides.their_delta)
    order = merge_order(base.context, our_side, their_side)
    other_order: list[Entry] = []
    if may_have_open_calls(ours.context, theirs.context):
        other_order = order.entries if one_way else merge_order(base.context, their_side, our_side).entries
    stale, notices = stale_replies(sides, review)
    if order.disputed:
        notices.append(Notice("order", (), "the two sides have common messages in different orders"))
    conflicts = (*registers.conflicts, *skips_of_edited(sides), *stale)
    return Merging(sides, registers, order, other_order, conflicts, tuple(notices), load_any)


def assemble(merging: Merging, answers: Answers) -> tuple[Settled, set[tuple[Register, str]]]:
    """Return what a merge comes to with these answers, and the registers that are still in dispute."""
    registers, sides = merging.registers, merging.sides
    draft = Draft(sides.ours.context, sides.theirs.context, merging.order.entries)
    draft.became, draft.config = dict(registers.became), dict(registers.config)
    draft.seen, draft.blobs = dict(registers.seen), dict(registers.blobs)
    answering = Answering(draft, sides.base.context, merging.load, set())
    waiting: list[Conflict] = []
    for conflict in merging.conflicts:
        answer = answers.find(conflict)
        if answer is None:
            waiting.append(conflict)
        else:
            answering.settle(conflict, answer)
    disputed, notices = set(registers.disputed), list(merging.notices)
    if draft.seen:
        folding = _merge_folds(merging, answering, answers, waiting)
        waiting += folding.open
        notices += folding.notices
        disputed |= _disputed_folds(sides, folding.chosen)
    if merging.other_order:
        waiting += settle_calls(draft, answers, merging.other_order)
    context = draft.finished()
    return Settled(context, _in_order(waiting, context), tuple(notices), draft.blobs), disputed


def _as_base(base: Context | MergeBase) -> MergeBase:
    return MergeBase(base) if isinstance(base, Context) else base


def _merge_folds(merging: Merging, answering: Answering, answers: Answers, waiting: Iterable[Conflict]) -> FoldMerge:
    shaky = frozenset(conflict.key for conflict in waiting if conflict.kind in ("both_edit", "tool_result"))
    touched = merging.sides.our_delta.touched | merging.sides.their_delta.touched
    folding = FoldMerge(answering.draft, answers, merging.load, touched, shaky)
    for summary in answering.retold:
        answering.draft.refresh(summary)
    folding.run(merging.registers.rivals)
    return folding


def _disputed_folds(sides: Sides, chosen: set[str]) -> set[tuple[Register, str]]:
    if not chosen:
        return set()
    entries = (entry for state in (sides.ours, sides.theirs) for entry in state.context.entries)
    return {("fold", entry.message_id) for entry in entries if entry.folded_into in chosen}


def _in_order(conflicts: list[Conflict], context: Context) -> tuple[Conflict, ...]:
    """Return conflicts as their messages stand, those about the configuration last."""
    end = len(context.entries)

    def place(conflict: Conflict) -> tuple[int, str]:
        position = None if conflict.message_id is None else context.position(conflict.message_id)
        return (end if position is None else position), conflict.key

    return tuple(sorted(conflicts, key=place))
