"""Planning a merge: what is merged with what, and the conflicts as a resolver or a person is shown them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tract.exceptions import MergeError
from tract.history.graph import merge_bases
from tract.history.merge import MergePlan, contested_blobs, plan_merge
from tract.history.merge_base import MergeBase
from tract.history.virtual_base import virtual_base
from tract.model.changes import Change, Configure, Edit, Fold, Move, SetMark, Unfold
from tract.model.commits import Commit, added_messages, describe_changes
from tract.model.conflicts import Conflict, ConflictCommit, ConflictInfo
from tract.model.context import Context, Entry
from tract.model.messages import Blob, Message, text_of
from tract.operations.graph import GraphReader
from tract.operations.load import load_context, load_context_at, load_fields
from tract.operations.merge_session import MergeOptions
from tract.operations.repo import Repo
from tract.protocols import StoredCommit

_SURROUNDING = 2


@dataclass(frozen=True, slots=True)
class Prepared:
    """Two commits, their bases, the three contexts, and the plan that follows from them."""

    ours: StoredCommit
    theirs: StoredCommit
    base_ids: tuple[str, ...]
    base: MergeBase
    ours_context: Context
    theirs_context: Context
    plan: MergePlan


def find_bases(repo: Repo, ours: StoredCommit, theirs: StoredCommit, options: MergeOptions) -> tuple[str, ...]:
    """Return the ids of the best common ancestors, in order; without any, of the one that the options name."""
    lookup = GraphReader(repo.store, [ours, theirs])
    found = tuple(merge_bases(ours.commit.id, theirs.commit.id, lookup))
    return found if found or options.base_id is None else (options.base_id,)


def prepare(
    repo: Repo, ours: StoredCommit, theirs: StoredCommit, *, base_ids: tuple[str, ...], options: MergeOptions
) -> Prepared:
    """Return the plan of a merge; pure but for what it reads.

    Raises:
        MergeError: there is no common history, and the options do not allow that.
    """
    if not base_ids and not options.allow_unrelated:
        raise MergeError("the two have no common history")
    base = _merge_base(repo, base_ids)
    ours_context = load_context(repo, ours.commit)
    theirs_context = load_context(repo, theirs.commit)
    contested = [
        blob_id for blob_id in contested_blobs(base, ours_context, theirs_context) if blob_id not in base.blobs
    ]
    load_fields(repo, contested)
    plan = plan_merge(
        base, ours_context, theirs_context, load=loader(repo, base.blobs), review=options.review or "system"
    )
    return Prepared(ours, theirs, base_ids, base, ours_context, theirs_context, plan)


def loader(repo: Repo, unstored: Mapping[str, Blob]) -> Callable[[str], Mapping[str, Any]]:
    """Return what gives a blob's fields: of a message made just now, else of a stored one."""

    def load(blob_id: str) -> Mapping[str, Any]:
        blob = unstored.get(blob_id)
        return blob.fields if blob is not None else load_fields(repo, [blob_id])[blob_id]

    return load


def _merge_base(repo: Repo, base_ids: Sequence[str]) -> MergeBase:
    if len(base_ids) < 2:
        return MergeBase(load_context_at(repo, base_ids[0]) if base_ids else Context())
    stored = repo.store.commits(base_ids)
    return virtual_base(
        base_ids,
        lookup=GraphReader(repo.store, list(stored.values())),
        context_of=lambda commit_id: load_context_at(repo, commit_id),
        load=loader(repo, {}),
    )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The messages that stand around a conflict on our side, in order."""

    messages: tuple[Message, ...]


def describe(repo: Repo, prepared: Prepared, conflicts: Sequence[Conflict]) -> tuple[ConflictInfo, ...]:
    """Return conflicts as somebody who settles them needs to see them; at most five statements, however many."""
    if not conflicts:
        return ()
    ancestor, floor = _ancestor(repo, prepared.base_ids)
    sides = [
        repo.store.chain(side.commit.id, limit=max(side.generation - floor, 1))
        for side in (prepared.ours, prepared.theirs)
    ]
    near = {conflict.id: _near(prepared.ours_context, conflict) for conflict in conflicts}
    wanted = {blob_id for conflict in conflicts for blob_id in conflict.blobs if blob_id is not None}
    wanted.update(blob_id for blob_ids in near.values() for blob_id in blob_ids)
    unstored = {**prepared.base.blobs, **prepared.plan.new_blobs}
    fields = load_fields(repo, sorted(wanted - unstored.keys()))
    fields.update({blob_id: blob.fields for blob_id, blob in unstored.items() if blob_id in wanted})
    return tuple(
        _describe(
            conflict,
            (_last_touch(sides[0], conflict), _last_touch(sides[1], conflict), ancestor),
            _texts(conflict, fields),
            Surroundings(tuple(Message.from_fields(fields[blob_id]) for blob_id in near[conflict.id])),
        )
        for conflict in conflicts
    )


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
    )


def _shown(commit: Commit, text: str | None) -> ConflictCommit:
    return ConflictCommit(commit.id, commit.message or describe_changes(commit.changes) or commit.id, text)


def _ancestor(repo: Repo, base_ids: Sequence[str]) -> tuple[Commit | None, int]:
    """Return the single base, and the generation below which neither side has anything of its own."""
    stored = repo.store.commits(base_ids) if base_ids else {}
    single = stored[base_ids[0]].commit if len(base_ids) == 1 else None
    return single, min((found.generation for found in stored.values()), default=0)


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
