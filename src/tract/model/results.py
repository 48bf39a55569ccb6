"""What reading verbs return: the status of a branch, the difference of two contexts, a message's history."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tract.model.changes import Mark
from tract.model.commits import Commit
from tract.model.messages import Message


@dataclass(frozen=True, slots=True)
class Status:
    """Where a branch stands; counts are those of the compiled context without a budget.

    `head_id` is None on an unborn branch; `merge_session` is the id of the merge that waits, or None, and
    `replay_session` that of the rebase, cherry-pick or revert.
    """

    branch: str
    head_id: str | None
    message_count: int
    token_count: int
    tokens_exact: bool
    merge_session: str | None
    budget: int | None
    replay_session: str | None = None


@dataclass(frozen=True, slots=True)
class MessageDiff:
    """One message on both sides of a difference; None where a side does not have it."""

    message_id: str
    before: Message | None
    after: Message | None

    @property
    def text_diff(self) -> str:
        """The unified diff of the two readable texts, without file headers; "" where they are the same."""
        before = self.before.text.split("\n") if self.before is not None else []
        after = self.after.text.split("\n") if self.after is not None else []
        lines = list(difflib.unified_diff(before, after, lineterm="", n=3))
        return "\n".join(lines[2:])


@dataclass(frozen=True, slots=True)
class MarkDiff:
    """A message's mark on both sides."""

    message_id: str
    before: Mark
    after: Mark


@dataclass(frozen=True, slots=True)
class FoldDiff:
    """Which summary stood for a message, and which does now; None: it is shown itself."""

    message_id: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Diff:
    """What is different from one context to another, in the order of the second.

    `moved` are the common messages that another order put elsewhere; `configured` maps a key to its two values, None
    for unset.
    """

    added: tuple[MessageDiff, ...] = ()
    removed: tuple[MessageDiff, ...] = ()
    edited: tuple[MessageDiff, ...] = ()
    marked: tuple[MarkDiff, ...] = ()
    moved: tuple[str, ...] = ()
    folded: tuple[FoldDiff, ...] = ()
    configured: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether the two contexts are the same."""
        return not any((self.added, self.removed, self.edited, self.marked, self.moved, self.folded, self.configured))


@dataclass(frozen=True, slots=True)
class MessageVersion:
    """One commit that touched a message: what it did, and what the message said after it."""

    commit: Commit
    action: str
    message: Message
    mark: Mark


@dataclass(frozen=True, slots=True)
class ReflogEntry:
    """One move of a branch; `selector` is the revision that names where it then stood, such as `main@{1}`."""

    selector: str
    old_id: str | None
    new_id: str | None
    kind: str
    author: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """What a purge overwrote, or (not `done`) would overwrite: every version of a message, by the ids of their bytes.

    `forgotten` are refs, with their tracts, that named records with the text: remembered answers, notes, merges that
    wait. `mentioned_in` are commits whose own message or metadata have the text: they cannot be overwritten.
    """

    message_id: str
    blob_ids: tuple[str, ...]
    forgotten: tuple[str, ...]
    mentioned_in: tuple[str, ...]
    done: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a tract was spawned: the parent's name, its branch, and the commit that the child started from.

    `root_id` is the child's own first commit where it inherited a part, else None.
    """

    tract: str
    branch: str
    commit_id: str
    root_id: str | None = None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One move of a branch in one of several tracts: what was done there, and the commit that it then stood at."""

    tract: str
    branch: str
    commit_id: str
    kind: str
    author: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did: the commit (None: nothing was new), and what it had to repair.

    `message_ids` are the conversation's, in order, new or not. `unanswered` are calls that were given the result
    `[no result]`, `orphans` results without a call, which are kept skipped.
    """

    commit: Commit | None
    message_ids: tuple[str, ...]
    added: int
    unanswered: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
