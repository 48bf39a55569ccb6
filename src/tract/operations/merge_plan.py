"""Planning a merge: what is merged with what, and the conflicts as a resolver or a person is shown them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tract.exceptions import MergeError
from tract.history.graph import merge_bases
from tract.history.merge import MergePlan, contested_blobs, plan_merge
from tract.history.merge_base import MergeBase
from tract.history.virtual_base import virtual_base
from tract.model.commits import Commit
from tract.model.conflicts import Conflict, ConflictInfo
from tract.model.context import Context
from tract.model.messages import Blob
from tract.operations.describing import Story, describe_conflicts
from tract.operations.graph import GraphReader
from tract.operations.load import load_context, load_context_at, load_fields
from tract.operations.merge_session import MergeOptions
from tract.operations.repo import Repo
from tract.protocols import StoredCommit


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

    @property
    def unstored(self) -> Mapping[str, Blob]:
        """The messages that planning made, by blob id."""
        return {**self.base.blobs, **self.plan.new_blobs}

    def describe(self, repo: Repo, conflicts: Sequence[Conflict]) -> tuple[ConflictInfo, ...]:
        """Return conflicts as somebody who settles them needs to see them; at most five statements, however many."""
        if not conflicts:
            return ()
        ancestor, floor = _ancestor(repo, self.base_ids)
        ours, theirs = (
            repo.store.chain(side.commit.id, limit=max(side.generation - floor, 1)) for side in (self.ours, self.theirs)
        )
        story = Story(self.ours_context, ours, theirs, ancestor, self.unstored, self.theirs_context)
        return describe_conflicts(repo, conflicts, story)


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


def _ancestor(repo: Repo, base_ids: Sequence[str]) -> tuple[Commit | None, int]:
    """Return the single base, and the generation below which neither side has anything of its own."""
    stored = repo.store.commits(base_ids) if base_ids else {}
    single = stored[base_ids[0]].commit if len(base_ids) == 1 else None
    return single, min((found.generation for found in stored.values()), default=0)
