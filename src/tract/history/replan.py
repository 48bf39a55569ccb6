"""The changes that turn one context into another: what a merge commit holds against its first parent."""

from collections.abc import Iterator, Mapping
from typing import Any

from tract.history.delta import Delta, find_delta
from tract.history.fold_view import FoldView
from tract.history.message_merge import same_json
from tract.history.rising import longest_rise
from tract.model.changes import Append, Change, Configure, Edit, Fold, Insert, Move, NewMessage, SetMark, Unfold
from tract.model.context import Context, Entry


def plan_changes(first_parent: Context, target: Context) -> tuple[Change, ...]:
    """Return the changes whose fold over the first parent is exactly the target.

    The target is a settled merge: it has every message of the first parent with its results in their order, folds
    nothing that it pins or skips, and keeps what the first parent's idle summaries tell.
    """
    delta = find_delta(first_parent, target)
    changes: list[Change] = []
    folds: list[Change] = []
    if first_parent.seen or target.seen:
        changes, folds = _fold_changes(first_parent, target, delta)
    return (
        *changes,
        *_moves(first_parent, target, delta),
        *_arrivals(first_parent, target, delta),
        *_edits_and_marks(delta),
        *folds,
        *_settings(first_parent.config, target.config),
    )


def _moves(first_parent: Context, target: Context, delta: Delta) -> Iterator[Change]:
    """Yield moves for the fewest exchanges whose moving gives the common ones the target's order."""
    if not delta.moved:
        return
    start = delta.same_start
    common = [
        entry.message_id
        for entry in target.entries[start:]
        if entry.answers is None and entry.message_id not in delta.added
    ]
    staying = set(longest_rise([first_parent.positions[message_id] for message_id in common]))
    after = first_parent.entries[start - 1].unit if start else None
    for index, message_id in enumerate(common):
        if index not in staying:
            yield Move(message_id, after)
        after = message_id


def _arrivals(first_parent: Context, target: Context, delta: Delta) -> Iterator[Change]:
    """Yield what brings in new messages: inserts first, since they stand behind what the first parent has."""
    appends: list[Change] = []
    for anchor, run, is_last in _runs(first_parent, target, delta):
        late = 0
        while late < len(run) and run[late].answers is not None and run[late].answers not in delta.added:
            late += 1
        appends += [Append(_new(entry)) for entry in run[:late]]
        block = run[late:]
        # A summary cannot be appended, nor can what stands before it then.
        inserted = len(block)
        while is_last and inserted and not block[inserted - 1].summary:
            inserted -= 1
        for entry in block[:inserted]:
            yield Insert(_new(entry), anchor, entry.summary)
        appends += [Append(_new(entry)) for entry in block[inserted:]]
    yield from appends


def _runs(first_parent: Context, target: Context, delta: Delta) -> Iterator[tuple[str | None, list[Entry], bool]]:
    """Yield the runs of new messages, the unit that each stands behind, and whether it ends the target."""
    if not delta.moved:
        last = len(first_parent.entries) - 1
        for position, run in delta.runs:
            yield (first_parent.entries[position].unit if position >= 0 else None), run, position == last
        return
    start = delta.same_start
    anchor = first_parent.entries[start - 1].unit if start else None
    run = []
    for entry in target.entries[start:]:
        if entry.message_id in delta.added:
            run.append(entry)
            continue
        if run:
            yield anchor, run, False
        anchor, run = entry.unit, []
    if run:
        yield anchor, run, True


def _new(entry: Entry) -> NewMessage:
    return NewMessage(entry.message_id, entry.blob_id, entry.role, entry.calls, entry.call_id, entry.answers)


def _edits_and_marks(delta: Delta) -> Iterator[Change]:
    for message_id, (old, new) in delta.changed.items():
        if old.blob_id != new.blob_id:
            yield Edit(message_id, new.blob_id)
        if old.mark != new.mark:
            yield SetMark(message_id, new.mark)
    for message_id, entry in delta.added.items():
        if entry.mark != "normal":
            yield SetMark(message_id, entry.mark)


def _fold_changes(first_parent: Context, target: Context, delta: Delta) -> tuple[list[Change], list[Change]]:
    """Return what is to be shown before anything else changes, and what is to be folded when all else has."""
    old, new = FoldView.of(first_parent), FoldView.of(target)
    changed = delta.touched | {entry.unit for _, entry in delta.changed.values()}
    shown = {unit for unit, summary in old.into.items() if new.into.get(unit) != summary or unit in changed}
    folded = {unit for unit, summary in new.into.items() if old.into.get(unit) != summary or unit in shown}
    refolded = {new.into[unit] for unit in folded}
    for summary, units in new.under.items():
        if summary not in refolded and new.seen[summary] != old.seen.get(summary):
            # What a summary tells is said by folding something into it, if only anew.
            unit = next(iter(units))
            shown.add(unit)
            folded.add(unit)
    return _unfolds(old, shown), _folds(new, folded)


def _unfolds(view: FoldView, shown: set[str]) -> list[Change]:
    found: list[Change] = []
    for summary, units in view.under.items():
        part = tuple(unit for unit in units if unit in shown)
        if part:
            found.append(Unfold(summary, None if len(part) == len(units) else part))
    return found


def _folds(view: FoldView, folded: set[str]) -> list[Change]:
    """Return the folds, inner summaries before those that stand for them."""
    found: list[Change] = []
    for summary, units in sorted(view.under.items(), key=lambda item: -len(view.above(item[0]))):
        part = tuple(unit for unit in units if unit in folded)
        if part:
            told = view.seen[summary]
            is_plain = len(part) == len(units) and view.told_now(summary) == told
            found.append(Fold(summary, part, None, None if is_plain else told))
    return found


def _settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    if before is after:
        return
    keys = sorted({*before, *after})
    changed = {key: after.get(key) for key in keys if not same_json(before.get(key), after.get(key))}
    if changed:
        yield Configure(changed)
