"""The base of a merge that has several best ones: they are merged first, in memory.

Source: git's recursive merge, whose virtual ancestors these are; done by a loop, since criss-cross histories get long.
"""

from collections.abc import Callable, Sequence

from tract.history.answering import Answers
from tract.history.graph import Lookup, merge_bases
from tract.history.merge import assemble, prepare_merge
from tract.history.merge_base import Load, MergeBase
from tract.model.context import Context

_Bases = tuple[str, ...]


def virtual_base(
    base_ids: Sequence[str], *, lookup: Lookup, context_of: Callable[[str], Context], load: Load
) -> MergeBase:
    """Return the merge of several best common ancestors, in order of id; of one the context itself, of none nothing.

    `context_of` gives a commit's context. What conflicts in it is in dispute, so that the merge asks it anew.
    """
    merged: dict[_Bases, MergeBase] = {(): MergeBase()}
    bases_before: dict[_Bases, _Bases] = {}
    wanted = tuple(sorted(base_ids))
    waiting = [wanted]
    while waiting:
        bases = waiting[-1]
        if bases in merged:
            waiting.pop()
            continue
        if len(bases) == 1:
            merged[bases] = MergeBase(context_of(bases[0]))
            continue
        *first, last = bases
        if bases not in bases_before:
            bases_before[bases] = tuple(merge_bases(first, last, lookup))
        parts = (tuple(first), (last,), bases_before[bases])
        missing = [part for part in parts if part not in merged]
        if missing:
            waiting += missing
        else:
            ours, theirs, base = (merged[part] for part in parts)
            merged[bases] = _merged(base, ours, theirs, load)
    return merged[wanted]


def _merged(base: MergeBase, ours: MergeBase, theirs: MergeBase, load: Load) -> MergeBase:
    merging = prepare_merge(base, ours, theirs, load=load, review="off")
    settled, disputed = assemble(merging, Answers({}))
    for conflict in settled.open_conflicts:
        if conflict.kind == "skip_vs_edit":
            found = settled.context.find(conflict.key)
            assert found is not None, "a conflict is about a message of the merge"
            disputed.add(("mark", found.unit))
    blobs = {**base.blobs, **ours.blobs, **theirs.blobs, **settled.new_blobs}
    return MergeBase(settled.context, frozenset(disputed), blobs)
