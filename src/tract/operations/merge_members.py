"""What a summary in conflict tells of each message concerned, and what of it is so no longer."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tract.history.compression import readable
from tract.model.conflicts import Conflict, ConflictMember
from tract.model.context import Context, Entry

Sides = tuple[Context, Context]
"""Both sides of a merge, ours first."""


class MemberBlobs(NamedTuple):
    """A message that a summary stands for, by its blobs: as the summary tells it, and as it is now."""

    message_id: str
    told: str | None
    now: str | None
    is_skipped: bool


def members_of(sides: Sides, conflict: Conflict) -> list[MemberBlobs]:
    """Return the messages in which a summary is out of date, in order; none for any other kind of conflict."""
    if conflict.kind not in ("fold_vs_edit", "fold_vs_skip"):
        return []
    summary, *named = conflict.message_ids
    told = next((side.seen[summary] for side in sides if summary in side.seen), {})
    if conflict.kind == "fold_vs_skip":
        found = [member for unit in named for member in _skipped(sides, unit, told)]
    else:
        found = [
            MemberBlobs(message_id, told.get(message_id), _now(sides, message_id, told.get(message_id)), False)
            for message_id in named
        ]
    return sorted(found, key=lambda member: _place(sides, member.message_id))


def shown_members(members: list[MemberBlobs], fields: Mapping[str, Mapping[str, Any]]) -> tuple[ConflictMember, ...]:
    """Return such messages with their texts."""
    return tuple(
        ConflictMember(
            member.message_id,
            None if member.told is None else readable(fields[member.told]),
            None if member.now is None else readable(fields[member.now]),
            member.is_skipped,
        )
        for member in members
    )


def _skipped(sides: Sides, unit: str, told: Mapping[str, str]) -> Iterator[MemberBlobs]:
    """Yield what a summary tells of an exchange that was skipped."""
    for message_id, blob_id in told.items():
        entry = _find(sides, message_id)
        if entry is not None and entry.unit == unit:
            yield MemberBlobs(message_id, blob_id, None, True)


def _now(sides: Sides, message_id: str, told: str | None) -> str | None:
    """Return what a message says on the side that changed it, theirs if both did."""
    blobs = [entry.blob_id for side in reversed(sides) if (entry := side.find(message_id)) is not None]
    return next((blob for blob in blobs if blob != told), blobs[0] if blobs else None)


def _find(sides: Sides, message_id: str) -> Entry | None:
    return sides[0].find(message_id) or sides[1].find(message_id)


def _place(sides: Sides, message_id: str) -> int:
    """Return where a message stands on our side, else on theirs."""
    places = (side.position(message_id) for side in sides)
    return next((place for place in places if place is not None), 0)
