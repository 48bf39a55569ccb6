"""The merge commit: the changes that make our context the merged one, who settled what, and the one write."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tract.history.merge import Settled
from tract.history.replan import plan_changes
from tract.model.changes import Change
from tract.model.commits import Commit, build_commit, named_blobs
from tract.model.conflicts import Conflict
from tract.model.messages import Blob
from tract.model.refs import BRANCHES, MERGES
from tract.operations.merge_plan import Prepared
from tract.operations.merge_session import KeptAnswer, MergeOptions, find_remembered, remember
from tract.operations.record import facts_of, hold_blobs, new_objects
from tract.operations.rendering import encoding_of
from tract.operations.repo import Repo
from tract.protocols import NewCommit, Operation, RefMove


@dataclass(frozen=True, slots=True)
class Finished:
    """A merge with nothing left to ask, ready to be committed."""

    branch: str
    source: str
    options: MergeOptions
    prepared: Prepared
    settled: Settled
    conflicts: Sequence[Conflict]
    answers: Mapping[str, KeptAnswer]


def publish_merge(repo: Repo, finished: Finished, operation: Operation, moves: Iterable[RefMove] = ()) -> Commit:
    """Commit a merge with both parents, remember its answers, and return the commit; one write.

    Raises:
        ConcurrentMoveError: the branch moved, or something else that was to be moved along.
    """
    prepared, context = finished.prepared, finished.settled.context
    changes = plan_changes(prepared.ours_context, context)
    blobs = made_blobs(changes, {**prepared.base.blobs, **finished.settled.new_blobs})
    encoding = encoding_of(repo, context.config)
    hold_blobs(repo, blobs, encoding)
    commit, payload = build_commit(
        [prepared.ours.commit.id, prepared.theirs.commit.id],
        changes,
        message=finished.options.message or f"merge {finished.source} into {finished.branch}",
        author=operation.author,
        created_at=operation.created_at,
        metadata=_metadata(finished),
    )
    records, remembered = remember(finished.answers, find_remembered(repo, sorted(finished.answers)))
    ours = RefMove(BRANCHES + finished.branch, prepared.ours.commit.id, commit.id)
    objects = [
        *new_objects(repo, blobs, encoding),
        *records,
        NewCommit(commit, payload, facts_of(repo, context)),
    ]
    repo.store.publish(objects, [ours, *remembered, *moves], operation)
    repo.caches.contexts.put(commit.id, context)
    return commit


def deletion(repo: Repo, source: str, theirs_id: str, options: MergeOptions) -> list[RefMove]:
    """Return the move that deletes the branch merged in, if that was asked for and it still stands there."""
    ref = BRANCHES + source
    if not options.delete_branch or source == repo.workspace.branch or repo.store.find_ref(ref) != theirs_id:
        return []
    return [] if repo.store.find_ref(MERGES + source) is not None else [RefMove(ref, theirs_id, None)]


def made_blobs(changes: Sequence[Change], unstored: Mapping[str, Blob]) -> list[Blob]:
    """Return those of some messages that changes bring in."""
    return [unstored[blob_id] for blob_id in sorted(unstored.keys() & set(named_blobs(changes)))]


def _metadata(finished: Finished) -> dict[str, Any]:
    """Return what the commit says of the merge: its bases, and who settled each conflict and how."""
    told: dict[str, Any] = {
        "source": finished.source,
        "tract": finished.options.child,
        "base_ids": list(finished.prepared.base_ids),
        "strategy": finished.options.strategy,
        "conflicts": [settled_by(conflict, finished.answers[conflict.id]) for conflict in finished.conflicts],
        "notices": [
            {"kind": notice.kind, "message_ids": list(notice.message_ids)} for notice in finished.settled.notices
        ],
    }
    found: dict[str, Any] = {"merge": {key: value for key, value in told.items() if value}}
    configs = [answer.generation_config for answer in finished.answers.values() if answer.generation_config]
    if configs:
        found["generation_config"] = configs[0]
    return found


def settled_by(conflict: Conflict, answer: KeptAnswer) -> dict[str, Any]:
    """Return what a commit tells of a conflict: who settled it, and how."""
    told = {
        "id": conflict.id,
        "kind": conflict.kind,
        "key": conflict.key,
        "by": answer.by,
        "choice": answer.choice,
        "reasoning": answer.reasoning,
        "generation_config": answer.generation_config,
    }
    return {key: value for key, value in told.items() if value is not None}
