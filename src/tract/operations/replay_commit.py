"""The commits of a replay: each as it was made first, on its new parent, all of them in one write."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tract.model.changes import Edit, SetMark
from tract.model.commits import Commit, build_commit, named_blobs
from tract.model.refs import BRANCHES
from tract.operations.load import keep_context, load_context, load_fields
from tract.operations.merge_commit import made_blobs, settled_by
from tract.operations.merge_session import KeptAnswer, find_remembered, remember
from tract.operations.record import empty_facts, facts_after, hold_blobs, new_objects
from tract.operations.rendering import load_counts
from tract.operations.replay_plan import Outcome, Replayed, ReplayPlan
from tract.operations.repo import Repo
from tract.protocols import NewCommit, NewObject, Operation, RefMove

ORIGIN_KEY = "replay"
"""Where a commit's metadata says which commit it was made from."""


def publish_replay(
    repo: Repo, plan: ReplayPlan, operation: Operation, *, branch: str, moves: Sequence[RefMove] = ()
) -> tuple[Commit, ...]:
    """Record what a replay came to, move the branch, remember the answers, and return the new commits; one write.

    Raises:
        ConcurrentMoveError: the branch moved, or something else that was to be moved along.
    """
    outcome = plan.outcome
    commits, objects = _build(repo, plan, operation)
    standing = commits[-1].id if commits else plan.target_id
    records, remembered = remember(outcome.given, find_remembered(repo, sorted(outcome.given)))
    moved = [] if standing == plan.tip_id else [RefMove(BRANCHES + branch, plan.tip_id, standing)]
    if moved or remembered or moves:
        repo.store.publish([*objects, *records], [*moved, *remembered, *moves], operation)
    before = load_context(repo, plan.onto.commit if plan.onto is not None else None)
    for commit, replayed in zip(commits, outcome.done, strict=True):
        keep_context(repo, commit.id, replayed.context, before)
        before = replayed.context
    return commits


def _build(repo: Repo, plan: ReplayPlan, operation: Operation) -> tuple[tuple[Commit, ...], list[NewObject]]:
    """Return the new commits, and the objects to store: messages made on the way first, then parents first."""
    outcome, onto = plan.outcome, plan.onto
    facts = onto.facts if onto is not None else empty_facts(repo)
    parent_id = onto.commit.id if onto is not None else None
    before = load_context(repo, onto.commit if onto is not None else None)
    changes = [change for replayed in outcome.done for change in replayed.changes]
    hold_blobs(repo, made_blobs(changes, outcome.blobs), facts.encoding)
    _load_at_once(repo, outcome, facts.encoding)
    commits: list[Commit] = []
    found: list[NewObject] = []
    for replayed in outcome.done:
        facts = facts_after(repo, before, facts, replayed.context)
        commit, payload = _rebuilt(plan, replayed, operation, parent_id)
        commits.append(commit)
        found.append(NewCommit(commit, payload, facts))
        parent_id, before = commit.id, replayed.context
    made = new_objects(repo, made_blobs(changes, outcome.blobs), facts.encoding)
    return tuple(commits), [*made, *found]


def _load_at_once(repo: Repo, outcome: Outcome, encoding: str) -> None:
    """Read the messages that the new commits bring, edit, hide or show, and what they cost, in two statements."""
    named = {blob_id for replayed in outcome.done for blob_id in named_blobs(replayed.changes)}
    for replayed in outcome.done:
        marked = (change.message_id for change in replayed.changes if isinstance(change, SetMark | Edit))
        named |= {entry.blob_id for message_id in marked for entry in replayed.context.exchange(message_id)}
    load_counts(repo, load_fields(repo, sorted(named)), encoding)


def _rebuilt(plan: ReplayPlan, replayed: Replayed, operation: Operation, parent_id: str | None) -> tuple[Commit, bytes]:
    """Return a commit as it was made first, on its new parent; one that takes another back is the caller's own."""
    commit, verb = replayed.commit, plan.request.verb
    parents = [] if parent_id is None else [parent_id]
    told: dict[str, Any] = {"verb": verb, "origin": commit.id}
    answers: Mapping[str, KeptAnswer] = plan.outcome.given
    settled = [settled_by(conflict, answers[conflict.id]) for conflict in replayed.conflicts]
    if settled:
        told["conflicts"] = settled
    if verb == "revert":
        message: str | None = f'revert "{commit.message}"'
        metadata: dict[str, Any] = {ORIGIN_KEY: told}
        by: tuple[str, datetime] = (operation.author, operation.created_at)
    else:
        message = commit.given_message
        metadata = {**commit.metadata, _origin_key(commit.metadata): told}
        by = (commit.author, commit.created_at)
    return build_commit(parents, replayed.changes, message=message, author=by[0], created_at=by[1], metadata=metadata)


def _origin_key(metadata: Mapping[str, Any]) -> str:
    """Return the key under which a commit tells where it came from: one that a caller gave is left alone."""
    key = ORIGIN_KEY
    while key in metadata and not _is_origin(metadata[key]):
        key += "_"
    return key


def _is_origin(value: object) -> bool:
    return isinstance(value, Mapping) and value.keys() >= {"verb", "origin"}
