"""Where one side changed a message under the other's feet: it skipped what was edited, or edited what was answered."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from tract.history.delta import Delta
from tract.history.registers import Sides, leave_for
from tract.model.conflicts import Conflict, Notice, SideBlobs
from tract.model.context import Context, Entry
from tract.model.messages import INSTRUCTION_ROLES

Review = Literal["system", "strict", "off"]
"""When replies under a message that the other side edited or skipped are asked about; `system`: pinned ones too."""


def skips_of_edited(sides: Sides) -> Iterator[Conflict]:
    """Yield a conflict for each exchange that one side skipped and the other edited or added a result to."""
    yield from _skips_of_edited(sides, sides.our_delta, sides.their_delta)
    mirrored = _mirrored(sides)
    for conflict in _skips_of_edited(mirrored, mirrored.our_delta, mirrored.their_delta):
        yield conflict.swapped()


def stale_replies(sides: Sides, review: Review) -> tuple[list[Conflict], list[Notice]]:
    """Return what is to be asked, and told, of messages that one side changed while the other replied under them."""
    conflicts, notices = [], []
    for view, is_ours in ((sides, True), (_mirrored(sides), False)):
        replied = any(
            entry.role == "assistant" and message_id not in view.our_delta.added
            for message_id, entry in view.their_delta.added.items()
        )
        for old, edited in view.our_delta.changed.values() if replied else ():
            other = _other_version(view, old)
            if not _replied_under(view, old, edited, other):
                continue
            if _is_asked(view, (old, edited, other), review):
                conflict = _stale_conflict(old, edited, other)
                conflicts.append(conflict if is_ours else conflict.swapped())
            else:
                done = "edited" if edited.blob_id != old.blob_id else "skipped"
                text = f"one side {done} message {old.message_id[:12]}, and the other replied under what it said before"
                notices.append(Notice("edit_plus_append", (old.message_id,), text))
    return conflicts, notices


def _mirrored(sides: Sides) -> Sides:
    return replace(
        sides, ours=sides.theirs, theirs=sides.ours, our_delta=sides.their_delta, their_delta=sides.our_delta
    )


def _skips_of_edited(sides: Sides, edits: Delta, skips: Delta) -> Iterator[Conflict]:
    """Yield what our side edited and theirs skipped."""
    skipped = {
        unit: (old, new) for unit, (old, new) in skips.changed.items() if old.mark != new.mark and new.mark == "skipped"
    }
    if not skipped:
        return
    edited: dict[str, list[tuple[Entry | None, Entry]]] = {}
    for old, new in edits.changed.values():
        if old.blob_id != new.blob_id:
            edited.setdefault(new.unit, []).append((old, new))
    for new in edits.added.values():
        edited.setdefault(new.unit, []).append((None, new))
    for unit, (old, new) in skipped.items():
        ours = edits.changed[unit][1] if unit in edits.changed else old
        members = [
            (before, after) for before, after in edited.get(unit, ()) if not _says_the_same(sides.theirs.context, after)
        ]
        if members and ours.mark != "skipped":
            yield _skip_conflict(old, new, ours, members)


def _says_the_same(context: Context, entry: Entry) -> bool:
    found = context.find(entry.message_id)
    return found is not None and found.blob_id == entry.blob_id


def _skip_conflict(old: Entry, skipped: Entry, ours: Entry, members: list[tuple[Entry | None, Entry]]) -> Conflict:
    """Return the conflict of our edits of an exchange's members with their skip of it."""
    before, after = members[0]
    old_blob = None if before is None else before.blob_id
    edits = {entry.message_id: entry.blob_id for _, entry in members}
    base = {entry.message_id: None if was is None else was.blob_id for was, entry in members}
    return Conflict(
        "skip_vs_edit",
        after.message_id,
        [old.mark, base],
        [ours.mark, edits],
        [skipped.mark, None],
        tuple(edits),
        SideBlobs(old_blob, after.blob_id, None),
        takes_text=True,
        needs_leave=leave_for(after.role) or leave_for(old.role),
    )


def _other_version(sides: Sides, old: Entry) -> Entry:
    changed = sides.their_delta.changed.get(old.message_id)
    return old if changed is None else changed[1]


def _replied_under(sides: Sides, old: Entry, edited: Entry, other: Entry) -> bool:
    """Tell whether the other side still showed the message as it was, so that its replies rest on it."""
    if ("content", old.message_id) in sides.base.disputed or other.blob_id != old.blob_id:
        return False
    was_skipped = edited.mark == "skipped" and old.mark != "skipped" and other.mark == old.mark
    return (edited.blob_id != old.blob_id or was_skipped) and sides.theirs.context.is_visible(other)


def _is_asked(sides: Sides, versions: tuple[Entry, Entry, Entry], review: Review) -> bool:
    if review == "system":
        states = (sides.base.context, sides.ours.context, sides.theirs.context)
        heads = [state.head(entry) for state, entry in zip(states, versions, strict=True)]
        return versions[0].role in INSTRUCTION_ROLES or any(head.mark == "pinned" for head in heads)
    return review == "strict"


def _stale_conflict(old: Entry, edited: Entry, other: Entry) -> Conflict:
    """Return the conflict of our change of a message with their replies to it."""
    return Conflict(
        "edit_plus_append",
        old.message_id,
        [old.mark, old.blob_id],
        [edited.mark, edited.blob_id],
        [other.mark, other.blob_id],
        (old.message_id,),
        SideBlobs(old.blob_id, None if edited.mark == "skipped" else edited.blob_id, other.blob_id),
        takes_text=True,
        needs_leave=leave_for(old.role),
    )
