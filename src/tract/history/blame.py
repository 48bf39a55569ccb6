"""Which commit put each line of a message there: each version hands on to those before it what it has of them.

Source: git blame, which passes blame for unchanged lines to the parents, the first parent before the others.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tract.history.line_diff import find_hunks, rough_hunk
from tract.model.changes import Append, Change, Edit, Fold, Insert
from tract.model.commits import Commit


class Touch(NamedTuple):
    """What a commit did to a message: the blob that it says then, whether it brought the message in, and how."""

    blob_id: str
    is_new: bool
    kind: str


class Version(NamedTuple):
    """A message's lines after a commit, and the commits whose versions it was made from, the first parent's first."""

    commit_id: str
    lines: Sequence[str]
    before: Sequence[str]


def find_touch(commit: Commit, message_id: str) -> Touch | None:
    """Return what a commit did to a message's content; None if nothing."""
    found: Touch | None = None
    for change in commit.changes:
        touch = _touch(change, message_id)
        if touch is not None:
            is_new = touch.is_new or (found is not None and found.is_new)
            found = Touch(touch.blob_id, is_new, found.kind if found is not None else touch.kind)
    if found is not None and len(commit.parents) > 1:
        return found._replace(kind="merge")
    return found


def _touch(change: Change, message_id: str) -> Touch | None:
    match change:
        case Append(message) if message.message_id == message_id:
            return Touch(message.blob_id, True, "append")
        case Insert(message) if message.message_id == message_id:
            return Touch(message.blob_id, True, "insert")
        case Fold(_, _, summary) if summary is not None and summary.message_id == message_id:
            return Touch(summary.blob_id, True, "fold")
        case Edit(edited, blob_id) if edited == message_id:
            return Touch(blob_id, False, "edit")
    return None


def attribute(commit_id: str, versions: Mapping[str, Version]) -> list[str]:
    """Return the commits that put the lines of a commit's version there, parallel to them."""
    found: dict[str, list[str]] = {}
    waiting = [commit_id]
    while waiting:
        version = versions[waiting[-1]]
        missing = [before for before in version.before if before not in found]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        if version.commit_id not in found:
            found[version.commit_id] = _handed_on(version, versions, found)
    return found[commit_id]


def oldest(commit_id: str, versions: Mapping[str, Version]) -> str:
    """Return the commit that a version's message first came from, by the first of those that each was made from."""
    while versions[commit_id].before:
        commit_id = versions[commit_id].before[0]
    return commit_id


def _handed_on(version: Version, versions: Mapping[str, Version], found: Mapping[str, list[str]]) -> list[str]:
    blamed: list[str | None] = [None] * len(version.lines)
    for before in version.before:
        for old, new in _unchanged(versions[before].lines, version.lines):
            if blamed[new] is None:
                blamed[new] = found[before][old]
    return [version.commit_id if commit_id is None else commit_id for commit_id in blamed]


def _unchanged(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places of the lines that stayed, in the old text and in the new one."""
    if old == new:
        return [(place, place) for place in range(len(old))]
    hunks = find_hunks(old, new)
    pairs: list[tuple[int, int]] = []
    place = new_place = 0
    for hunk in [rough_hunk(old, new)] if hunks is None else hunks:
        pairs += zip(range(place, hunk.start), range(new_place, hunk.new_start), strict=True)
        place, new_place = hunk.stop, hunk.new_stop
    pairs += zip(range(place, len(old)), range(new_place, len(new)), strict=True)
    return pairs
