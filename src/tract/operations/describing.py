"""Conflicts as whoever settles them needs to see them: what each side says, who said it, and what stands around."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tract.model.changes import Change, Configure, Edit, Fold, Move, SetMark, Unfold
from tract.model.commits import Commit, added_messages, describe_changes
from tract.model.conflicts import Conflict, ConflictCommit, ConflictInfo, ConflictMember
from tract.model.context import Context, Entry
from tract.model.messages import Blob, Message, text_of
from tract.operations.load import load_fields
from tract.operations.merge_members import MemberBlobs, members_of, shown_members
from tract.operations.repo import Repo

_SURROUNDING = 2


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The messages that stand around a conflict on our side, in order."""

    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """What tells of conflicts: our context, what either side did, newest first, and what they started from.

    `unstored` are messages that no store has yet, by blob id; `other` is the other side's context, where it has one.
    """

    context: Context
    ours: Sequence[Commit]
    theirs: Sequence[Commit]
    ancestor: Commit | None
    unstored: Mapping[str, Blob]
    other: Context | None = None


def describe_conflicts(repo: Repo, conflicts: Sequence[Conflict], story: Story) -> tuple[ConflictInfo, ...]:
    """Return conflicts as somebody who settles them needs to see them; at most one statement."""
    near = {conflict.id: _near(story.context, conflict) for conflict in conflicts}
    wanted = {blob_id for conflict in conflicts for blob_id in conflict.blobs if blob_id is not None}
    wanted.update(blob_id for blob_ids in near.values() for blob_id in blob_ids)
    members = {conflict.id: _members(story, conflict) for conflict in conflicts}
    told = [blob_id for found in members.values() for member in found for blob_id in (member.told, member.now)]
    wanted.update(blob_id for blob_id in told if blob_id is not None)
    fields = load_fields(repo, sorted(wanted - story.unstored.keys()))
    fields.update({blob_id: blob.fields for blob_id, blob in story.unstored.items() if blob_id in wanted})
    return tuple(
        _describe(
            conflict,
            (_last_touch(story.ours, conflict), _last_touch(story.theirs, conflict), story.ancestor),
            _texts(conflict, fields),
            Surroundings(tuple(Message.from_fields(fields[blob_id]) for blob_id in near[conflict.id])),
            members=shown_members(members[conflict.id], fields),
        )
        for conflict in conflicts
    )


def _members(story: Story, conflict: Conflict) -> list[MemberBlobs]:
    return [] if story.other is None else members_of((story.context, story.other), conflict)


def _texts(conflict: Conflict, fields: Mapping[str, Mapping[str, Any]]) -> Sequence[str | None]:
    """Return what base, ours and theirs say: the values of a key as JSON, else what a message says where it shows."""
    if conflict.kind == "config" and conflict.words is not None:
        return conflict.words
    return [None if blob_id is None else text_of(fields[blob_id]) for blob_id in conflict.blobs]


def _describe(
    conflict: Conflict,
    commits: tuple[Commit, Commit, Commit | None],
    texts: Sequence[str | None],
    surroundings: Surroundings,
    *,
    members: tuple[ConflictMember, ...],
) -> ConflictInfo:
    return ConflictInfo(
        id=conflict.id,
        conflict_type=conflict.kind,
        message_id=conflict.message_id,
        commit_a=_shown(commits[0], texts[1]),
        commit_b=_shown(commits[1], texts[2]),
        ancestor=None if commits[2] is None else _shown(commits[2], texts[0]),
        content_a_text=texts[1],
        content_b_text=texts[2],
        ancestor_content_text=texts[0],
        compiled_context=surroundings,
        choices=conflict.choices,
        takes_text=conflict.takes_text,
        key=conflict.key,
        message_ids=conflict.message_ids,
        needs_leave=conflict.needs_leave,
        members=members,
    )


def _shown(commit: Commit, text: str | None) -> ConflictCommit:
    return ConflictCommit(commit.id, commit.message or describe_changes(commit.changes) or commit.id, text)


def _last_touch(chain: Sequence[Commit], conflict: Conflict) -> Commit:
    """Return the newest commit that touched what a conflict is about, else the tip."""
    return next((commit for commit in chain if _touches(commit.changes, conflict)), chain[0])


def _touches(changes: Iterable[Change], conflict: Conflict) -> bool:
    concerned = {conflict.key, *conflict.message_ids}
    for change in changes:
        match change:
            case Configure(settings):
                if conflict.kind == "config" and conflict.key in settings:
                    return True
            case Edit(message_id) | SetMark(message_id) | Move(message_id):
                if message_id in concerned:
                    return True
            case Fold(summary_id, message_ids):
                if summary_id in concerned or not concerned.isdisjoint(message_ids):
                    return True
            case Unfold(summary_id):
                if summary_id in concerned:
                    return True
            case _:
                if any(message.message_id in concerned for message in added_messages([change])):
                    return True
    return False


def _near(context: Context, conflict: Conflict) -> list[str]:
    """Return the blobs of the visible messages around the one concerned; of the last ones where none is."""
    position = context.position(conflict.key) if conflict.kind != "config" else None
    centre = len(context.entries) - 1 if position is None else position
    before = [entry.blob_id for entry in _visible(context, range(centre, -1, -1), _SURROUNDING + 1)]
    after = [entry.blob_id for entry in _visible(context, range(centre + 1, len(context.entries)), _SURROUNDING)]
    return [*reversed(before), *after]


def _visible(context: Context, positions: Iterable[int], count: int) -> Iterable[Entry]:
    entries = (context.entries[position] for position in positions)
    return islice((entry for entry in entries if context.is_visible(entry)), count)
